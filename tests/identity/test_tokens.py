"""
Every check on a token, each with a token that fails only that one.

The tables bend one thing of an ordinary token, which passes as it is; times are relative to the
real clock, with margins, since nothing of PyJWT is replaced.
"""

from __future__ import annotations

import base64
import hashlib
import json
import traceback
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization

from authz_service.domain.errors import SignInUnavailable, TokenRefused
from authz_service.domain.identifiers import Cpf
from authz_service.domain.sign_in import Cause, Token
from authz_service.identity.govbr import LONGEST
from tests.fakes.keys import ListedKeys
from tests.identity.minting import (
    ABSENT,
    AUDIENCE,
    HOUR,
    KID,
    OTHER_PERSON,
    PERSON,
    PRODUCTION,
    STAGING,
    access_token,
    compact,
    encoded,
    id_token,
    key,
    public,
    rs256,
)
from tests.identity.verifying import (
    Bend,
    cause_of,
    claims,
    header,
    later,
    now,
    refusal,
    staging_keys,
    verifier,
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


BENT_TIMES: dict[str, tuple[Bend, Cause]] = {
    "iat in the future": (later("iat", 60), Cause.NOT_YET_VALID),
    "nbf in the future": (later("nbf", 60), Cause.NOT_YET_VALID),
    "exp is missing": (claims(exp=ABSENT), Cause.CLAIMS),
    "exp is null": (claims(exp=None), Cause.CLAIMS),
    "exp is a string of digits": (later("exp", 60, lambda at: str(int(at))), Cause.CLAIMS),
    "exp is another string": (claims(exp="tomorrow"), Cause.CLAIMS),
    "exp has a fraction": (later("exp", 60, float), Cause.CLAIMS),
    "exp is a list": (claims(exp=[1]), Cause.CLAIMS),
    "exp is beyond all calendars": (claims(exp=10**15), Cause.CLAIMS),
    "exp is in a year beyond all numbers": (claims(exp=10**17), Cause.CLAIMS),
    "exp is beyond all clocks": (claims(exp=10**400), Cause.CLAIMS),
    "iat is missing": (claims(iat=ABSENT), Cause.CLAIMS),
    "iat is a boolean": (claims(iat=True), Cause.CLAIMS),
    "iat is a string of digits": (claims(iat="1"), Cause.CLAIMS),
    "iat is another string": (claims(iat="yesterday"), Cause.CLAIMS),
    "iat has a fraction": (claims(iat=1.5), Cause.CLAIMS),
    "nbf is a boolean": (claims(nbf=True), Cause.CLAIMS),
    "nbf is a string of digits": (claims(nbf="1"), Cause.CLAIMS),
    "nbf is null": (claims(nbf=None), Cause.CLAIMS),
}
BENT_CLAIMS: dict[str, tuple[Bend, Cause]] = {
    "iss without its slash": (claims(iss=STAGING[:-1]), Cause.ISSUER),
    "iss of production": (claims(iss=PRODUCTION), Cause.ISSUER),
    "iss in upper case": (claims(iss=STAGING.upper()), Cause.ISSUER),
    "iss is a list with ours": (claims(iss=[STAGING]), Cause.ISSUER),
    "iss is missing": (claims(iss=ABSENT), Cause.CLAIMS),
    "aud of another client": (claims(aud="another.gov.br"), Cause.AUDIENCE),
    "aud begins like ours": (claims(aud=AUDIENCE + ".evil"), Cause.AUDIENCE),
    "aud is a list without ours": (claims(aud=["a", "b"]), Cause.AUDIENCE),
    "aud is a list with a number": (claims(aud=[AUDIENCE, 5]), Cause.AUDIENCE),
    "aud is an object": (claims(aud={AUDIENCE: 1}), Cause.AUDIENCE),
    "aud is empty": (claims(aud=[]), Cause.CLAIMS),
    "aud is missing": (claims(aud=ABSENT), Cause.CLAIMS),
    "sub is missing": (claims(sub=ABSENT), Cause.CLAIMS),
    "sub is a number": (claims(sub=int(PERSON)), Cause.CLAIMS),
    "sub is a list": (claims(sub=[PERSON]), Cause.CLAIMS),
    "sub is no CPF": (claims(sub="ana", preferred_username=ABSENT), Cause.SUBJECT),
    "sub has wrong check digits": (
        claims(sub="12345678900", preferred_username="12345678900"),
        Cause.SUBJECT,
    ),
    "sub has digits of another script": (
        claims(sub="١٨٧٦٢٧٩٤٦٠٤", preferred_username=ABSENT),
        Cause.SUBJECT,
    ),
    "preferred_username is another": (claims(preferred_username=OTHER_PERSON), Cause.SUBJECT),
    "preferred_username is no CPF": (claims(preferred_username="ana"), Cause.SUBJECT),
    "preferred_username is a number": (claims(preferred_username=int(PERSON)), Cause.SUBJECT),
    "jti is a number": (claims(jti=5), Cause.CLAIMS),
    "amr is an object": (claims(amr={"x509": True}), Cause.CLAIMS),
    "amr is a boolean": (claims(amr=True), Cause.CLAIMS),
    "amr holds a number": (claims(amr=["x509", 5]), Cause.CLAIMS),
    "amr is long": (claims(amr=["a"] * 33), Cause.CLAIMS),
    "amr holds a long one": (claims(amr=["a" * 65]), Cause.CLAIMS),
    "amr holds a line break": (claims(amr=["passwd\nx509"]), Cause.CLAIMS),
    "amr holds half a character": (claims(amr=["\ud800"]), Cause.CLAIMS),
    "scope is an object": (claims(scope={"govbr_empresa": 1}), Cause.CLAIMS),
    "scope holds a number": (claims(scope=["openid", 5]), Cause.CLAIMS),
}
BENT_HEADERS: dict[str, tuple[Bend, Cause]] = {
    **{
        f"alg is {algorithm}": (header(alg=algorithm), Cause.ALGORITHM)
        for algorithm in (
            "none", "None", "", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", " RS256",
            None, 5, True, ["RS256"], {"RS256": 1}, ABSENT,
        )
    },
    "jku": (header(jku="https://evil.example/jwk"), Cause.HEADER),
    "x5u": (header(x5u="https://evil.example/chain"), Cause.HEADER),
    "x5c": (header(x5c=["MII"]), Cause.HEADER),
    "x5t": (header(x5t="abc"), Cause.HEADER),
    "jwk": (header(jwk={"kty": "RSA", "e": "AQAB", "n": "yKqG"}), Cause.HEADER),
    "crit that PyJWT does not know": (header(crit=["exp"], exp=1), Cause.HEADER),
    "crit that PyJWT knows": (header(crit=["b64"], b64=True), Cause.HEADER),
    "b64": (header(b64=True), Cause.HEADER),
    "zip": (header(zip="DEF"), Cause.HEADER),
    "cty": (header(cty="JWT"), Cause.HEADER),
    "a member that nobody knows": (header(urgent=True), Cause.HEADER),
    "typ of a logout token": (header(typ="logout+jwt"), Cause.HEADER),
    "typ of an event": (header(typ="secevent+jwt"), Cause.HEADER),
    "typ of something else": (header(typ="text/jwt"), Cause.HEADER),
    "typ is empty": (header(typ=""), Cause.HEADER),
    "typ is null": (header(typ=None), Cause.HEADER),
    "typ is a list": (header(typ=["JWT"]), Cause.HEADER),
    "kid is missing": (header(kid=ABSENT), Cause.UNKNOWN_KEY),
    "kid is empty": (header(kid=""), Cause.UNKNOWN_KEY),
    "kid is a number": (header(kid=1), Cause.UNKNOWN_KEY),
    "kid is a list": (header(kid=[KID]), Cause.UNKNOWN_KEY),
    "kid is unknown": (header(kid="rsa3"), Cause.UNKNOWN_KEY),
    "kid is of another key": (header(kid="rsa2"), Cause.SIGNATURE),
}  # fmt: skip
BENT_SIGNATURES: dict[str, tuple[Bend, Cause]] = {
    "production's key of the same name": (lambda one: one.by(key("production")), Cause.SIGNATURE),
    "another key of the issuer": (lambda one: one.by(key("rsa2")), Cause.SIGNATURE),
}  # fmt: skip
BENT = BENT_TIMES | BENT_CLAIMS | BENT_HEADERS | BENT_SIGNATURES


@pytest.mark.parametrize(("bend", "cause"), BENT.values(), ids=BENT)
def test_an_access_token_with_one_thing_wrong_is_refused(bend: Bend, cause: Cause) -> None:
    """Whatever is wrong with it, one such thing is enough, and it is the cause."""
    assert ("access_token", cause) == cause_of(bend(access_token()).token)


@pytest.mark.parametrize(("bend", "cause"), BENT.values(), ids=BENT)
def test_an_id_token_passes_the_same_checks(bend: Bend, cause: Cause) -> None:
    """One thing wrong with it refuses both tokens, in its name."""
    assert ("id_token", cause) == cause_of(access_token().token, bend(id_token()).token)


SOUND: dict[str, Bend] = {
    "as it is": lambda one: one,
    "typ JWT": header(typ="JWT"),
    "typ in lower case": header(typ="jwt"),
    "typ of a media type": header(typ="application/JWT"),
    "the issuer's other key": lambda one: one.headed(kid="rsa2").by(key("rsa2")),
    "aud is a list with ours": claims(aud=["another.gov.br", AUDIENCE]),
    "the clocks differ, by exp": later("exp", -20),
    "the clocks differ, by iat": later("iat", 20),
    "the clocks differ, by nbf": later("nbf", 20),
    "nbf has come": later("nbf", -60),
    "no preferred_username": claims(preferred_username=ABSENT),
    "preferred_username is null": claims(preferred_username=None),
    "no jti": claims(jti=ABSENT),
    "sub with a hyphen": claims(sub="187627946-04"),
    "sub with all its punctuation": claims(sub="187.627.946-04"),
    "preferred_username with punctuation": claims(preferred_username="187.627.946-04"),
    "a claim of tomorrow": claims(tomorrow={"a": [1]}),
}


@pytest.mark.parametrize("bend", SOUND.values(), ids=SOUND)
def test_what_is_odd_but_sound_passes(bend: Bend) -> None:
    """Tolerance where GOV.BR's shapes drift, in both tokens, and the person is the same."""
    access, identity = bend(access_token()).token, bend(id_token()).token
    assert Cpf(PERSON) == verifier().verify(access, identity).person


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_of_an_access_token_names_no_id_token(typ: str) -> None:
    """RFC 9068's type passes for an access token, and for that alone."""
    typed = access_token().headed(typ=typ).token
    assert Cpf(PERSON) == verifier().verify(typed).person
    identity = id_token().headed(typ=typ).token
    assert ("id_token", Cause.HEADER) == cause_of(access_token().token, identity)


@pytest.mark.parametrize("exp", [lambda: now() - 30, lambda: now() - HOUR, lambda: True])
def test_an_access_token_ends(exp: Callable[[], int]) -> None:
    """With the leeway its time is over; true is the first second of 1970 to PyJWT."""
    assert ("access_token", Cause.EXPIRED) == cause_of(access_token(exp=exp()).token)


def test_a_token_is_bounded_before_it_is_parsed() -> None:
    """The longest one passes; one more character, or a million of rubbish, is oversized."""
    longest = access_token()
    length = (LONGEST - len(longest.token.text)) * 3 // 4 - 50
    while len((longer := access_token(padding="x" * length)).token.text) <= LONGEST:
        longest, length = longer, length + 1
    assert Cpf(PERSON) == verifier().verify(longest.token).person
    assert ("access_token", Cause.OVERSIZED) == cause_of(longer.token)
    assert ("access_token", Cause.OVERSIZED) == cause_of(Token("." * 1_000_000))
    assert ("id_token", Cause.OVERSIZED) == cause_of(
        access_token().token, id_token(padding="x" * 8_000).token
    )


def with_part(index: int, change: Callable[[str], str]) -> Callable[[str], str]:
    """Give what changes one part of a compact token."""

    def changed(text: str) -> str:
        parts = text.split(".")
        parts[index] = change(parts[index])
        return ".".join(parts)

    return changed


def with_unused_bits(part: str) -> str:
    """Give another text that a careless decoder takes for the same bytes."""
    other = part[:-1] + ALPHABET[ALPHABET.index(part[-1]) + 1]
    assert base64.urlsafe_b64decode(part + "==") == base64.urlsafe_b64decode(other + "==")
    return other


MALFORMED: dict[str, Callable[[str], str]] = {
    "empty": lambda _text: "",
    "a space": lambda _text: " ",
    "dots": lambda _text: "..",
    "two parts": lambda text: text.rpartition(".")[0],
    "no payload": with_part(1, lambda _part: ""),
    "four parts": lambda text: text + ".e30",
    "space around": lambda text: f" {text}",
    "a line break at the end": lambda text: f"{text}\n",
    "a line break inside": with_part(1, lambda part: f"{part[:8]}\n{part[8:]}"),
    "padding": with_part(2, lambda part: part + "=="),
    "the other base64": with_part(2, lambda part: "+" + part[1:]),
    "no ASCII": with_part(1, lambda part: "é" + part[1:]),
    "half a character": with_part(1, lambda part: "\ud800" + part[1:]),
    "digits of another script": with_part(2, lambda part: "١" + part[1:]),
    "a lonely character": with_part(1, lambda part: part[: len(part) // 4 * 4] + "A"),
    "unused bits in the signature": with_part(2, with_unused_bits),
    "with its scheme": lambda text: f"Bearer {text}",
    "encrypted": lambda text: f"{text}.e30.e30",
    "header is no JSON": with_part(0, lambda _part: encoded(b'{"alg"')),
    "header is no text": with_part(0, lambda _part: encoded(b"\xff\xfe\xfd")),
    "header is a list": with_part(0, lambda _part: encoded(b'["RS256"]')),
    "header is a string": with_part(0, lambda _part: encoded(b'"RS256"')),
    "header is null": with_part(0, lambda _part: encoded(b"null")),
    "header is a number without end": with_part(0, lambda _part: encoded(b"9" * 5_000)),
    "header is brackets": with_part(0, lambda _part: encoded(b"[" * 5_000)),
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_token_to_the_last_bit_is_malformed(change: Callable[[str], str]) -> None:
    """One token has one text: three parts of base64url as RFC 7515 writes it, a JSON header."""
    text = change(access_token().token.text)
    assert ("access_token", Cause.MALFORMED) == cause_of(Token(text))


@pytest.mark.parametrize("payload", [b"{", b"[]", b"null", b'"a"', b"\xff", b"[" * 5_000])
def test_a_signed_payload_without_claims_proves_nothing(payload: bytes) -> None:
    """GOV.BR's signature over something else is no token."""
    head = json.dumps({"kid": KID, "alg": "RS256"}).encode()
    assert ("access_token", Cause.CLAIMS) == cause_of(Token(compact(head, payload, key())))


def hmac_with_public_key(text: str) -> str:
    """Forge: the public key, which everybody has, as the secret of HS256."""
    signed = encoded(json.dumps({"kid": KID, "alg": "HS256"}).encode()) + "." + text.split(".")[1]
    pem = (
        key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    mac = hmac.HMAC(pem, hashes.SHA256())
    mac.update(signed.encode())
    return f"{signed}.{encoded(mac.finalize())}"


def unsigned(text: str) -> str:
    """Forge: no signature, and a header that says so."""
    head = json.dumps({"kid": KID, "alg": "none"}).encode()
    return f"{encoded(head)}.{text.split('.')[1]}."


def altered(part: str) -> str:
    """Change one character in the middle of a part."""
    middle = len(part) // 2
    return part[:middle] + ("A" if part[middle] != "A" else "B") + part[middle + 1 :]


def of_somebody_else(part: str) -> str:
    """Put another person in the claims."""
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    return encoded(raw.replace(PERSON.encode(), OTHER_PERSON.encode()))


FORGED: dict[str, tuple[Callable[[str], str], Cause]] = {
    "alg none": (unsigned, Cause.ALGORITHM),
    "HS256 with the public key": (hmac_with_public_key, Cause.ALGORITHM),
    "another person": (with_part(1, of_somebody_else), Cause.SIGNATURE),
    "altered signature": (with_part(2, altered), Cause.SIGNATURE),
    "no signature": (with_part(2, lambda _part: ""), Cause.SIGNATURE),
    "half a signature": (with_part(2, lambda part: part[:172]), Cause.SIGNATURE),
    "signature of another token": (
        with_part(2, lambda _part: access_token(jti="other").token.text.split(".")[2]),
        Cause.SIGNATURE,
    ),
}


@pytest.mark.parametrize(("forge", "cause"), FORGED.values(), ids=FORGED)
def test_forgeries_are_refused(forge: Callable[[str], str], cause: Cause) -> None:
    """What GOV.BR's key did not sign is not believed, as either token."""
    access, identity = access_token().token, id_token().token
    assert ("access_token", cause) == cause_of(Token(forge(access.text)))
    assert ("id_token", cause) == cause_of(access, Token(forge(identity.text)))


def test_a_key_may_change_under_its_name() -> None:
    """A bad signature under a known name asks for newer keys, once, and tries with the newer."""
    keys = staging_keys()
    keys.rotated = {KID: public("rotated")}
    assert Cpf(PERSON) == verifier(keys).verify(access_token().by(key("rotated")).token).person
    assert 1 == keys.asked
    assert ("access_token", Cause.SIGNATURE) == cause_of(access_token().token, keys=keys)
    assert 2 == keys.asked


def test_a_newer_key_that_did_not_sign_either_is_no_help() -> None:
    """A forgery stays one after a rotation, and asks for newer keys no more than once."""
    keys = staging_keys()
    keys.rotated = {KID: public("rotated")}
    forged = access_token().by(key("production")).token
    assert ("access_token", Cause.SIGNATURE) == cause_of(forged, keys=keys)
    assert 1 == keys.asked


def test_a_forged_id_token_asks_for_newer_keys_once() -> None:
    """Only one that has expired is read a second time."""
    keys = staging_keys()
    forged = id_token().by(key("production")).token
    assert ("id_token", Cause.SIGNATURE) == cause_of(access_token().token, forged, keys=keys)
    assert 1 == keys.asked


@pytest.mark.parametrize("bend", [later("exp", -HOUR), later("iat", 60), claims(iss=PRODUCTION)])
def test_only_a_bad_signature_asks_for_newer_keys(bend: Bend) -> None:
    """What else is wrong with a token that GOV.BR signed does not cost a fetch."""
    keys = staging_keys()
    refusal(bend(access_token()).token, keys=keys)
    assert 0 == keys.asked


def test_without_keys_nothing_is_said_of_a_token() -> None:
    """That the keys cannot be had is not the token's fault."""
    keys = staging_keys()
    keys.down = True
    with pytest.raises(SignInUnavailable):
        verifier(keys).verify(access_token().token)


def test_a_token_is_told_again_by_what_was_signed() -> None:
    """Signed twice, after a rotation as well, it is one token, and another one is another."""
    signed, _, _ = access_token().token.text.rpartition(".")
    digests = set()
    for name in (KID, "rotated"):
        keys = ListedKeys({KID: public(name)})
        text = f"{signed}.{encoded(rs256(signed, key(name)))}"
        digests.add(verifier(keys).verify(Token(text)).digest)
    assert {hashlib.sha256(signed.encode()).hexdigest()} == digests
    assert verifier().verify(access_token().token).digest not in digests


@pytest.mark.parametrize(("bend", "cause"), BENT.values(), ids=BENT)
def test_a_refusal_holds_nothing_of_the_token(bend: Bend, cause: Cause) -> None:
    """Neither its text, nor what hangs on it, nor a traceback shows what was sent."""
    token = bend(access_token()).token
    error: BaseException | None = refusal(token)
    told = "".join(traceback.format_exception(error))
    for secret in (*token.text.split("."), PERSON, OTHER_PERSON, AUDIENCE):
        assert secret not in told
    while error is not None:
        assert isinstance(error, TokenRefused)
        error = error.__cause__ or error.__context__
