"""The service around the policy: facts, log, tokens and HTTP, each beside its bare minimum."""

from __future__ import annotations

import contextlib
import http.client
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jwt

from authz_service import demo
from authz_service.bootstrap import Service, build
from authz_service.domain.decision import ActRecord, Caller, ProcessAsked, Question
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.processes import ProcessName
from authz_service.identity.govbr import GovBrTokens
from authz_service.policy.bundle import collect
from authz_service.server import Server
from authz_service.settings import Settings
from tests.bench.peers import Asked, plain_oso
from tests.bench.rounds import medians, table, times
from tests.bench.shipped import FOLDER
from tests.fakes.keys import ListedKeys
from tests.identity import minting

ROUNDS, SECONDS = 5, 0.3
CALLER = Caller("bench")


@dataclass(frozen=True)
class Contestant:
    """Something to be measured, and what its time is divided by."""

    name: str
    run: Callable[[], object]
    peer: str | None = None


def floor(_environ: Any, start_response: Any) -> list[bytes]:
    """Answer nothing, as fast as waitress can."""
    body = b'{"decision":true}'
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]


@contextlib.contextmanager
def serving(app: Callable[..., Any]) -> Iterator[int]:
    """Serve an application in a thread, and give its port."""
    server = Server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join()


def asking(port: int, key: str) -> Callable[[], object]:
    """Ask one AuthZEN question over a connection that stays open."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = json.dumps(
        {
            "subject": {"type": "person", "id": demo.MEMBER},
            "action": {"name": "open"},
            "resource": {"type": "process", "id": "P001", "properties": {"cnpj": demo.COMPANY}},
        }
    )
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def ask() -> object:
        connection.request("POST", "/access/v1/evaluation", body, headers)
        return connection.getresponse().read()

    return ask


def verifying() -> list[Contestant]:
    """Check one access token: PyJWT with a key and an algorithm alone, and all of our checks."""
    token, key = minting.access_token().token, minting.key().public_key()
    tokens = GovBrTokens(minting.STAGING, minting.AUDIENCE, ListedKeys({minting.KID: key}))
    return [
        Contestant(
            "plain PyJWT, one token",
            lambda: jwt.decode(
                token.text, key, algorithms=["RS256"], options={"verify_aud": False}
            ),
        ),
        Contestant("a verified token", lambda: tokens.verify(token), "plain PyJWT, one token"),
    ]


def contestants(service: Service, bare: int, whole: int, key: str) -> list[Contestant]:
    """Give everything that is measured, a peer before those that are divided by it."""
    question = Question(
        Cpf.parse(demo.MEMBER),
        "open",
        ProcessAsked(ProcessName("P001"), Cnpj.parse(demo.COMPANY)),
    )
    moment = service.point.clock()
    [facts] = service.store.facts.gather([question], moment).facts
    assert isinstance(facts, Facts)
    policy, oso, asked = (
        service.policy.current(),
        plain_oso(collect(FOLDER)),
        Asked(question, facts),
    )
    record = ActRecord("0" * 32, moment, CALLER, "bench")
    batch = [replace(question) for _ in range(10)]
    return [
        Contestant("plain oso, same rules", lambda: oso(asked)),
        Contestant(
            "the policy alone",
            lambda: policy.evaluate(question, facts),
            "plain oso, same rules",
        ),
        Contestant("facts from SQLite", lambda: service.store.facts.gather([question], moment)),
        Contestant("one line of the log", lambda: service.log.write([record])),
        Contestant(
            "decide: facts, policy, log",
            lambda: service.point.decide(question, CALLER),
            "plain oso, same rules",
        ),
        Contestant(
            "decide ten in a batch",
            lambda: service.point.decide_all(batch, CALLER),
            "plain oso, same rules",
        ),
        *verifying(),
        Contestant("HTTP, bare answer on waitress", asking(bare, key)),
        Contestant("HTTP, whole decision", asking(whole, key), "HTTP, bare answer on waitress"),
    ]


def measure() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_env({"AUTHZ_DATA_DIR": folder, "AUTHZ_POLICIES": str(FOLDER)})
        service = build(settings)
        service.load_policy()
        demo.seed(service, CALLER, signing_in=False)
        key = demo.header_file(Path(folder)).read_text().split()[-1]
        with serving(floor) as bare, serving(service.app()) as whole:
            measured = contestants(service, bare, whole, key)
            runs = {one.name: one.run for one in measured}
            taken = medians("the service", runs, ROUNDS, SECONDS)
        service.close()
    rows = {
        one.name: [
            f"{taken[one.name] * 1e6:,.0f}",
            "" if one.peer is None else times(taken[one.name], taken[one.peer]),
            one.peer or "",
        ]
        for one in measured
    }
    table("The service around it, a member opens", ["median µs", "ratio", "to"], rows)
