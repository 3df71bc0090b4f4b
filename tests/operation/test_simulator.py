"""The GOV.BR of our own: refuses what the real one refuses, and is as odd as that one."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from authz_service.domain.identifiers import Cnpj, Cpf
from tests.govbr.client import SCOPE, Answer, SignInFailed, Tokens, send
from tests.govbr.flow import CLIENT_ID, CLIENT_SECRET, LOGOUT_URI, REDIRECT_URI
from tests.govbr.people import COMPANY, MEMBER, REPRESENTATIVE, People
from tests.govbr.simulator import CommandRefused, Simulator
from tests.operation.house import GOVBR, ROOT, environment, free_port

# The test vector of GOV.BR's manual.
VERIFIER = "LUnicoAplicacaoCodeVerifierTamanhoComMinimo"
CHALLENGE = "J7rD2y0WG26mzgvdEizXMOdDPbB_Z5wpPULzv1KmVEg"

ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "scope": SCOPE,
    "redirect_uri": REDIRECT_URI,
    "nonce": "uma-vez",
    "state": "um-estado",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BASIC = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(name="govbr")
def _govbr(running: Simulator) -> Simulator:
    """Give the simulator as it is in the beginning."""
    running.command("reset")
    return running


def ask(
    govbr: Simulator, path: str, token: str | None = None, form: dict[str, str] | None = None
) -> Answer:
    """GET a path, or POST a form to it, perhaps with an access token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if form is None:
        return send(govbr.api_url, path, None, headers)
    return send(govbr.api_url, path, urlencode(form).encode(), {**headers, **FORM})


def code_of(govbr: Simulator, person: str = "membro", way: str = "senha", **asked: str) -> str:
    """Let a person in, and give the code."""
    answer = ask(govbr, "/authorize", form={**ASKED, **asked, "cpf": person, "way": way})
    assert 302 == answer.status
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert ["um-estado"] == back["state"]
    return back["code"][0]


def redeem(govbr: Simulator, authorization: str | None = f"Basic {BASIC}", **form: str) -> Answer:
    """Bring a code to ``/token``."""
    sent = {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
        **form,
    }
    headers = FORM if authorization is None else {**FORM, "Authorization": authorization}
    return send(govbr.api_url, "/token", urlencode(sent).encode(), headers)


def header_of(token: str) -> dict[str, Any]:
    """Read the header of a token."""
    return dict(jwt.get_unverified_header(token))


def claims_of(govbr: Simulator, token: str) -> dict[str, Any]:
    """Verify a token by the published keys, and give its claims."""
    kid = header_of(token)["kid"]
    keys = json.loads(ask(govbr, "/jwk").body)["keys"]
    [key] = [jwt.PyJWK(one, algorithm="RS256") for one in keys if one["kid"] == kid]
    return dict(jwt.decode(token, key, ["RS256"], audience=CLIENT_ID, issuer=govbr.issuer))


def error_of(answer: Answer) -> tuple[int, str]:
    """Give status and code of an error."""
    return answer.status, json.loads(answer.body)["error"]


def test_the_vector_of_the_manual_opens_the_door(govbr: Simulator) -> None:
    """A code is good for one answer, in which scope is a text and nothing refreshes."""
    answer = redeem(govbr, code=code_of(govbr))
    told = json.loads(answer.body)

    assert 200 == answer.status
    assert {"access_token", "token_type", "expires_in", "scope", "id_token"} == set(told)
    assert ("Bearer", 3599, SCOPE) == (told["token_type"], told["expires_in"], told["scope"])
    assert "uma-vez" == claims_of(govbr, told["id_token"])["nonce"]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": f"{CLIENT_ID} "}, "invalid_client"),
        ({"redirect_uri": "http://127.0.0.1:8080/outra"}, "invalid_grant"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"state": ""}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        ({"code_challenge": f"{CHALLENGE[:-1]}="}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid govbr_confiabilidades_outra"}, "invalid_scope"),
    ],
)
def test_who_asks_wrongly_is_not_let_in(
    govbr: Simulator, wrong: dict[str, str], error: str
) -> None:
    """Neither the page nor a code comes of a parameter that is missing or wrong."""
    asked = {**ASKED, **wrong}

    assert (400, error) == error_of(ask(govbr, f"/authorize?{urlencode(asked)}"))
    entering = {**asked, "cpf": MEMBER, "way": "senha"}
    assert (400, error) == error_of(ask(govbr, "/authorize", form=entering))


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": f"{VERIFIER}x"},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:8080/outra"},
        {"code": "eyJraWQiOiJ4In0..a.b.c"},
    ],
)
def test_a_code_is_its_clients_own(govbr: Simulator, wrong: dict[str, str]) -> None:
    """Another verifier, another way back or another code brings no token."""
    answer = redeem(govbr, **{"code": code_of(govbr), **wrong})

    assert (400, "invalid_grant") == error_of(answer)
    assert "erro_description" in json.loads(answer.body)


def test_a_short_verifier_is_refused_though_it_fits(govbr: Simulator) -> None:
    """A verifier has 43 to 128 characters (RFC 7636)."""
    short = "curto"
    digest = hashlib.sha256(short.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    code = code_of(govbr, code_challenge=challenge)

    assert (400, "invalid_grant") == error_of(redeem(govbr, code=code, code_verifier=short))


@pytest.mark.parametrize("first", [VERIFIER, f"{VERIFIER}x"])
def test_a_code_is_used_up_by_the_first_try(govbr: Simulator, first: str) -> None:
    """Whether that was good or not."""
    code = code_of(govbr)
    redeem(govbr, code=code, code_verifier=first)

    assert (400, "invalid_grant") == error_of(redeem(govbr, code=code))


def test_a_code_looks_like_an_encrypted_token(govbr: Simulator) -> None:
    """It has five parts of which the second is empty, as GOV.BR's, so no pattern may split it."""
    parts = code_of(govbr).split(".")

    assert (5, "") == (len(parts), parts[1])
    assert {"kid": "codeCryptography", "alg": "dir", "enc": "A256GCM"} == json.loads(
        base64.urlsafe_b64decode(f"{parts[0]}==")
    )


def test_a_wrong_secret_is_refused_without_a_word(govbr: Simulator) -> None:
    """GOV.BR answers 401 with no body to a wrong secret, and ``Bad credentials`` to no Basic."""
    code = code_of(govbr)
    wrong = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET} ".encode()).decode()

    answer = redeem(govbr, f"Basic {wrong}", code=code)
    assert (401, b"") == (answer.status, answer.body)
    assert (401, b"") == (redeem(govbr, None, code=code).status, redeem(govbr, None).body)
    assert (401, "unauthorized") == error_of(redeem(govbr, f"Bearer {BASIC}", code=code))
    assert 200 == redeem(govbr, code=code).status


def test_the_samples_of_the_manual_get_their_tokens(govbr: Simulator) -> None:
    """Java's sends its parameters in the address, PHP's its secret in the body."""
    in_body = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    in_address = urlencode({**form, "code": code_of(govbr), "code_verifier": VERIFIER})

    assert 200 == redeem(govbr, None, code=code_of(govbr), **in_body).status
    java = send(
        govbr.api_url, f"/token?{in_address}", b"", {**FORM, "Authorization": f"Basic {BASIC}"}
    )
    assert 200 == java.status


def test_machines_get_no_token(govbr: Simulator) -> None:
    """A right secret without a person is an ``invalid_scope``, as at the real staging."""
    answer = redeem(govbr, grant_type="client_credentials")

    assert (400, "invalid_scope") == error_of(answer)


def test_both_tokens_are_odd_as_gov_br_s_are(govbr: Simulator) -> None:
    """No ``typ``, a text for ``aud``, arrays for ``scope`` and ``amr``, an id_token of a minute."""
    tokens = govbr.sign_in("representante", "ecnpj")
    access, identity = (claims_of(govbr, one) for one in (tokens.access_token, tokens.id_token))

    # The first part of the example in the manual, to the letter.
    for token in (tokens.access_token, tokens.id_token):
        assert "eyJraWQiOiJyc2ExIiwiYWxnIjoiUlMyNTYifQ" == token.split(".")[0]
    assert (3600, 60) == (access["exp"] - access["iat"], identity["exp"] - identity["iat"])
    assert access["iss"].endswith("/")
    for claims in (access, identity):
        assert CLIENT_ID == claims["aud"]
        assert SCOPE.split() == claims["scope"]
        assert ["x509", "x509_token"] == claims["amr"]
        assert REPRESENTATIVE == claims["preferred_username"]
        assert "52.420.282/0001-80" == claims["cnpj"]
        assert re.fullmatch(r"[0-9a-f-]{36}", claims["jti"])
    assert (REPRESENTATIVE, "722684025-17") == (access["sub"], identity["sub"])
    assert {"nonce", "auth_time", "name"}.isdisjoint(access)
    assert ("rsa1", "true", "true") == (
        identity["kid"],
        identity["email_verified"],
        identity["phone_number_verified"],
    )
    assert "EMPRESA EXEMPLO LTDA" == identity["cnpj_certificate_name"]
    assert "gold" == identity["reliability_info"]["level"]
    [seal] = identity["reliability_info"]["reliabilities"]
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}-0300", seal["updatedAt"])


def test_a_company_is_told_after_its_certificate_only(govbr: Simulator) -> None:
    """The same person with a password, a bank or an e-CPF brings no ``cnpj``."""
    for way, method in (("senha", "passwd"), ("banco", "bank001"), ("ecpf", "x509_token")):
        tokens = govbr.sign_in("representante", way)
        claims = claims_of(govbr, tokens.access_token)
        assert method in claims["amr"]
        assert "cnpj" not in claims
        assert "cnpj_certificate_name" not in claims_of(govbr, tokens.id_token)


def test_what_was_not_asked_for_is_not_told(govbr: Simulator) -> None:
    """Name, contacts and level each take their scope, and an address its verification."""
    bare = claims_of(govbr, govbr.sign_in("representante", scope="openid").id_token)
    unverified = claims_of(govbr, govbr.sign_in("contador").id_token)

    assert {"name", "email", "phone_number", "reliability_info"}.isdisjoint(bare)
    assert {"email", "phone_number"}.isdisjoint(unverified)
    assert ("false", "false") == (
        unverified["email_verified"],
        unverified["phone_number_verified"],
    )


def test_a_social_name_and_an_older_session(govbr: Simulator) -> None:
    """A session is re-used: a fresh token does not mean that somebody has just authenticated."""
    claims = claims_of(govbr, govbr.sign_in("diferente").id_token)

    assert "Dora Diferente" == claims["social_name"]
    assert 5127 == claims["iat"] - claims["auth_time"]


def test_a_power_of_attorney_leaves_the_agent_in_sub(govbr: Simulator) -> None:
    """The token names the agent as its person, and whose power it is beside."""
    claims = claims_of(govbr, govbr.sign_in("procurador", "procuracao").access_token)

    assert (True, REPRESENTATIVE) == (claims["agent"], claims["grantor_account"])
    assert "17320508052" == claims["sub"]
    assert "agent" not in claims_of(govbr, govbr.sign_in("procurador").access_token)


@pytest.mark.parametrize(
    ("person", "way"), [("membro", "ecnpj"), ("membro", "procuracao"), ("membro", "biometria")]
)
def test_nobody_enters_by_what_he_has_not(govbr: Simulator, person: str, way: str) -> None:
    """Without a certificate there is no sign-in with one."""
    with pytest.raises(SignInFailed):
        govbr.sign_in(person, way)
    with pytest.raises(SignInFailed, match=r"404: .*representante, membro"):
        govbr.sign_in("ninguem")


def test_the_page_lets_people_choose(govbr: Simulator) -> None:
    """It is in Portuguese, and keeps what the client asked for, escaped."""
    asked = urlencode({**ASKED, "state": '"><script>'})
    answer = ask(govbr, f"/authorize?{asked}")
    page = answer.body.decode("utf-8")

    for text in ("Contas e empresas inventadas", "e-CNPJ (A1 ou A3)", "João Batista", CHALLENGE):
        assert text in page
    assert "<script>" not in page


def test_userinfo_tells_less_and_in_other_types(govbr: Simulator) -> None:
    """Booleans are booleans there, and no company and no method is told."""
    tokens = govbr.sign_in("representante", "ecnpj")

    for path in ("/userinfo", "/userinfo/"):
        told = json.loads(ask(govbr, path, tokens.access_token).body)
        assert (REPRESENTATIVE, True) == (told["sub"], told["email_verified"])
        assert {"cnpj", "amr"}.isdisjoint(told)
    assert 401 == ask(govbr, "/userinfo", tokens.id_token).status


def test_keys_and_discovery_say_little(govbr: Simulator) -> None:
    """The keys have no ``use`` and come by GET and POST; discovery is silent about PKCE."""
    [key] = json.loads(ask(govbr, "/jwk").body)["keys"]
    told = json.loads(ask(govbr, "/.well-known/openid-configuration").body)

    assert {"kty", "e", "kid", "alg", "n"} == set(key)
    assert [key] == json.loads(ask(govbr, "/jwk", form={}).body)["keys"]
    assert (govbr.issuer, govbr.jwks_url) == (told["issuer"], told["jwks_uri"])
    for silent in ("code_challenge_methods_supported", "end_session_endpoint"):
        assert silent not in told
    assert {"cnpj", "amr"}.isdisjoint(told["claims_supported"])


def test_logout_goes_to_the_registered_page(govbr: Simulator) -> None:
    """And to no other."""
    out = ask(govbr, f"/logout?{urlencode({'post_logout_redirect_uri': LOGOUT_URI})}")

    assert (302, LOGOUT_URI) == (out.status, out.headers["Location"])
    assert 400 == ask(govbr, "/logout?post_logout_redirect_uri=http://example.com").status


def companies(govbr: Simulator, tokens: Tokens, cpf: str) -> Any:
    """Give the companies of a person, each with the person's part in it."""
    listed = json.loads(
        ask(
            govbr, f"/empresas/v2/empresas?filtrar-por-participante={cpf}", tokens.access_token
        ).body
    )
    return [
        (
            one,
            json.loads(
                ask(
                    govbr,
                    f"/empresas/v2/empresas/{one['cnpj']:0>14}/participantes/{cpf}",
                    tokens.access_token,
                ).body
            ),
        )
        for one in listed
    ]


def test_a_partner_and_a_colaborador_in_the_manuals_forms(govbr: Simulator) -> None:
    """``cadastrador`` is a text, a colaborador has no ``atuacao``, offsets have no colon."""
    [(listed, partner)] = companies(govbr, govbr.sign_in("representante"), REPRESENTATIVE)
    [(_, helping)] = companies(govbr, govbr.sign_in("colaborador"), "16180339805")

    assert {"cnpj", "razaoSocial", "dataCriacao"} == set(listed)
    assert (COMPANY, "SOCIO", "true") == (
        listed["cnpj"],
        partner["atuacao"],
        partner["cadastrador"],
    )
    assert {"cpfCadastrador", "dataExpiracao"}.isdisjoint(partner)
    assert "atuacao" not in helping
    assert ("false", REPRESENTATIVE) == (helping["cadastrador"], helping["cpfCadastrador"])
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}-0300", helping["dataExpiracao"])


def test_the_forms_that_others_have_met(govbr: Simulator) -> None:
    """Numbers that lost their zeros, a boolean, and a date without an offset."""
    [(listed, told)] = companies(govbr, govbr.sign_in("diferente"), "05772156632")

    assert (5772156000104, 5772156632, False) == (
        listed["cnpj"],
        told["cpf"],
        told["cadastrador"],
    )
    assert re.fullmatch(r"[0-9-]{10} [0-9:]{8}", told["dataExpiracao"])


def test_forty_companies_and_none(govbr: Simulator) -> None:
    """One person has forty, another an empty list."""
    assert 40 == len(companies(govbr, govbr.sign_in("quarenta"), "14142135651"))
    assert [] == companies(govbr, govbr.sign_in("membro"), MEMBER)


def test_the_companies_api_answers_the_person_alone(govbr: Simulator) -> None:
    """It takes that person's living access token, with the scope for it."""
    path = f"/empresas/v2/empresas?filtrar-por-participante={MEMBER}"
    tokens = govbr.sign_in("membro")

    assert 200 == ask(govbr, path, tokens.access_token).status
    for token, status, description in (
        (tokens.id_token, 401, "ACCESSTOKEN_MUSTBEVALID"),
        ("", 401, "ACCESSTOKEN_MUSTBEVALID"),
        (
            govbr.sign_in("membro", scope="openid").access_token,
            401,
            "ACCESSTOKEN_SCOPE_MUSTCONTAINSEXPECTEDSCOPE",
        ),
        (govbr.sign_in("contador").access_token, 403, "the access_token is another person's"),
    ):
        answer = ask(govbr, path, token)
        assert {"error": str(status), "erro_description": description} == json.loads(answer.body)
        assert status == answer.status
    other = f"/empresas/v2/empresas/{COMPANY}/participantes/{MEMBER}"
    assert 404 == ask(govbr, other, tokens.access_token).status


def test_links_change_on_command(govbr: Simulator) -> None:
    """A role changes, a company comes and goes, and a reset takes it all back."""

    def roles() -> list[str]:
        tokens = govbr.sign_in("membro")
        return [told["atuacao"] for _, told in companies(govbr, tokens, MEMBER)]

    assert [] == roles()
    govbr.command("link", person="membro", cnpj="52.420.282/0001-80", atuacao="SOCIO")
    assert ["SOCIO"] == roles()
    govbr.command("link", person=MEMBER, cnpj=COMPANY, atuacao="CONTADOR")
    assert ["CONTADOR"] == roles()
    govbr.command("unlink", person="membro", cnpj=COMPANY)
    assert [] == roles()
    govbr.command("unlink", person="representante", cnpj=COMPANY)
    govbr.command("reset")
    assert 1 == len(companies(govbr, govbr.sign_in("representante"), REPRESENTATIVE))


@pytest.mark.parametrize(("kid", "published"), [("rsa2", 2), ("rsa1", 1)])
def test_keys_rotate_on_command(govbr: Simulator, kid: str, published: int) -> None:
    """A new name joins the old key, the same name replaces it, and the newest signs."""
    before = govbr.sign_in("membro").access_token
    govbr.command("keys", kid=kid)
    after = govbr.sign_in("membro").access_token

    assert published == len(json.loads(ask(govbr, "/jwk").body)["keys"])
    assert kid == header_of(after)["kid"]
    assert MEMBER == claims_of(govbr, after)["sub"]
    if published == 2:
        assert MEMBER == claims_of(govbr, before)["sub"]
    else:
        with pytest.raises(jwt.InvalidSignatureError):
            claims_of(govbr, before)


def test_a_part_is_slow_on_command(govbr: Simulator) -> None:
    """The delay holds up the part that it was given to, and then it answers as ever."""
    before = ask(govbr, "/empresas/v2/empresas").status
    govbr.command("fault", part="empresas", delay=0.2)
    began = time.monotonic()

    assert before == ask(govbr, "/empresas/v2/empresas").status
    assert time.monotonic() - began >= 0.2


def test_a_part_hangs_until_its_fault_is_over_and_no_other(govbr: Simulator) -> None:
    """It neither answers nor closes before, and the other parts do meanwhile."""
    govbr.command("fault", part="jwk", hang=True)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(govbr, "/jwk").status))
    waiting.start()
    waiting.join(0.3)
    assert 401 == ask(govbr, "/empresas/v2/empresas").status
    assert [] == answers
    govbr.command("fault", part="jwk")
    waiting.join()

    assert [200] == answers


@pytest.mark.parametrize("part", ["authorize", "token", "jwk", "userinfo", "empresas"])
def test_a_part_fails_on_command(govbr: Simulator, part: str) -> None:
    """With the status that was wanted, until it is well again."""
    path = f"/{part}/v2/empresas" if part == "empresas" else f"/{part}"
    before = ask(govbr, path).status
    govbr.command("fault", part=part, status=503)

    assert 503 == ask(govbr, path).status
    govbr.command("fault", part=part)
    assert before == ask(govbr, path).status


def test_the_keys_document_is_hostile_on_command(govbr: Simulator) -> None:
    """Empty, cut off or huge, with 200 all the same."""
    bodies = {}
    for document in ("empty", "malformed", "huge"):
        govbr.command("fault", part="jwk", document=document)
        answer = ask(govbr, "/jwk")
        assert 200 == answer.status
        bodies[document] = answer.body

    assert {"keys": []} == json.loads(bodies["empty"])
    with pytest.raises(json.JSONDecodeError):
        json.loads(bodies["malformed"])
    assert len(bodies["huge"]) > 4_000_000


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("keys", {}),
        ("fault", {}),
        ("fault", {"part": "logout"}),
        ("fault", {"part": "jwk", "document": "small"}),
        ("fault", {"part": "jwk", "document": ["huge"]}),
        ("fault", {"part": "jwk", "dely": 1}),
        ("fault", {"part": "jwk", "delay": "x"}),
        ("fault", {"part": "jwk", "delay": -1}),
        ("fault", {"part": "jwk", "hang": 1}),
        ("fault", {"part": "jwk", "status": "x"}),
        ("fault", {"part": "jwk", "status": 5030}),
        ("fault", {"part": "jwk", "status": 503.0}),
        ("fault", {"part": "jwk", "over": True}),
        ("link", {"person": "membro"}),
        ("link", {"person": "ninguem", "cnpj": COMPANY}),
        ("link", {"person": "membro", "cnpj": COMPANY, "expires": "x"}),
        ("link", {"person": "membro", "cnpj": COMPANY, "expires": "2030-01-01"}),
        ("link", {"person": "membro", "cnpj": COMPANY, "expires": 2030}),
        ("unlink", {"cnpj": COMPANY}),
    ],
)
def test_a_mistyped_command_is_refused(
    govbr: Simulator, name: str, members: dict[str, object]
) -> None:
    """It does not pass for one that was done, and the answer says that it is mistyped."""
    with pytest.raises(CommandRefused, match=r'"error":"40[04]"'):
        govbr.command(name, **members)


def test_the_client_checks_what_comes_back(govbr: Simulator) -> None:
    """State and nonce are fresh for each sign-in, and those that come back have to be them."""
    tokens = [govbr.sign_in("membro") for _ in range(2)]

    assert 2 == len({claims_of(govbr, one.id_token)["nonce"] for one in tokens})
    for name in ("state", "nonce"):
        with pytest.raises(SignInFailed, match=name):
            govbr.sign_in("membro", **{name: "de-outra-pessoa"})


def test_everybody_is_made_up_but_valid() -> None:
    """All check digits are right, so that the service takes them."""
    accounts = list(People(datetime.now(UTC)))
    for account in accounts:
        assert account.cpf == Cpf.parse(account.cpf).digits
        for cnpj in account.links:
            assert cnpj == Cnpj.parse(cnpj).value
    assert len(accounts) == len({one.cpf for one in accounts}) == len({a.name for a in accounts})


def test_a_stop_ends_faults_and_lets_go_of_the_port() -> None:
    """No thread and no socket is left, though a request hangs."""
    before = set(threading.enumerate())
    govbr = Simulator().start()
    govbr.command("fault", part="jwk", hang=True)
    connection = HTTPConnection("127.0.0.1", govbr.port)
    connection.request("GET", "/jwk")
    time.sleep(0.1)

    govbr.stop()
    connection.close()

    # What an earlier test had under way may end meanwhile.
    assert set(threading.enumerate()) <= before
    assert_free(govbr.port)


def test_what_was_never_started_stops() -> None:
    """At once, and lets go of the port."""
    govbr = Simulator()
    govbr.stop()

    assert_free(govbr.port)


def assert_free(port: int) -> None:
    """See that nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def govbr_program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one verb of the simulator's command line, to its end."""
    return subprocess.run(
        [*GOVBR, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_line_signs_people_in(govbr: Simulator, tmp_path: Path) -> None:
    """It prints the tokens as the service takes them, or the one line that proves who acts."""
    at = ("--at", govbr.api_url)
    tokens = json.loads(govbr_program(tmp_path, "sign-in", "representante", *at).stdout)
    line = govbr_program(
        tmp_path, "sign-in", "722.684.025-17", "--with", "ecnpj", "--header", *at
    ).stdout

    assert {"access_token", "id_token"} == set(tokens)
    assert ["passwd", "captcha"] == claims_of(govbr, tokens["access_token"])["amr"]
    name, _, token = line.rstrip("\n").partition(": ")
    assert "Govbr-Access-Token" == name
    assert "52.420.282/0001-80" == claims_of(govbr, token)["cnpj"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sign-in", "membro", "--with", "ecnpj"], "400: this account cannot be entered"),
        (["sign-in", "ninguem"], "404: no account of that name or CPF: representante, membro"),
    ],
)
def test_a_sign_in_that_fails_says_so_in_one_line(
    govbr: Simulator, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """With exit code 1, and nothing on stdout that a pipe could take for tokens."""
    done = govbr_program(tmp_path, *arguments, "--at", govbr.api_url)

    assert (1, "") == (done.returncode, done.stdout)
    [line] = done.stderr.splitlines()
    assert line.startswith(said)


@pytest.mark.parametrize("document", ["empty", "malformed"])
def test_nonsense_for_a_code_is_one_line(govbr: Simulator, tmp_path: Path, document: str) -> None:
    """As any other sign-in that fails, and no traceback."""
    govbr.command("fault", part="token", document=document)
    done = govbr_program(tmp_path, "sign-in", "membro", "--at", govbr.api_url)

    assert (1, "", "what came for the code is no pair of tokens\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )


def test_nobody_there_and_a_taken_port_are_one_line_each(tmp_path: Path) -> None:
    """Neither is a traceback; with a taken port the demo starts no service."""
    port = free_port()
    away = govbr_program(tmp_path, "sign-in", "membro", "--at", f"http://127.0.0.1:{port}")
    assert (1, f"no GOV.BR answers at http://127.0.0.1:{port}\n") == (away.returncode, away.stderr)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        used = taken.getsockname()[1]
        for verb in (["serve", "--port", str(used)], ["demo", "--port", str(used - 1)]):
            done = govbr_program(tmp_path, *verb)
            assert (1, "") == (done.returncode, done.stdout)
            [line] = done.stderr.splitlines()
            assert line.startswith(f"port {used}, for the simulator of GOV.BR: ")


def test_serve_prints_the_settings_for_it_and_stops(tmp_path: Path) -> None:
    """What it prints can be given to a service; SIGTERM ends it with exit code 0."""
    port = free_port()
    process = subprocess.Popen(
        [*GOVBR, "serve", "--port", str(port)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
        with process.stdout:
            assert [
                f"AUTHZ_GOVBR_ISSUER=http://127.0.0.1:{port}/",
                f"AUTHZ_GOVBR_AUDIENCE={CLIENT_ID}",
                f"AUTHZ_GOVBR_JWKS_URL=http://127.0.0.1:{port}/jwk",
                f"AUTHZ_GOVBR_API_URL=http://127.0.0.1:{port}",
            ] == lines
            process.terminate()
            assert 0 == process.wait(timeout=20)
    finally:
        process.kill()
        process.wait()


def test_the_simulator_does_not_know_the_service() -> None:
    """It imports no module of it: what it says of GOV.BR is its own reading."""
    found = set()
    for module in (ROOT / "tests" / "govbr").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0])

    assert "flask" in found
    assert "authz_service" not in found
