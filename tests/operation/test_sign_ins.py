"""A running service beside the simulator: everybody's sign-in, and GOV.BR on its bad days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.govbr.people import COMPANY, OTHER_COMPANY, REPRESENTATIVE
from tests.govbr.simulator import Simulator
from tests.operation.signing_in import House, eventually, serving


@pytest.fixture(scope="module", name="shared")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(tmp_path_factory.mktemp("sign_ins")) as house:
        yield house


@pytest.fixture(name="house")
def _house(shared: House) -> House:
    """Give the shared house with a GOV.BR as in the beginning."""
    shared.govbr.command("reset")
    return shared


def standing_of(signed: Any) -> list[tuple[str, str, bool | None, bool]]:
    """Give company, role, cadastrador, and whether it counts."""
    assert {"govbr"} >= {one["evidence"] for one in signed["standing"]}
    return [
        (one["company"], one["role"], one["cadastrador"], one["in_force"])
        for one in signed["standing"]
    ]


@pytest.mark.parametrize(
    ("person", "way", "method", "companies", "standing", "opens"),
    [
        (
            "representante",
            "ecnpj",
            "certificate",
            "observed",
            [(COMPANY, "socio", True, True)],
            True,
        ),
        ("representante", "banco", "bank", "observed", [(COMPANY, "socio", True, True)], True),
        ("contador", "aplicativo", "app", "observed", [(COMPANY, "contador", False, True)], False),
        # The company's certificate, and no role in it.
        (
            "nao-atuante",
            "ecnpj-nuvem",
            "certificate",
            "observed",
            [(OTHER_COMPANY, "nao_atuante", True, True)],
            False,
        ),
        (
            "colaborador",
            "senha",
            "password",
            "observed",
            [(COMPANY, "colaborador", False, True)],
            False,
        ),
        (
            "socio-sem-certificado",
            "ecpf",
            "certificate",
            "observed",
            [(COMPANY, "socio", False, True)],
            True,
        ),
        (
            "vencido",
            "senha-2fa",
            "password",
            "observed",
            [(COMPANY, "socio", False, False)],
            False,
        ),
        (
            "diferente",
            "senha",
            "password",
            "observed",
            [("05772156000104", "socio", False, True)],
            True,
        ),
        # No other test here signs this one in: a standing of his own would stay.
        ("procurador", "procuracao", "password", "agent", [], False),
        ("membro", "senha", "password", "observed", [], False),
        ("estranho", "senha", "password", "observed", [], False),
    ],
)
def test_everybody_is_known_for_what_gov_br_says(
    house: House,
    person: str,
    way: str,
    method: str,
    companies: str,
    standing: list[tuple[str, str, bool | None, bool]],
    opens: bool,
) -> None:
    """
    Whatever forms it says it in. The role alone opens, with certificate or without; nobody had
    to assert anything, and an agent is nobody in no company.
    """
    signed = house.signed_in(person, way)
    company = standing[0][0] if standing else COMPANY

    assert (method, companies, []) == (signed["method"], signed["companies"], signed["notes"])
    assert (company if way.startswith("ecnpj") else None) == signed["certificate_company"]
    assert standing == standing_of(signed)
    assert opens is house.asks(signed["person"]["cpf"], company)["permitido"]


def test_forty_companies_are_all_known(house: House) -> None:
    """A person with forty companies is a partner in each of them after one sign-in."""
    signed = house.signed_in("quarenta", "ecnpj")

    assert ("observed", [], 40) == (
        signed["companies"],
        signed["unanswered"],
        len(signed["standing"]),
    )
    assert {("socio", True, True)} == {one[1:] for one in standing_of(signed)}


def test_a_token_without_the_scope_tells_no_companies(house: House) -> None:
    """What was known stays, and the answer says why nothing came."""
    house.signed_in("contador")
    signed = house.signed_in("contador", scope="openid profile")

    assert "not_granted" == signed["companies"]
    assert [(COMPANY, "contador", False, True)] == standing_of(signed)


def test_a_company_that_is_no_longer_listed_ends(house: House) -> None:
    """The latest answer of GOV.BR replaces the one before, for the next question too."""
    first = house.signed_in("representante")
    opened = house.asks(REPRESENTATIVE)["permitido"]
    house.govbr.command("unlink", person="representante", cnpj=COMPANY)
    second = house.signed_in("representante")

    assert (1, True) == (len(first["standing"]), opened)
    assert ("observed", []) == (second["companies"], second["standing"])
    assert not house.asks(REPRESENTATIVE)["permitido"]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"status": 503}, "status"),
        ({"document": "malformed"}, "malformed"),
        ({"document": "huge"}, "too_large"),
        ({"hang": True}, "timeout"),
    ],
)
def test_a_companies_api_that_fails_changes_nothing(
    house: House, fault: dict[str, Any], outcome: str
) -> None:
    """The sign-in stands, what was known stands, the answer says so, and it is counted."""

    def counted(one: str) -> float:
        return house.metric(f'authz_govbr_companies_calls_total{{outcome="{one}"}}')

    good, bad = counted("ok"), counted(outcome)
    before = house.signed_in("socio-sem-certificado")
    house.govbr.command("fault", part="empresas", **fault)
    after = house.signed_in("socio-sem-certificado")

    assert ("observed", "failed") == (before["companies"], after["companies"])
    assert before["standing"] == after["standing"]
    assert house.asks(before["person"]["cpf"])["permitido"]
    # A list and the role in one company, then a list.
    assert (2, 1) == (counted("ok") - good, counted(outcome) - bad)


def test_a_token_of_another_gov_br_is_refused(house: House) -> None:
    """Same accounts, same client, same name of the key: another issuer, and another key."""
    with Simulator() as other:
        answer = house.bring(other.sign_in("representante", "ecnpj"))

    assert 401 == answer.status


def test_a_key_may_change_under_its_old_name(house: House) -> None:
    """It is found by the signature that does not fit, at the next fetch that is allowed."""
    # The last one here: the service goes on with the new key when the simulator is reset.
    assert "passwd" in house.signed_in("membro")["methods"]
    house.govbr.command("keys", kid="rsa1")
    tokens = house.govbr.sign_in("membro")

    def taken() -> bool:
        answer = house.bring(tokens)
        assert answer.status == 201 or "signature" == answer.json["cause"]
        return answer.status == 201

    # Between two fetches of the keys lie some seconds, whoever asks for them; after the tests
    # before, these are mostly over.
    assert eventually(taken)
