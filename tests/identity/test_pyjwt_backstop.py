"""
What is relied on in PyJWT, held to it: a new version that changes any of this is noticed here.

PyJWT is asked as itself, without the checks that stand before and behind it in this service.
"""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from jwt.types import Options

from tests.identity.minting import (
    ABSENT,
    AUDIENCE,
    HOUR,
    KID,
    PERSON,
    STAGING,
    Minted,
    access_token,
    compact,
    encoded,
    key,
)

PUBLIC = key().public_key()
PEM = PUBLIC.public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def decoded(text: str, options: Options | None = None, leeway: float = 30) -> dict[str, Any]:
    """Ask PyJWT as this service asks it, with its own defaults unless *options* say otherwise."""
    return jwt.decode(
        text,
        PUBLIC,
        algorithms=["RS256"],
        options=options,
        issuer=STAGING,
        audience=AUDIENCE,
        leeway=leeway,
    )


def error_of(minted: Minted, options: Options | None = None) -> type[Exception]:
    """Give the exact class of the error with which PyJWT refuses a token."""
    with pytest.raises(jwt.PyJWTError) as caught:
        decoded(minted.token.text, options)
    return type(caught.value)


def test_an_ordinary_token_passes_as_it_is() -> None:
    """The claims come back unchanged, also those that were read as numbers."""
    minted = access_token()
    assert minted.claims == decoded(minted.token.text)


def test_an_algorithm_has_to_be_named() -> None:
    """Without a list of algorithms nothing is verified."""
    with pytest.raises(jwt.DecodeError, match="algorithms"):
        jwt.decode(access_token().token.text, PUBLIC, audience=AUDIENCE, issuer=STAGING)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "PS256", "rs256", "", None])
def test_the_header_does_not_choose_the_algorithm(algorithm: str | None) -> None:
    """Only a listed one is used."""
    assert jwt.InvalidAlgorithmError is error_of(access_token().headed(alg=algorithm))
    assert jwt.InvalidAlgorithmError is error_of(access_token().headed(alg=ABSENT))


def test_a_public_key_is_no_secret() -> None:
    """The public key in PEM is refused as a secret of HMAC, were HS256 ever listed."""
    text = access_token().headed(alg="HS256").token.text
    with pytest.raises(jwt.InvalidKeyError):
        jwt.decode(text, PEM, algorithms=["HS256", "RS256"], audience=AUDIENCE)
    with pytest.raises(TypeError):
        jwt.decode(text, PUBLIC, algorithms=["HS256", "RS256"], audience=AUDIENCE)


def test_the_signature_comes_before_the_claims() -> None:
    """A forged token is called forged, whatever its claims say; else expiry would hide it."""
    wrong = access_token(exp=1, iss="another", aud="another", sub=5, nbf="x").by(key("production"))
    assert jwt.InvalidSignatureError is error_of(wrong)


def test_what_no_claim_is_looked_at_for_comes_before_expiry() -> None:
    """``require`` and the two other times are looked at first, issuer and audience after it."""
    expired = access_token(exp=1)
    assert jwt.MissingRequiredClaimError is error_of(expired.but(sub=ABSENT), {"require": ["sub"]})
    assert jwt.ImmatureSignatureError is error_of(expired.but(nbf=int(time.time()) + HOUR))
    assert jwt.ExpiredSignatureError is error_of(expired.but(iss="another", aud="another"))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1", 1.5, True])
def test_times_are_coerced(name: str, value: object) -> None:
    """A time may be a string, a fraction or a boolean to PyJWT, so this service looks again."""
    minted = access_token(**{name: value})
    if name == "exp":
        assert jwt.ExpiredSignatureError is error_of(minted)
    else:
        assert value == decoded(minted.token.text)[name]


def test_a_time_beyond_all_calendars_is_a_time() -> None:
    """PyJWT compares numbers, so this service has to see that a datetime can hold them."""
    assert 10**400 == decoded(access_token(exp=10**400).token.text)["exp"]


@pytest.mark.parametrize("value", ["tomorrow", [], {}, "", None])
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("exp", jwt.DecodeError),
        ("nbf", jwt.DecodeError),
        ("iat", jwt.exceptions.InvalidIssuedAtError),
    ],
)
def test_a_time_that_is_none_is_an_error_of_its_own(
    name: str, error: type[Exception], value: object
) -> None:
    """It is no signature that does not match, which would ask GOV.BR for newer keys."""
    assert error is error_of(access_token(**{name: value}))


@pytest.mark.parametrize(
    ("name", "ahead", "error"),
    [
        ("exp", -30, jwt.ExpiredSignatureError),
        ("iat", 60, jwt.ImmatureSignatureError),
        ("nbf", 60, jwt.ImmatureSignatureError),
    ],
)
def test_the_leeway_is_for_all_three_times(name: str, ahead: int, error: type[Exception]) -> None:
    """A token ends when its last second of leeway has come, not after it."""
    now = int(time.time())
    assert error is error_of(access_token(**{name: now + ahead}))
    near = access_token(**{name: now + (-20 if name == "exp" else 20)}).token.text
    assert PERSON == decoded(near)["sub"]
    with pytest.raises(error):
        decoded(near, leeway=0)


@pytest.mark.parametrize("name", ["iss", "aud"])
def test_issuer_and_audience_are_required_once_they_are_told(name: str) -> None:
    """So ``require`` need not name them."""
    assert jwt.MissingRequiredClaimError is error_of(access_token(**{name: ABSENT}))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "sub", "jti"])
def test_nothing_else_is_required_by_itself(name: str) -> None:
    """So ``require`` has to name what must be there, and null is not there."""
    assert PERSON == decoded(access_token(**{name: ABSENT}).token.text).get("sub", PERSON)
    for absence in (ABSENT, None):
        missing = access_token(**{name: absence})
        assert jwt.MissingRequiredClaimError is error_of(missing, {"require": [name]})


def test_the_issuer_is_compared_to_the_letter() -> None:
    """With its slash, as one string."""
    for other in (STAGING[:-1], STAGING + "/", STAGING.upper(), [STAGING], {STAGING: 1}, 5):
        assert jwt.InvalidIssuerError is error_of(access_token(iss=other))


def test_an_audience_may_be_a_list() -> None:
    """One that is ours is enough; each has to be a string; a part of a name is none."""
    assert [AUDIENCE, "b"] == decoded(access_token(aud=[AUDIENCE, "b"]).token.text)["aud"]
    for other in ("b", ["b"], AUDIENCE + "x", AUDIENCE[:-1], [AUDIENCE, 5], {AUDIENCE: 1}, 5):
        assert jwt.InvalidAudienceError is error_of(access_token(aud=other))
    empty: tuple[object, ...] = ("", 0, [])
    for nothing in empty:
        assert jwt.MissingRequiredClaimError is error_of(access_token(aud=nothing))


@pytest.mark.parametrize("other", [5, True, ["a"], {}, 1.5])
def test_subject_and_token_id_are_strings(other: object) -> None:
    """So this service finds text in ``sub``."""
    assert jwt.exceptions.InvalidSubjectError is error_of(access_token(sub=other))
    assert jwt.exceptions.InvalidJTIError is error_of(access_token(jti=other))


def test_the_text_of_a_signature_is_not_unique_to_pyjwt() -> None:
    """It takes padding, so this service looks at the text itself, and tells a token by the rest."""
    assert PERSON == decoded(access_token().token.text + "==")["sub"]


def test_unused_bits_are_refused() -> None:
    """The last character of a signature has four of them."""
    text = access_token().token.text
    other = text[:-1] + chr(ord(text[-1]) + 1)
    with pytest.raises(jwt.DecodeError, match="padding"):
        decoded(other)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5_000, b"9" * 5_000]
)
def test_a_payload_that_is_no_object_is_an_error_of_pyjwt(payload: bytes) -> None:
    """Brackets by the thousand included: nothing else than its own errors comes out."""
    head = json.dumps({"kid": KID, "alg": "RS256"}).encode()
    with pytest.raises(jwt.DecodeError):
        decoded(compact(head, payload, key()))


def test_errors_of_pyjwt_hold_what_was_sent() -> None:
    """Why no refusal may carry one: the JSON error below it has the whole payload."""
    payload = json.dumps(access_token().claims).encode() + b"}"
    head = json.dumps({"kid": KID, "alg": "RS256"}).encode()
    with pytest.raises(jwt.DecodeError) as caught:
        decoded(compact(head, payload, key()))
    assert isinstance(caught.value.__cause__, json.JSONDecodeError)
    assert PERSON in caught.value.__cause__.doc


def test_a_header_is_refused_only_for_what_is_critical() -> None:
    """PyJWT ignores where a header says to find a key, so this service refuses to see it."""
    for ignored in ({"jku": "https://evil.example"}, {"x5u": "a"}, {"typ": "logout+jwt"}):
        assert PERSON == decoded(access_token().headed(**ignored).token.text)["sub"]
    assert jwt.InvalidTokenError is error_of(access_token().headed(crit=["exp"], exp=1))
    assert jwt.InvalidTokenError is error_of(access_token().headed(kid=5))


def test_what_is_verified_by_default_is_all() -> None:
    """A check that a new version brings, or switches off, is for this service to decide on."""
    assert {
        "verify_signature": True,
        "verify_exp": True,
        "verify_nbf": True,
        "verify_iat": True,
        "verify_aud": True,
        "verify_iss": True,
        "verify_sub": True,
        "verify_jti": True,
        "require": [],
        "strict_aud": False,
        "enforce_minimum_key_length": False,
    } == jwt.PyJWT()._get_default_options()


def test_the_first_part_has_to_be_the_header() -> None:
    """A token of more than three parts is none."""
    text = access_token().token.text
    for other in (f"{text}.{encoded(b'{}')}", text.rpartition(".")[0], "", "."):
        with pytest.raises(jwt.DecodeError):
            decoded(other)
