"""A running service beside the simulator: everybody's sign-in, and GOV.BR on its bad days."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.govbr.client import Tokens
from tests.govbr.people import COMPANY, OTHER_COMPANY
from tests.govbr.simulator import Simulator
from tests.operation.house import Answer, Running, authz, free_port, furnish


class House:
    """A service, the GOV.BR that it believes, and a key to it."""

    def __init__(self, folder: Path, govbr: Simulator) -> None:
        furnish(folder)
        made = authz(folder, "client", "add", "portal", "--scope", "identities")
        self.key = made.stdout.strip()
        self.govbr = govbr
        self.running = Running(folder, "serve", "--port", str(free_port()), **govbr.settings)

    def send(self, tokens: Tokens) -> Answer:
        """Bring the tokens of a sign-in."""
        return self.running.send(
            "POST", "/v1/identities", json.loads(tokens.as_json()), key=self.key
        )

    def sign_in(self, person: str, way: str = "senha", **asked: str) -> Any:
        """Sign a person in, bring the tokens, and give what came of it."""
        answer = self.send(self.govbr.sign_in(person, way, **asked))
        assert 201 == answer.status, answer.body
        return answer.json


@pytest.fixture(scope="module", name="built")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with Simulator() as govbr:
        house = House(tmp_path_factory.mktemp("sign_ins"), govbr)
        try:
            yield house
            assert 0 == house.running.stop()
        finally:
            house.running.kill()


@pytest.fixture(name="house")
def _house(built: House) -> House:
    """Give the house with a companies API that is well; the keys stay as they are."""
    built.govbr.command("fault", part="empresas")
    return built


def standing_of(signed: Any) -> list[tuple[str, str, bool | None, bool]]:
    """Give company, role, cadastrador, and whether it counts."""
    assert {"govbr"} >= {one["evidence"] for one in signed["standing"]}
    return [
        (one["company"], one["role"], one["cadastrador"], one["in_force"])
        for one in signed["standing"]
    ]


@pytest.mark.parametrize(
    ("person", "way", "method", "companies", "standing"),
    [
        ("representante", "ecnpj", "certificate", "observed", [(COMPANY, "socio", True, True)]),
        ("representante", "banco", "bank", "observed", [(COMPANY, "socio", True, True)]),
        ("contador", "aplicativo", "app", "observed", [(COMPANY, "contador", False, True)]),
        (
            "nao-atuante",
            "ecnpj-nuvem",
            "certificate",
            "observed",
            [(OTHER_COMPANY, "nao_atuante", True, True)],
        ),
        ("colaborador", "senha", "password", "observed", [(COMPANY, "colaborador", False, True)]),
        (
            "socio-sem-certificado",
            "ecpf",
            "certificate",
            "observed",
            [(COMPANY, "socio", False, True)],
        ),
        ("vencido", "senha-2fa", "password", "observed", [(COMPANY, "socio", False, False)]),
        (
            "diferente",
            "senha",
            "password",
            "observed",
            [("05772156000104", "socio", False, True)],
        ),
        ("procurador", "procuracao", "password", "agent", []),
        ("estranho", "senha", "password", "observed", []),
    ],
)
def test_everybody_is_known_for_what_gov_br_says(
    house: House,
    person: str,
    way: str,
    method: str,
    companies: str,
    standing: list[tuple[str, str, bool | None, bool]],
) -> None:
    """Whatever forms it says it in; an agent is nobody in no company."""
    signed = house.sign_in(person, way)

    assert (method, companies, []) == (signed["method"], signed["companies"], signed["notes"])
    assert standing == standing_of(signed)


def test_forty_companies_are_all_known(house: House) -> None:
    """A person with forty companies is a partner in each of them after one sign-in."""
    signed = house.sign_in("quarenta", "ecnpj")

    assert ("observed", [], 40) == (
        signed["companies"],
        signed["unanswered"],
        len(signed["standing"]),
    )
    assert {("socio", True, True)} == {one[1:] for one in standing_of(signed)}


def test_a_token_without_the_scope_tells_no_companies(house: House) -> None:
    """What was known stays, and the answer says why nothing came."""
    house.sign_in("contador")
    signed = house.sign_in("contador", scope="openid profile")

    assert "not_granted" == signed["companies"]
    assert [(COMPANY, "contador", False, True)] == standing_of(signed)


def test_a_company_that_is_no_longer_listed_ends(house: House) -> None:
    """The latest answer of GOV.BR replaces the one before."""
    first = house.sign_in("colaborador")
    house.govbr.command("unlink", person="colaborador", cnpj=COMPANY)
    second = house.sign_in("colaborador")

    assert (1, 0) == (len(first["standing"]), len(second["standing"]))


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"document": "malformed"}, {"document": "huge"}, {"hang": True}]
)
def test_a_companies_api_that_fails_changes_nothing(house: House, fault: dict[str, Any]) -> None:
    """The sign-in stands, what was known of companies stands, and the answer says so."""
    before = house.sign_in("socio-sem-certificado")
    house.govbr.command("fault", part="empresas", **fault)
    after = house.sign_in("socio-sem-certificado")

    assert "failed" == after["companies"]
    assert before["standing"] == after["standing"]


def test_a_key_may_change_under_its_old_name(house: House) -> None:
    """It is found by the signature that does not fit, at the next fetch that is allowed."""
    assert "passwd" in house.sign_in("membro")["methods"]
    house.govbr.command("keys", kid="rsa1")
    tokens = house.govbr.sign_in("membro")
    # Between two fetches of the keys lie some seconds, whoever asks for them.
    until = time.monotonic() + 30
    while (answer := house.send(tokens)).status == 401 and time.monotonic() < until:
        assert "signature" == answer.json["cause"]
        time.sleep(0.2)

    assert 201 == answer.status


def test_a_token_of_another_gov_br_is_refused(house: House) -> None:
    """Same accounts, same client, same name of the key: another issuer, and another key."""
    with Simulator() as other:
        answer = house.send(other.sign_in("representante", "ecnpj"))

    assert 401 == answer.status
