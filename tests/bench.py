"""
What a decision costs, as a ratio to plain oso and to an empty answer, measured in one run.

``python -m tests.bench`` prints a table. Figures of one run compare only with each other:
the machine is shared. Medians of rounds that take turns.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import jwt
from polar.polar import Polar
from polar.variable import Variable

from authz_service import demo
from authz_service.bootstrap import Service, build
from authz_service.domain.decision import ActRecord, Caller, ProcessAsked, Question
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.processes import ProcessName
from authz_service.identity.govbr import GovBrTokens
from authz_service.policy.vocabulary import VOCABULARY
from authz_service.server import Server
from authz_service.settings import Settings
from tests.fakes.keys import ListedKeys
from tests.identity import minting

ROOT = Path(__file__).parents[1]
ROUNDS, SECONDS = 7, 0.4
CALLER = Caller("bench")


@dataclass(frozen=True)
class Contestant:
    """Something to be measured, and what its time is divided by."""

    name: str
    run: Callable[[], object]
    peer: str | None = None


def time_of(run: Callable[[], object]) -> float:
    """Give the seconds of one call, as the mean over a round."""
    began, calls = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < SECONDS:
        run()
        calls += 1
    return took / calls


def plain_oso(facts: Facts) -> Callable[[], object]:
    """Ask the same rules of oso as it comes, with plain Python objects, all permits and forbids."""
    polar = Polar()
    for entity in VOCABULARY.values():
        polar.register_class(entity.type, name=entity.in_polar)
    with contextlib.redirect_stdout(io.StringIO()):
        polar.load_files(sorted(ROOT.joinpath("policies").glob("*.polar")))

    def ask() -> object:
        arguments = (facts.actor, "open", facts.resource, Variable("reason"))
        return [list(polar.query_rule(kind, *arguments)) for kind in ("forbid", "permit")]

    return ask


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
    policy = service.policy.current()
    record = ActRecord("0" * 32, moment, CALLER, "bench")
    batch = [replace(question) for _ in range(10)]
    return [
        Contestant("plain oso, same rules", plain_oso(facts)),
        Contestant(
            "guarded, each rule by itself",
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


def main() -> int:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_env(
            {"AUTHZ_DATA_DIR": folder, "AUTHZ_POLICIES": str(ROOT / "policies")}
        )
        service = build(settings)
        service.load_policy()
        demo.seed(service, CALLER, signing_in=False)
        key = demo.header_file(Path(folder)).read_text().split()[-1]
        with serving(floor) as bare, serving(service.app()) as whole:
            measured = contestants(service, bare, whole, key)
            times: dict[str, list[float]] = {one.name: [] for one in measured}
            for number in range(ROUNDS):
                for one in measured:
                    print(f"\rround {number + 1}/{ROUNDS}: {one.name:40}", end="", file=sys.stderr)
                    times[one.name].append(time_of(one.run))
        service.close()
    print(file=sys.stderr)
    print(f"{'':32}{'median µs':>12}{'ratio':>10}  to")
    for one in measured:
        took = median(times[one.name])
        ratio = "" if one.peer is None else f"{took / median(times[one.peer]):.2f} ×"
        print(f"{one.name:32}{took * 1e6:12.0f}{ratio:>10}  {one.peer or ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
