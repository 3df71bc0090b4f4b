"""
What sign-ins change for a running service and for who operates it, on the simulator's tokens.

What GOV.BR says of each of its accounts is in ``test_sign_ins``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from authz_service.server import THREADS
from tests.govbr.client import Tokens
from tests.govbr.keys import base64url
from tests.govbr.people import COMPANY, MEMBER, OTHER_COMPANY, REPRESENTATIVE
from tests.govbr.simulator import Simulator
from tests.operation.house import FEW, Answer, Running, authz, called, free_port, furnish
from tests.operation.signing_in import IDENTITIES, House, eventually, serving


@pytest.fixture(scope="module", name="shared")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(tmp_path_factory.mktemp("live")) as house:
        yield house


@pytest.fixture(name="house")
def _house(shared: House) -> House:
    """Give the shared house with a GOV.BR as in the beginning."""
    shared.govbr.command("reset")
    return shared


@pytest.fixture(name="own")
def _own(tmp_path: Path) -> Iterator[House]:
    """Give a house in which nothing has happened yet."""
    with serving(tmp_path, FEW) as house:
        yield house


def test_a_power_of_attorney_gives_nothing(house: House) -> None:
    """The agent has no standing from it, is not registered by it, and is denied with its handle."""
    person = house.signed_in("procurador", "senha")["person"]["cpf"]
    own = house.asks(person, OTHER_COMPANY)
    found = house.signed_in("procurador", "procuracao")
    by_proxy = house.asks(person, OTHER_COMPANY, sessao=found["sign_in"])

    assert (True, "agent") == (found["agent"], found["companies"])
    assert (True, False, "PROCURACAO_NAO_ACEITA") == (
        own["permitido"],
        by_proxy["permitido"],
        by_proxy["codigo"],
    )


def test_the_same_token_again(house: House) -> None:
    """From the same client it changes nothing, from another it is refused, and it is counted."""
    sample = 'authz_govbr_refused_tokens_total{cause="other-client"}'
    refused, acts = house.metric(sample), len(house.acts("sign_in"))
    tokens = house.govbr.sign_in("representante", "ecnpj")
    first, again = house.bring(tokens), house.bring(tokens)
    other = house.bring(tokens, key=house.other_key)

    assert (201, 200, 401) == (first.status, again.status, other.status)
    assert first.json["sign_in"] == again.json["sign_in"]
    assert "other-client" == other.json["cause"]
    assert 1 == house.metric(sample) - refused
    assert 1 == len(house.acts("sign_in")) - acts


def test_each_refused_token_is_told_to_operators(house: House) -> None:
    """By cause, client and address, wherever it was brought."""
    before = len(house.warnings("a token"))
    tokens = house.govbr.sign_in("representante", "ecnpj")
    agent = house.govbr.sign_in("procurador", "procuracao").access_token
    house.bring(tokens)
    wish = {"company": COMPANY, "member": MEMBER, "processes": ["P001"]}
    refused = [
        house.bring(tokens, key=house.other_key),
        house.bring(Tokens(tokens.id_token, tokens.id_token)),
        house.bring(Tokens("a.b", tokens.id_token)),
        house.send("/v1/delegations", wish, "PUT", headers={"Govbr-Access-Token": agent}),
    ]

    assert [401] * 4 == [one.status for one in refused]
    told = house.warnings("a token of GOV.BR was refused")[before:]
    assert [
        ("other-client", "other", "127.0.0.1"),
        ("kind", "portal", "127.0.0.1"),
        ("malformed", "portal", "127.0.0.1"),
        ("agent", "portal", "127.0.0.1"),
    ] == [(one["cause"], one["client"], one["address"]) for one in told]


def test_the_member_registers_is_confirmed_and_opens_what_was_delegated(house: House) -> None:
    """Etapa 2: sign-in, confirmation, and a delegation by the token of who delegates."""
    # No other test here signs the member in.
    tokens = house.govbr.sign_in("representante", "ecnpj")
    house.bring(tokens)
    wish = {"company": COMPANY, "member": MEMBER, "processes": ["P001"]}
    proof = {"Govbr-Access-Token": tokens.access_token}

    def delegate(headers: dict[str, str]) -> tuple[int, str]:
        answer = house.send("/v1/delegations", wish, "PUT", headers=headers)
        refusals = answer.json.get("refusals", [{"reasons": [""]}])
        return answer.status, refusals[0]["reasons"][0]

    brought = house.acts("sign_in")[-1]
    unregistered = delegate(proof)
    early = house.send("/v1/confirmations", {"cpf": MEMBER})
    house.signed_in("membro")
    unconfirmed = delegate(proof)
    confirmed = house.send("/v1/confirmations", {"cpf": MEMBER})
    delegated = delegate(proof)

    assert (403, "recipient-not-registered") == unregistered
    assert (400, "cpf") == (early.status, early.json["field"])
    assert (403, "recipient-not-confirmed") == unconfirmed
    assert (200, True) == (confirmed.status, confirmed.json["confirmed_at"] is not None)
    assert (200, "") == delegated
    assert house.asks(MEMBER)["permitido"]
    members = house.govbr.sign_in("membro").access_token
    assert (403, "no-permit") == delegate({"Govbr-Access-Token": members})
    act = house.acts("delegation.replace")[-1]
    assert ("govbr", brought["sign_in"], "certificate") == (
        act["actor_evidence"],
        act["sign_in"],
        act["method"],
    )


def test_a_decision_names_the_sign_in_it_was_made_in(house: House) -> None:
    """With the handle the record has the sign-in's id, for its own person only."""
    handle = house.signed_in("representante", "ecnpj")["sign_in"]
    own = house.asks(REPRESENTATIVE, sessao=handle)["decisao_id"]
    without = house.asks(REPRESENTATIVE)["decisao_id"]
    anothers = house.asks(MEMBER, sessao=handle)["decisao_id"]

    questions = {one["id"]: one["question"] for one in house.records() if "question" in one}
    known = [
        (questions[name]["sign_in"], questions[name]["actor_evidence"])
        for name in (own, without, anothers)
    ]
    assert [
        (house.acts("sign_in")[-1]["sign_in"], "govbr"),
        (None, "asserted"),
        (None, "asserted"),
    ] == known


def test_a_slow_govbr_delays_no_decision(house: House) -> None:
    """With all places taken by sign-ins that hang, decisions go on and the next sign-in waits."""
    house.signed_in("representante", "ecnpj")
    tokens = [house.govbr.sign_in("quarenta") for _ in range(THREADS)]
    house.govbr.command("fault", part="empresas", hang=True)
    arrived = list[str]()

    def bring(one: Tokens) -> Answer:
        answer = house.bring(one)
        arrived.append("kept" if answer.status == 201 else "sent away")
        return answer

    with ThreadPoolExecutor(len(tokens)) as pool:
        brought = [pool.submit(bring, one) for one in tokens]
        while not any(one.done() for one in brought):
            time.sleep(0.01)  # who finds no place is sent away at once
        for _ in range(10):
            assert house.asks(REPRESENTATIVE)["permitido"]
            arrived.append("decided")
        answers = [one.result() for one in brought]

    # The order tells, and no clock: who hangs does so for the 3 s of one call, and if decisions
    # waited behind them, on a machine however slow, none would come before the first is let go.
    meanwhile = arrived[: arrived.index("kept")]
    assert {"sent away", "decided"} == set(meanwhile), arrived
    kept = [answer.json["companies"] for answer in answers if answer.status == 201]
    busy = {
        token: answer for token, answer in zip(tokens, answers, strict=True) if answer.status == 503
    }
    assert ["failed"] * (len(tokens) - len(busy)) == kept
    assert all(answer.headers["Retry-After"] for answer in busy.values())
    house.govbr.command("fault", part="empresas")
    again = house.bring(next(iter(busy)))
    assert (201, "observed") == (again.status, again.json["companies"])


def test_readiness_tells_what_ails_the_companies_api(house: House) -> None:
    """What fails is named and heals; decisions can be made all the while."""
    house.signed_in("contador")
    well = house.parts()["GOV.BR companies"]
    house.govbr.command("fault", part="empresas", status=500)
    house.signed_in("contador")
    ailing = house.parts()["GOV.BR companies"]
    house.govbr.command("fault", part="empresas")
    house.signed_in("contador")

    assert "ok" == well
    assert ailing.startswith("the last call for a person's companies ended as status")
    assert "ok" == house.parts()["GOV.BR companies"]


def test_operators_are_told_once_that_the_companies_api_fails(house: House) -> None:
    """When it begins, and again when it has been well in between."""
    began = []
    for _ in range(2):
        house.signed_in("contador")
        before = len(house.warnings("GOV.BR's companies API failed"))
        house.govbr.command("fault", part="empresas", status=500)
        for _ in range(2):
            house.signed_in("contador")
        began.append(house.warnings("GOV.BR's companies API failed")[before:])
        house.govbr.command("fault", part="empresas")

    assert [1, 1] == [len(one) for one in began]
    assert "for a person's companies: " in began[0][0]["message"]


def test_without_keys_there_is_no_sign_in_but_every_decision(tmp_path: Path) -> None:
    """A GOV.BR that is down at the start is a 503 for sign-ins, and degraded, not unready."""
    with Simulator() as govbr:
        tokens = govbr.sign_in("representante", "ecnpj")
        govbr.command("fault", part="jwk", document="malformed")
        house = House(tmp_path, govbr, FEW)
        try:
            assert eventually(lambda: house.parts()["GOV.BR keys"] == "no keys yet: malformed")
            answer = house.bring(tokens)
            assert (503, "urn:inmetro:authz:problem:sign-in-unavailable") == (
                answer.status,
                answer.json["type"],
            )
            assert not house.asks(REPRESENTATIVE)["permitido"]
            assert house.metric('authz_govbr_key_refreshes_total{outcome="malformed"}') >= 1
            govbr.command("fault", part="jwk")
            assert eventually(lambda: house.bring(tokens).status == 201)
            assert "ok" == house.parts()["GOV.BR keys"]
            assert 0 <= house.metric("authz_govbr_keys_age_seconds") < 600
        finally:
            house.service.kill()


def test_without_settings_sign_in_is_off_and_says_so(tmp_path: Path) -> None:
    """The log, the readiness and every answer tell that no GOV.BR is configured."""
    key = furnish(tmp_path, clients={"portal": ["identities"]}, policies=FEW)["portal"]
    service = Running(tmp_path, "serve", "--port", str(free_port()))
    try:
        answer = service.send("POST", IDENTITIES, {"access_token": "a.b.c"}, key=key)
        ready = service.send("GET", "/readyz")
    finally:
        service.kill()

    assert (501, "urn:inmetro:authz:problem:sign-in-off") == (answer.status, answer.json["type"])
    assert 200 == ready.status
    assert ready.json["parts"]["sign-in"].startswith("off")
    assert "sign-in is off" in service.err.read_text()


@pytest.mark.parametrize(
    "settings",
    [
        {"AUTHZ_GOVBR_ISSUER": "https://sso.acesso.gov.br/"},
        {
            "AUTHZ_GOVBR_ISSUER": "https://sso.acesso.gov.br/",
            "AUTHZ_GOVBR_AUDIENCE": "inmetro",
            "AUTHZ_GOVBR_JWKS_URL": "https://sso.staging.acesso.gov.br/jwk",
        },
    ],
)
def test_a_govbr_in_part_or_of_two_environments_does_not_start(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    """The service tells what is wrong and ends, rather than believe the wrong keys."""
    furnish(tmp_path)
    done = authz(tmp_path, "serve", **settings)

    assert 1 == done.returncode
    assert "AUTHZ_GOVBR_" in done.stderr


def test_nothing_of_a_token_or_a_person_is_left_behind(own: House) -> None:
    """No file holds a token, an e-mail or a phone; no log holds a CPF or a handle."""
    tokens = own.govbr.sign_in("representante", "ecnpj")
    handle = own.bring(tokens).json["sign_in"]
    own.bring(tokens, key=own.other_key)
    own.asks(REPRESENTATIVE, sessao=handle)
    forged = Tokens(tokens.access_token[:-8] + "AAAAAAAA", tokens.id_token)
    assert 401 == own.bring(forged).status
    own.service.stop()

    files = {path: path.read_bytes() for path in own.folder.rglob("*") if path.is_file()}
    parts = [part for one in (tokens.access_token, tokens.id_token) for part in one.split(".")]
    secrets = [*parts, "maria.aparecida", "61999990001", "Maria Aparecida"]
    assert [] == [
        (path.name, secret)
        for path, content in files.items()
        for secret in secrets
        if secret.encode() in content
    ]
    logs = b"".join(
        content for path, content in files.items() if path.suffix in (".jsonl", ".txt")
    ).decode()
    for secret in (REPRESENTATIVE, "684.025", "684025", handle):
        assert secret not in logs


def test_a_person_is_exported_and_erased(own: House) -> None:
    """The operator shows all that is kept, and forgets it; the log stays whole, about nobody."""
    handle = own.signed_in("representante", "ecnpj")["sign_in"]
    before = own.asks(REPRESENTATIVE, sessao=handle)
    exported = called(own.folder, "person", "export", "722.684.025-17")
    lines = len(own.records())
    erased = called(own.folder, "person", "erase", "-", given=f"{REPRESENTATIVE}\n")
    after = own.asks(REPRESENTATIVE, sessao=handle)
    mistyped = called(own.folder, "person", "erase", "72268402518")

    found = json.loads(exported.stdout)
    assert {"changes", "people", "standings", "sign_ins", "surrogates"} == {
        table for table, rows in found.items() if rows
    }
    surrogate = found["surrogates"][0]["surrogate"]
    assert (0, 0) == (exported.returncode, erased.returncode)
    assert (True, False) == (before["permitido"], after["permitido"])
    records = own.records()
    asked = [one["question"]["actor"] for one in records if one["kind"] == "decision"]
    assert (surrogate, True) == (asked[0], asked[1] != surrogate)
    acts = [one["act"] for one in records if one["kind"] == "act"]
    assert ["sign_in", "person.export", "person.erase"] == acts[-3:]
    assert lines + 2 == len(records)
    assert (1, "") == (mistyped.returncode, mistyped.stdout)


def test_readiness_tells_at_once_that_keys_are_not_renewed(house: House) -> None:
    """The first refresh that fails is named, though the keys that are held go on to serve."""
    # The last one here: what the service asks for next, it asks for some seconds later.
    first = base64url(json.dumps({"kid": "rsa9", "alg": "RS256"}).encode())
    _, *rest = house.govbr.sign_in("contador").access_token.split(".")
    unknown = {"access_token": ".".join([first, *rest])}
    house.govbr.command("fault", part="jwk", status=503)

    def failed() -> bool:
        house.send(IDENTITIES, unknown)
        return house.parts()["GOV.BR keys"] != "ok"

    assert eventually(failed)
    assert house.parts()["GOV.BR keys"].endswith("s old, the last refresh ended as status")
    house.signed_in("contador")
