"""The real service for Schemathesis: over HTTP, beside a GOV.BR of its own, not empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from authz_service.domain.clients import SCOPES
from tests.contract.seeds import CLIENT, COMPANY, PEOPLE, REPRESENTATIVE
from tests.govbr.simulator import Simulator
from tests.operation.house import Running, called, free_port, furnish

_CSV = "code,title,version\nP001,Acreditação Inicial,3\nP061,Cadastro,1\nP061,Registro,2\n"


@dataclass(frozen=True)
class Served:
    """
    A service that runs, and the key of a client that may do everything.

    Attributes:
        service: the process.
        key: the key.
        tokens: access tokens of GOV.BR that it believes.
    """

    service: Running
    key: str
    tokens: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.service.port}"


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Served]:
    """Serve in *folder* with *settings*, and see the service stop as it should."""
    furnish(folder)
    with Simulator() as govbr:
        all_settings = {
            "AUTHZ_PDP_ID": "https://authz.example",
            "AUTHZ_ORQUESTRA_GET": "on",
            # Whoever asks as fast as it can would see little beside 429.
            "AUTHZ_REQUESTS_PER_MINUTE": "0",
            **govbr.settings,
            **settings,
        }
        called(folder, "catalogue", "import", "-", given=_CSV, **all_settings)
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        made = called(folder, "client", "add", CLIENT, *scopes, **all_settings)
        served = Served(
            Running(folder, "serve", "--port", str(free_port()), **all_settings),
            made.stdout.strip(),
            tuple(govbr.sign_in(person).access_token for person in PEOPLE),
        )
        try:
            _seed(served)
            yield served
            assert 0 == served.service.stop()
        finally:
            served.service.kill()


def _seed(served: Served) -> None:
    """Let the service know some persons and a company, so that something is allowed."""
    for cpf in PEOPLE:
        person = {"cpf": cpf, "registered": True, "confirmed": True}
        assert 200 == served.service.send("POST", "/v1/people", person, key=served.key).status
    standing = {"cpf": REPRESENTATIVE, "company": COMPANY, "role": "socio"}
    assert 200 == served.service.send("POST", "/v1/standing", standing, key=served.key).status
