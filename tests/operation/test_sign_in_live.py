"""
What sign-ins change for a running service and for who operates it, on the simulator's tokens.

What GOV.BR says of each of its accounts is in ``test_sign_ins``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from authz_service.domain.clients import SCOPES
from authz_service.server import THREADS, WAITING_THREADS
from tests.govbr.client import Tokens
from tests.govbr.people import COMPANY, MEMBER, REPRESENTATIVE
from tests.govbr.simulator import Simulator
from tests.operation.house import Answer, Running, authz, free_port, furnish

CSV = "code,title,version\nP001,Acreditação Inicial,3\nP061,Cadastro,1\nP061,Registro,2\n"
IDENTITIES = "/v1/identities"


class House:
    """A service that believes a simulator, and two clients with keys that may do everything."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        furnish(folder)
        self.folder, self.simulator = folder, simulator
        authz(folder, "catalogue", "import", "-", given=CSV)
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        self.key, self.other_key = (
            authz(folder, "client", "add", name, *scopes).stdout.strip()
            for name in ("portal", "other")
        )
        port = str(free_port())
        self.service = Running(folder, "serve", "--port", port, **simulator.settings)

    def send(self, path: str, body: object, method: str = "POST", **options: Any) -> Answer:
        """Send a body, with the portal's key unless *options* has another."""
        return self.service.send(method, path, body, **{"key": self.key, **options})

    def bring(self, tokens: Tokens, **options: Any) -> Answer:
        """Bring the tokens of one sign-in."""
        sent = {"access_token": tokens.access_token, "id_token": tokens.id_token}
        return self.send(IDENTITIES, sent, **options)

    def signed_in(self, person: str, way: str = "senha") -> dict[str, Any]:
        """Sign a person in, bring the tokens, and give what is answered."""
        answer = self.bring(self.simulator.sign_in(person, way))
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
        lines = (self.folder / "var" / "decisions.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[House]:
    with Simulator() as simulator:
        house = House(tmp_path, simulator)
        try:
            yield house
        finally:
            # What hangs on the simulator has to come free before it can stop.
            simulator.command("reset")
            house.service.kill()


def eventually(holds: Callable[[], bool]) -> bool:
    """Tell whether something comes true within the time that anybody would wait for it."""
    until = time.monotonic() + 30
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_a_sign_in_with_the_e_cnpj_makes_a_representative(house: House) -> None:
    """Before it she may not open a process, after it she may, and nobody had to assert anything."""
    assert not house.asks(REPRESENTATIVE)["permitido"]

    found = house.signed_in("representante", "ecnpj")

    assert ("certificate", "device", COMPANY, "gold", "observed", []) == (
        found["method"],
        found["certificate"],
        found["certificate_company"],
        found["level"],
        found["companies"],
        found["notes"],
    )
    [standing] = found["standing"]
    assert (COMPANY, "socio", "govbr", True, True) == (
        standing["company"],
        standing["role"],
        standing["evidence"],
        standing["cadastrador"],
        standing["in_force"],
    )
    assert house.asks(REPRESENTATIVE)["permitido"]


@pytest.mark.parametrize(
    ("person", "way", "roles", "opens"),
    [
        ("socio-sem-certificado", "senha", ["socio"], True),
        ("contador", "senha", ["contador"], False),
        ("colaborador", "banco", ["colaborador"], False),
        ("vencido", "senha", ["colaborador", "socio"], False),
        ("membro", "senha", [], False),
    ],
)
def test_the_role_comes_from_the_companies_api_alone(
    house: House, person: str, way: str, roles: list[str], opens: bool
) -> None:
    """Who represents opens, with certificate or without; nobody else does, until GOV.BR says so."""
    found = house.signed_in(person, way)

    assert {one["role"] for one in found["standing"]} <= set(roles)
    assert bool(found["standing"]) == bool(roles)
    assert opens is house.asks(found["person"]["cpf"])["permitido"]


def test_a_certificate_proves_no_role(house: House) -> None:
    """Who holds the company's e-CNPJ without a role at Receita Federal opens nothing."""
    found = house.signed_in("nao-atuante", "ecnpj")

    company = found["certificate_company"]
    assert (company, "nao_atuante") == (
        found["standing"][0]["company"],
        found["standing"][0]["role"],
    )
    assert not house.asks(found["person"]["cpf"], company)["permitido"]


def test_a_power_of_attorney_gives_nothing(house: House) -> None:
    """The agent has no standing from it, is not registered by it, and is denied with its handle."""
    house.signed_in("procurador", "senha")
    own = house.asks("17320508052", "11222333000181")
    found = house.signed_in("procurador", "procuracao")
    by_proxy = house.asks("17320508052", "11222333000181", sessao=found["sign_in"])

    assert (True, "agent") == (found["agent"], found["companies"])
    assert (True, False, "PROCURACAO_NAO_ACEITA") == (
        own["permitido"],
        by_proxy["permitido"],
        by_proxy["codigo"],
    )


def test_the_same_token_again(house: House) -> None:
    """From the same client it changes nothing, from another it is refused, and it is counted."""
    tokens = house.simulator.sign_in("representante", "ecnpj")
    first, again = house.bring(tokens), house.bring(tokens)
    other = house.bring(tokens, key=house.other_key)

    assert (201, 200, 401) == (first.status, again.status, other.status)
    assert first.json["sign_in"] == again.json["sign_in"]
    assert "other-client" == other.json["cause"]
    assert 1.0 == house.metric('authz_govbr_refused_tokens_total{cause="other-client"}')
    assert 1 == len([one for one in house.records() if one.get("act") == "sign_in"])


def test_a_company_that_govbr_no_longer_lists_ends(house: House) -> None:
    """The next successful answer replaces the earlier one; a failed one does not."""
    house.signed_in("representante", "ecnpj")
    house.simulator.command("unlink", person="representante", cnpj=COMPANY)
    house.simulator.command("fault", part="empresas", status=503)
    failed = house.signed_in("representante")
    kept = house.asks(REPRESENTATIVE)["permitido"]
    house.simulator.command("fault", part="empresas")
    ended = house.signed_in("representante")

    assert ("failed", "socio", True) == (
        failed["companies"],
        failed["standing"][0]["role"],
        kept,
    )
    assert ("observed", [], False) == (
        ended["companies"],
        ended["standing"],
        house.asks(REPRESENTATIVE)["permitido"],
    )
    assert house.metric('authz_govbr_companies_calls_total{outcome="status"}') >= 1
    assert house.metric('authz_govbr_companies_calls_total{outcome="ok"}') >= 3


def test_the_member_registers_is_confirmed_and_opens_what_was_delegated(house: House) -> None:
    """Etapa 2: sign-in, confirmation, and a delegation by the token of who delegates."""
    tokens = house.simulator.sign_in("representante", "ecnpj")
    house.bring(tokens)
    wish = {"company": COMPANY, "member": MEMBER, "processes": ["P001"]}
    proof = {"Govbr-Access-Token": tokens.access_token}

    def delegate(headers: dict[str, str]) -> tuple[int, str]:
        answer = house.send("/v1/delegations", wish, "PUT", headers=headers)
        refusals = answer.json.get("refusals", [{"reasons": [""]}])
        return answer.status, refusals[0]["reasons"][0]

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
    members = house.simulator.sign_in("membro").access_token
    assert (403, "no-permit") == delegate({"Govbr-Access-Token": members})
    [act] = [one for one in house.records() if one.get("act") == "delegation.replace"]
    [sign_in, *_] = [one for one in house.records() if one.get("act") == "sign_in"]
    assert ("govbr", sign_in["details"]["sign_in"]) == (
        act["details"]["actor_evidence"],
        act["details"]["sign_in"],
    )


def test_a_decision_names_the_sign_in_it_was_made_in(house: House) -> None:
    """With the handle the record has the sign-in's id, for its own person only."""
    handle = house.signed_in("representante", "ecnpj")["sign_in"]
    own = house.asks(REPRESENTATIVE, sessao=handle)["decisao_id"]
    without = house.asks(REPRESENTATIVE)["decisao_id"]
    anothers = house.asks(MEMBER, sessao=handle)["decisao_id"]

    records = {one["id"]: one for one in house.records()}
    [act] = [one for one in records.values() if one.get("act") == "sign_in"]
    known = [
        (records[name]["question"]["sign_in"], records[name]["question"]["actor_evidence"])
        for name in (own, without, anothers)
    ]
    assert [
        (act["details"]["sign_in"], "govbr"),
        (None, "asserted"),
        (None, "asserted"),
    ] == known


def test_a_slow_govbr_delays_no_decision(house: House) -> None:
    """With all places taken by sign-ins that hang, decisions go on and the next sign-in waits."""
    house.signed_in("representante", "ecnpj")
    tokens = [house.simulator.sign_in("quarenta") for _ in range(THREADS + 2)]
    house.simulator.command("fault", part="empresas", hang=True)
    with ThreadPoolExecutor(len(tokens)) as pool:
        began = time.monotonic()
        brought = [pool.submit(house.bring, one) for one in tokens]
        while not any(one.done() for one in brought):
            time.sleep(0.01)  # who finds no place is sent away at once
        decided = [house.asks(REPRESENTATIVE)["permitido"] for _ in range(50)]
        waiting = [one for one in brought if not one.done()]
        took = time.monotonic() - began
        answers = [one.result() for one in brought]

    # Fifty answers while sign-ins still waited for the deadline of the companies API.
    assert [True] * 50 == decided, took
    assert waiting, took
    busy = [answer for answer in answers if answer.status == 503]
    kept = [answer.json["companies"] for answer in answers if answer.status == 201]
    assert ["failed"] * WAITING_THREADS == kept
    assert len(tokens) - WAITING_THREADS == len(busy)
    assert all(answer.headers["Retry-After"] for answer in busy)
    house.simulator.command("fault", part="empresas")
    refused = tokens[next(n for n, answer in enumerate(answers) if answer.status == 503)]
    assert (201, "observed") == (
        (answer := house.bring(refused)).status,
        answer.json["companies"],
    )


def test_readiness_tells_what_ails_govbr(house: House) -> None:
    """The companies API that fails is named and heals; decisions can be made all the while."""
    house.signed_in("membro")
    well = house.parts()
    house.simulator.command("fault", part="empresas", status=500)
    house.signed_in("membro")
    ailing = house.parts()
    house.simulator.command("fault", part="empresas")
    house.signed_in("membro")

    assert ("ok", "ok") == (well["GOV.BR keys"], well["GOV.BR companies"])
    assert "ok" != ailing["GOV.BR companies"]
    assert "ok" == house.parts()["GOV.BR companies"]
    assert 0 <= house.metric("authz_govbr_keys_age_seconds") < 600


def test_without_keys_there_is_no_sign_in_but_every_decision(tmp_path: Path) -> None:
    """A GOV.BR that is down at the start is a 503 for sign-ins, and degraded, not unready."""
    with Simulator() as simulator:
        tokens = simulator.sign_in("representante", "ecnpj")
        simulator.command("fault", part="jwk", document="malformed")
        house = House(tmp_path, simulator)
        try:
            assert eventually(lambda: house.parts()["GOV.BR keys"] != "ok")
            answer = house.bring(tokens)
            assert (503, "urn:inmetro:authz:problem:sign-in-unavailable") == (
                answer.status,
                answer.json["type"],
            )
            assert not house.asks(REPRESENTATIVE)["permitido"]
            assert house.metric('authz_govbr_key_refreshes_total{outcome="malformed"}') >= 1
            simulator.command("fault", part="jwk")
            assert eventually(lambda: house.bring(tokens).status == 201)
        finally:
            house.service.kill()


def test_without_settings_sign_in_is_off_and_says_so(tmp_path: Path) -> None:
    """The log, the readiness and every answer tell that no GOV.BR is configured."""
    furnish(tmp_path)
    key = authz(tmp_path, "client", "add", "portal", "--scope", "identities").stdout.strip()
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


def test_nothing_of_a_token_or_a_person_is_left_behind(house: House) -> None:
    """No file holds a token, an e-mail or a phone; no log holds a CPF or a handle."""
    tokens = house.simulator.sign_in("representante", "ecnpj")
    handle = house.bring(tokens).json["sign_in"]
    house.bring(tokens, key=house.other_key)
    house.asks(REPRESENTATIVE, sessao=handle)
    forged = Tokens(tokens.access_token[:-8] + "AAAAAAAA", tokens.id_token)
    assert 401 == house.bring(forged).status
    house.service.stop()

    files = {path: path.read_bytes() for path in house.folder.rglob("*") if path.is_file()}
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


def test_a_person_is_exported_and_erased(house: House) -> None:
    """The operator shows all that is kept, and forgets it; the log stays whole, about nobody."""
    handle = house.signed_in("representante", "ecnpj")["sign_in"]
    before = house.asks(REPRESENTATIVE, sessao=handle)
    exported = authz(house.folder, "person", "export", "722.684.025-17")
    lines = len(house.records())
    erased = authz(house.folder, "person", "erase", "-", given=f"{REPRESENTATIVE}\n")
    after = house.asks(REPRESENTATIVE, sessao=handle)

    found = json.loads(exported.stdout)
    assert {"people", "standings", "sign_ins", "surrogates"} == {
        table for table, rows in found.items() if rows
    }
    surrogate = found["surrogates"][0]["surrogate"]
    assert (0, 0) == (exported.returncode, erased.returncode)
    assert (True, False) == (before["permitido"], after["permitido"])
    records = house.records()
    asked = [one["question"]["actor"] for one in records if one["kind"] == "decision"]
    assert (surrogate, True) == (asked[0], asked[1] != surrogate)
    acts = [one["act"] for one in records if one["kind"] == "act"]
    assert ["sign_in", "person.export", "person.erase"] == acts[-3:]
    assert lines + 2 == len(records)
    assert "surrogate" not in authz(house.folder, "person", "erase", "72268402518").stdout
