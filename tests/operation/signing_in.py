"""A running service that believes the simulator, and the few calls of those who sign in."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from authz_service.domain.clients import SCOPES
from tests import written
from tests.govbr.client import Tokens
from tests.govbr.people import COMPANY
from tests.govbr.simulator import Simulator
from tests.operation.house import SHIPPED, Answer, Running, free_port, furnish

CSV = "code,title,version\nP001,Acreditação Inicial,3\nP061,Cadastro,1\nP061,Registro,2\n"
IDENTITIES = "/v1/identities"


class House:
    """
    A service that believes a GOV.BR, and two clients that may do everything: the portal, and
    another one with ``other_key``.

    Tests that share one share what the service has kept: whoever signs in stays known. So a
    test uses accounts of its own, or compares with what was there before.
    """

    def __init__(self, folder: Path, govbr: Simulator, policies: Path = SHIPPED) -> None:
        self.folder, self.govbr = folder, govbr
        keys = furnish(folder, CSV, {"portal": SCOPES, "other": SCOPES}, policies=policies)
        self.key, self.other_key = keys["portal"], keys["other"]
        self.service = Running(folder, "serve", "--port", str(free_port()), **govbr.settings)

    def send(self, path: str, body: object, method: str = "POST", **options: Any) -> Answer:
        """Send a body, with the portal's key unless *options* has another."""
        return self.service.send(method, path, body, **{"key": self.key, **options})

    def bring(self, tokens: Tokens, **options: Any) -> Answer:
        """Bring the tokens of one sign-in."""
        return self.send(IDENTITIES, json.loads(tokens.as_json()), **options)

    def signed_in(self, person: str, way: str = "senha", **asked: str) -> dict[str, Any]:
        """Sign a person in, bring the tokens, and give what is answered."""
        answer = self.bring(self.govbr.sign_in(person, way, **asked))
        assert 201 == answer.status, answer.body
        found: dict[str, Any] = answer.json
        return found

    def asks(self, cpf: str, cnpj: str = COMPANY, **members: object) -> dict[str, Any]:
        """Ask as Orquestra does whether a person may open P001 for a company."""
        body = {"cpf": cpf, "cnpj": cnpj, "processo": "P001", "acao": "iniciar", **members}
        answer = self.send("/v1/orquestra/decisao", body)
        assert 200 == answer.status, answer.body
        found: dict[str, Any] = answer.json
        return found

    def metric(self, sample: str) -> float:
        """Give the value of one sample of the metrics, 0 where there is none."""
        text = self.send("/metrics", None, "GET").body.decode()
        values = [line.split()[-1] for line in text.splitlines() if line.startswith(f"{sample} ")]
        return float(values[0]) if values else 0.0

    def parts(self) -> dict[str, str]:
        """Give what ``/readyz`` says of the parts; the service is ready all the while."""
        answer = self.send("/readyz", None, "GET")
        assert (200, True) == (answer.status, answer.json["ready"])
        found: dict[str, str] = answer.json["parts"]
        return found

    def records(self) -> list[dict[str, Any]]:
        """Give the decision log."""
        return written.records(self.folder / "var")

    def acts(self, name: str) -> list[dict[str, Any]]:
        """Give the details of all acts of one name in the decision log."""
        return [one["details"] for one in self.records() if one.get("act") == name]

    def warnings(self, beginning: str) -> list[dict[str, Any]]:
        """Give the warnings of the application log whose message begins so."""
        lines = self.service.err.read_text("utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [
            one
            for one in told
            if one["level"] == "warning" and one["message"].startswith(beginning)
        ]


@contextmanager
def serving(folder: Path, policies: Path = SHIPPED) -> Iterator[House]:
    """Serve in *folder* beside a simulator of its own, and see the service stop as it should."""
    with Simulator() as govbr:
        house = House(folder, govbr, policies)
        try:
            yield house
            # Who waits for what hangs would hold up the stop.
            govbr.command("reset")
            assert 0 == house.service.stop()
        finally:
            house.service.kill()


def eventually(holds: Callable[[], bool]) -> bool:
    """Tell whether something comes true within the time that anybody would wait for it."""
    until = time.monotonic() + 30
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
