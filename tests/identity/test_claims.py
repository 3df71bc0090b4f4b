"""What verified tokens say: the shapes that are read, and whether two are of one sign-in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.sign_in import Cause, Level, Verified
from tests.identity.minting import (
    ABSENT,
    AUDIENCE,
    COMPANY,
    HOUR,
    OTHER_COMPANY,
    OTHER_PERSON,
    PERSON,
    PRODUCTION,
    access_token,
    at_hash,
    id_token,
    key,
)
from tests.identity.verifying import Bend, cause_of, claims, header, later, now, verifier


def test_a_sign_in_with_password_says_who_and_little_else() -> None:
    """An ordinary access token names the person; level and certificate are unknown."""
    minted = access_token()
    exp = minted.claims["exp"]
    assert isinstance(exp, int)
    verified = verifier().verify(minted.token)
    assert (
        Verified(
            person=Cpf(PERSON),
            digest=verified.digest,
            methods=("passwd",),
            level=None,
            certificate_company=None,
            agent=False,
            authenticated_at=None,
            ends_at=datetime.fromtimestamp(exp, UTC),
            scopes=frozenset(("openid", "profile", "govbr_empresa")),
        )
        == verified
    )


def test_the_id_token_adds_level_and_the_real_time_of_authentication() -> None:
    """A sign-in re-uses a session of GOV.BR, so the token's own age is another one."""
    identity = id_token()
    verified = verifier().verify(access_token().token, identity.token)
    assert Level.SILVER is verified.level
    assert verified.authenticated_at is not None
    assert identity.claims["auth_time"] == verified.authenticated_at.timestamp()
    assert () == verified.notes


METHODS: dict[str, tuple[object, tuple[str, ...]]] = {
    "a list": (["x509", "x509_token"], ("x509", "x509_token")),
    "a string, as in 2019": ("x509", ("x509",)),
    "absent": (ABSENT, ()),
    "null": (None, ()),
    "empty": ([], ()),
    "unknown ones": (["passwd", "telepathy", "mente são"], ("passwd", "telepathy", "mente são")),
    "as many and as long as may be": (["a" * 64] * 32, ("a" * 64,) * 32),
}


@pytest.mark.parametrize(("amr", "expected"), METHODS.values(), ids=METHODS)
def test_methods_are_kept_as_they_came(amr: object, expected: tuple[str, ...]) -> None:
    """In a list or alone, known or not."""
    assert expected == verifier().verify(access_token(amr=amr).token).methods


SCOPES: dict[str, tuple[object, frozenset[str]]] = {
    "a list": (["openid", "phone"], frozenset(("openid", "phone"))),
    "a string": ("openid  phone", frozenset(("openid", "phone"))),
    "absent": (ABSENT, frozenset()),
    "empty": ("", frozenset()),
}


@pytest.mark.parametrize(("scope", "expected"), SCOPES.values(), ids=SCOPES)
def test_scopes_are_read_in_both_shapes(scope: object, expected: frozenset[str]) -> None:
    """GOV.BR writes a list in the token, and a string beside it."""
    assert expected == verifier().verify(access_token(scope=scope).token).scopes


COMPANIES: dict[str, tuple[object, str | None, tuple[str, ...]]] = {
    "raw": (COMPANY, COMPANY, ()),
    "with its mask": ("52.420.282/0001-80", COMPANY, ()),
    "with letters": ("12.ABC.345/01DE-35", "12ABC34501DE35", ()),
    "with letters in lower case": ("12abc34501de35", "12ABC34501DE35", ()),
    "absent": (ABSENT, None, ()),
    "null": (None, None, ()),
    "the manual's own sample": ("12.345.678/0001-00", None, ("cnpj-invalid",)),
    "a number": (int(COMPANY), None, ("cnpj-invalid",)),
    "empty": ("", None, ("cnpj-invalid",)),
    "a list": ([COMPANY], None, ("cnpj-invalid",)),
}


@pytest.mark.parametrize(("cnpj", "expected", "notes"), COMPANIES.values(), ids=COMPANIES)
@pytest.mark.parametrize("where", ["access", "id", "both"])
def test_the_company_of_a_certificate(
    where: str, cnpj: object, expected: str | None, notes: tuple[str, ...]
) -> None:
    """Either token may tell; what cannot be a CNPJ grants nothing, with one note."""
    access = access_token(amr=["x509"], cnpj=ABSENT if where == "id" else cnpj).token
    identity = id_token(cnpj=ABSENT if where == "access" else cnpj).token
    verified = verifier().verify(access, identity)
    assert (None if expected is None else Cnpj(expected)) == verified.certificate_company
    assert notes == verified.notes


@pytest.mark.parametrize("where", ["access", "id", "both"])
@pytest.mark.parametrize("amr", [["passwd", "mfa"], [], ABSENT, "passwd", ["x509x"], ["X509"]])
def test_a_company_without_a_certificate_is_none(amr: object, where: str) -> None:
    """GOV.BR tells a company with a certificate only; the id_token's word for one is not enough."""
    access = access_token(amr=amr, cnpj=ABSENT if where == "id" else COMPANY).token
    identity = id_token(amr=["x509"], cnpj=ABSENT if where == "access" else COMPANY).token
    verified = verifier().verify(access, identity)
    assert verified.certificate_company is None
    assert ("cnpj-without-certificate",) == verified.notes


AGENTS: dict[str, tuple[dict[str, object], bool]] = {
    "absent": ({}, False),
    "null": ({"agent": None}, False),
    "false": ({"agent": False}, False),
    "false as a string": ({"agent": "false"}, False),
    "true": ({"agent": True}, True),
    "true as a string": ({"agent": "true"}, True),
    "True": ({"agent": "True"}, True),
    "False": ({"agent": "False"}, True),
    "no": ({"agent": "no"}, True),
    "zero": ({"agent": 0}, True),
    "zero as a string": ({"agent": "0"}, True),
    "one": ({"agent": 1}, True),
    "empty": ({"agent": ""}, True),
    "a list": ({"agent": [False]}, True),
    "an empty list": ({"agent": []}, True),
    "an empty object": ({"agent": {}}, True),
    "a grantor alone": ({"grantor_account": OTHER_PERSON}, True),
    "a grantor with a denial": ({"agent": False, "grantor_account": OTHER_PERSON}, True),
    "an empty grantor": ({"grantor_account": ""}, True),
    "no grantor": ({"agent": False, "grantor_account": None}, False),
}


@pytest.mark.parametrize(("told", "expected"), AGENTS.values(), ids=AGENTS)
def test_a_power_of_attorney_is_seen_in_either_token(
    told: dict[str, object], *, expected: bool
) -> None:
    """Only a plain denial is one's own act; the person is still who signed in."""
    alone = verifier().verify(access_token(**told).token)
    assert (expected, Cpf(PERSON)) == (alone.agent, alone.person)
    paired = verifier().verify(access_token().token, id_token(**told).token)
    assert expected is paired.agent


LEVELS: dict[str, tuple[object, Level | None]] = {
    "gold": ({"level": "gold"}, Level.GOLD),
    "silver": ({"level": "silver", "reliabilities": "odd"}, Level.SILVER),
    "bronze": ({"level": "bronze"}, Level.BRONZE),
    "unknown": ({"level": "diamond"}, None),
    "in upper case": ({"level": "GOLD"}, None),
    "by number": ({"level": 3}, None),
    "in a list": ({"level": ["gold"]}, None),
    "missing": ({}, None),
    "a string": ("gold", None),
    "a list": ([{"level": "gold"}], None),
    "absent": (ABSENT, None),
}


@pytest.mark.parametrize(("told", "expected"), LEVELS.values(), ids=LEVELS)
def test_a_level_that_is_not_known_is_none(told: object, expected: Level | None) -> None:
    """Needs a scope that Inmetro's client may not have, so it is seldom there."""
    identity = id_token(reliability_info=told).token
    assert expected is verifier().verify(access_token().token, identity).level


@pytest.mark.parametrize("told", ["1", True, 1.5, [], 10**15, -(10**15), 10**400])
def test_the_time_of_authentication_is_an_integer(told: object) -> None:
    """Whatever else it is, nobody has to guess what it means."""
    identity = id_token(auth_time=told).token
    assert ("id_token", Cause.CLAIMS) == cause_of(access_token().token, identity)


def test_nobody_has_authenticated_tomorrow() -> None:
    """The time of authentication has passed, but for the leeway of the clocks."""
    access = access_token().token
    assert ("id_token", Cause.NOT_YET_VALID) == cause_of(
        access, id_token(auth_time=now() + 60).token
    )
    soon = verifier().verify(access, id_token(auth_time=now() + 20).token)
    assert soon.authenticated_at is not None


def test_the_tokens_cannot_be_exchanged() -> None:
    """Each is refused in the other's place, though issuer, audience and person are right."""
    access, identity = access_token().token, id_token().token
    assert ("access_token", Cause.KIND) == cause_of(identity)
    assert ("access_token", Cause.KIND) == cause_of(identity, access)
    assert ("id_token", Cause.KIND) == cause_of(access, access)


@pytest.mark.parametrize("name", ["nonce", "auth_time", "name"])
def test_an_id_token_is_told_by_any_of_three_claims(name: str) -> None:
    """One is enough for the id_token, and too much for the access_token."""
    only = {one: ABSENT for one in ("nonce", "auth_time", "name") if one != name}
    identity = id_token(**only)
    assert Cpf(PERSON) == verifier().verify(access_token().token, identity.token).person
    told = access_token(**{name: identity.claims[name]}).token
    assert ("access_token", Cause.KIND) == cause_of(told)


EXPIRED: dict[str, Bend] = {
    "a minute ago": later("exp", -60),
    "just now": later("exp", -30),
    "in 1970": claims(exp=1),
}


@pytest.mark.parametrize("bend", EXPIRED.values(), ids=EXPIRED)
def test_an_expired_id_token_is_left_out(bend: Bend) -> None:
    """It lives a minute, so it may end on its way: a note says so, and nothing of it counts."""
    identity = bend(id_token(cnpj=COMPANY)).token
    verified = verifier().verify(access_token(amr=["x509"]).token, identity)
    assert ("id_token-expired",) == verified.notes
    assert (None, None, None, False) == (
        verified.level,
        verified.authenticated_at,
        verified.certificate_company,
        verified.agent,
    )


@pytest.mark.parametrize("told", [{"agent": True}, {"grantor_account": OTHER_PERSON}])
def test_an_expired_id_token_still_takes_away(told: dict[str, object]) -> None:
    """That somebody acts by power of attorney is no privilege, so it need not be fresh."""
    identity = id_token(exp=now() - 60, **told).token
    verified = verifier().verify(access_token().token, identity)
    assert (True, ("id_token-expired",)) == (verified.agent, verified.notes)


EXPIRED_AND: dict[str, tuple[Bend, Cause]] = {
    "forged": (lambda one: one.by(key("production")), Cause.SIGNATURE),
    "unknown key": (header(kid="rsa3"), Cause.UNKNOWN_KEY),
    "with a jku": (header(jku="https://evil.example/jwk"), Cause.HEADER),
    "alg none": (header(alg="none"), Cause.ALGORITHM),
    "without iat": (claims(iat=ABSENT), Cause.CLAIMS),
    "true for its end": (claims(exp=True), Cause.CLAIMS),
    "by another issuer": (claims(iss=PRODUCTION), Cause.ISSUER),
    "for another client": (claims(aud="another.gov.br"), Cause.AUDIENCE),
    "about nobody": (claims(sub="ana"), Cause.SUBJECT),
    "about another person": (
        claims(sub=OTHER_PERSON, preferred_username=OTHER_PERSON),
        Cause.PAIR,
    ),
    "issued long before": (later("iat", -HOUR), Cause.PAIR),
    "authenticated tomorrow": (later("auth_time", 24 * HOUR), Cause.NOT_YET_VALID),
}


@pytest.mark.parametrize(("bend", "cause"), EXPIRED_AND.values(), ids=EXPIRED_AND)
def test_expiry_excuses_no_forgery(bend: Bend, cause: Cause) -> None:
    """Only what GOV.BR has signed, for us and this sign-in, is left out; the rest is refused."""
    identity = bend(id_token(exp=now() - 60)).token
    assert ("id_token", cause) == cause_of(access_token().token, identity)


def test_an_expired_access_token_is_fatal_beside_a_good_id_token() -> None:
    """Leniency is for the id_token alone."""
    assert ("access_token", Cause.EXPIRED) == cause_of(
        access_token(exp=now() - 60).token, id_token().token
    )


EARLIER = now() - HOUR

MISMATCHED: dict[str, tuple[Bend, Bend]] = {
    "another person": (claims(), claims(sub=OTHER_PERSON, preferred_username=OTHER_PERSON)),
    "for others as well": (claims(), claims(aud=[AUDIENCE, "another.gov.br"])),
    "for us alone": (claims(aud=[AUDIENCE, "another.gov.br"]), claims()),
    "another company": (claims(cnpj=COMPANY), claims(cnpj=OTHER_COMPANY)),
    "issued later": (claims(iat=EARLIER), claims(iat=EARLIER + 61)),
    "issued earlier": (claims(iat=EARLIER + 61), claims(iat=EARLIER)),
    "another access token": (claims(), claims(at_hash=at_hash(access_token(jti="other").token))),
    "at_hash is empty": (claims(), claims(at_hash="")),
    "at_hash is a list": (claims(), claims(at_hash=[])),
}


@pytest.mark.parametrize(("access", "identity"), MISMATCHED.values(), ids=MISMATCHED)
def test_tokens_of_two_sign_ins_are_no_pair(access: Bend, identity: Bend) -> None:
    """Each is genuine; together they say what nobody signed."""
    assert ("id_token", Cause.PAIR) == cause_of(
        access(access_token()).token, identity(id_token()).token
    )


MATCHED: dict[str, tuple[Bend, Bend]] = {
    "person with and without punctuation": (claims(), claims(sub="187.627.946-04")),
    "audience as a string and as a list": (claims(aud=AUDIENCE), claims(aud=[AUDIENCE])),
    "audiences in another order": (claims(aud=[AUDIENCE, "b"]), claims(aud=["b", AUDIENCE])),
    "company with and without mask": (claims(cnpj=COMPANY), claims(cnpj="52.420.282/0001-80")),
    "issued a minute later": (claims(iat=EARLIER), claims(iat=EARLIER + 60)),
    "issued a minute earlier": (claims(iat=EARLIER + 60), claims(iat=EARLIER)),
    "at_hash is null": (claims(), claims(at_hash=None)),
}


@pytest.mark.parametrize(("access", "identity"), MATCHED.values(), ids=MATCHED)
def test_the_tokens_of_one_sign_in_may_be_written_differently(access: Bend, identity: Bend) -> None:
    """What is the same in two forms is a pair."""
    tokens = access(access_token()).token, identity(id_token()).token
    assert Cpf(PERSON) == verifier().verify(*tokens).person


def test_a_hash_in_the_id_token_binds_the_access_token() -> None:
    """Where the issuer sends ``at_hash``, the right one passes."""
    access = access_token().token
    identity = id_token(at_hash=at_hash(access)).token
    assert Cpf(PERSON) == verifier().verify(access, identity).person
