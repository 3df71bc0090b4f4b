"""
Verifies GOV.BR's tokens: which bytes to believe, before anybody reads what they say.

The order is fixed: size, form, header, key, signature, times, issuer, audience; then what the
claims say (``claims``), and whether two tokens are of one sign-in. Each check has its cause. No
refusal holds anything of a token, neither in its text nor by an exception that hangs on it.

The header is the one part that is read before the signature is known to be right, so it may
say nothing but ``alg``, ``kid`` and ``typ``: GOV.BR sends the first two, other issuers the third
as well. All that tells a verifier where to find a key or how to read on (``jku``, ``x5u``, ``jwk``,
``crit``, ``b64``...) is refused with whatever else is there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from authz_service.domain.errors import TokenRefused
from authz_service.domain.sign_in import Cause, Token, Verified, certificate_of
from authz_service.identity.claims import Claims, Kind, read
from authz_service.identity.jwks import UnknownKey

LONGEST = 8_192
"""Characters of the longest token; GOV.BR's have less than 2,000."""
LEEWAY = timedelta(seconds=30)
"""How far the clocks may be apart, as in the sample program of GOV.BR's manual."""
CNPJ_UNEXPLAINED = "cnpj-without-certificate"
"""Note: a ``cnpj`` claim was left out, since ``amr`` tells of no certificate."""
EXPIRED = "id_token-expired"
"""Note: the id_token had expired on its way (it lives 60 seconds) and was left out."""

# Both come in one answer of GOV.BR's; another sign-in of the same person is another answer.
_TOGETHER = timedelta(minutes=1)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_HEADER = frozenset(("alg", "kid", "typ"))
_TYPES = {Kind.ACCESS: frozenset(("jwt", "at+jwt")), Kind.ID: frozenset(("jwt",))}

# PyJWT demands `iss` and `aud` by itself once it is told which; a test holds it to that.
_OPTIONS: Options = {
    "verify_signature": True,
    "verify_exp": True,
    "verify_nbf": True,
    "verify_iat": True,
    "verify_aud": True,
    "verify_iss": True,
    "verify_sub": True,
    "verify_jti": True,
    "require": ["exp", "iat", "sub"],
}
# What an id_token that came too late may still take away.
_EXPIRED_TOO: Options = {**_OPTIONS, "verify_exp": False}
_CAUSES: tuple[tuple[type[jwt.InvalidTokenError], Cause, str], ...] = (
    (jwt.InvalidSignatureError, Cause.SIGNATURE, "its signature is not that of GOV.BR's key"),
    (jwt.ExpiredSignatureError, Cause.EXPIRED, "it has expired"),
    (jwt.ImmatureSignatureError, Cause.NOT_YET_VALID, "it is not valid yet, or a clock is wrong"),
    (jwt.InvalidIssuerError, Cause.ISSUER, "another issuer made it"),
    (jwt.InvalidAudienceError, Cause.AUDIENCE, "it was made for another client of GOV.BR"),
    (jwt.InvalidTokenError, Cause.CLAIMS, "a claim is missing or of another type than GOV.BR's"),
)


class Keys(Protocol):
    """The keys of one issuer; ``jwks.KeyCache`` keeps them."""

    def find(self, kid: str) -> RSAPublicKey:
        """
        Give the key of this name.

        Raises:
            UnknownKey: the issuer has none.
            SignInUnavailable: the keys cannot be had now.
        """

    def renewed(self, kid: str, seen: RSAPublicKey) -> RSAPublicKey | None:
        """
        Give the key that has taken the name from *seen*, or None if none is known to have.

        Raises:
            SignInUnavailable: whether there is one cannot be asked now.
        """


class GovBrTokens:
    """
    Tells what GOV.BR's tokens prove; the port is ``usecases.ports.TokenVerifier``.

    Args:
        issuer: GOV.BR's ``iss``, to the letter: its slash at the end is part of it.
        audience: the client id at GOV.BR for which the tokens are made.
        keys: the issuer's keys, and no other's: production and staging share a ``kid``.
    """

    def __init__(self, issuer: str, audience: str, keys: Keys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    def verify(self, access_token: Token, id_token: Token | None = None) -> Verified:
        """
        Check signature and claims of both tokens, and that they are of one sign-in.

        An id_token that has expired on its way is left out with a note.

        Raises:
            TokenRefused: a check failed.
            SignInUnavailable: the keys cannot be had now.
        """
        access = self._claims(access_token, Kind.ACCESS)
        identity, expired = None, False
        if id_token is not None:
            identity, expired = self._perhaps_expired(id_token)
            _be_one_sign_in(access, identity, access_token)
        # Of one that has expired nothing is believed, but what takes away.
        agent = access.agent or (identity is not None and identity.agent)
        if expired:
            identity = None
        told = [access] if identity is None else [access, identity]
        notes = [note for one in told for note in one.notes]
        company = next((one.company for one in told if one.company), None)
        if company is not None and certificate_of(access.methods) is None:
            # The claim comes with a certificate only ("Passo 9"): without one it is unexplained.
            company = None
            notes.append(CNPJ_UNEXPLAINED)
        if expired:
            notes.append(EXPIRED)
        return Verified(
            person=access.person,
            digest=_digest(access_token),
            methods=access.methods,
            level=None if identity is None else identity.level,
            certificate_company=company,
            agent=agent,
            authenticated_at=None if identity is None else identity.authenticated_at,
            ends_at=access.ends_at,
            scopes=access.scopes,
            notes=tuple(dict.fromkeys(notes)),
        )

    def _perhaps_expired(self, id_token: Token) -> tuple[Claims, bool]:
        """Give what a genuine id_token says, and whether it has expired on its way."""
        try:
            claims, expired = self._claims(id_token, Kind.ID), False
        except TokenRefused as error:
            if error.cause != Cause.EXPIRED:
                raise
            claims, expired = self._claims(id_token, Kind.ID, _EXPIRED_TOO), True
        # PyJWT knows nothing of this claim.
        latest = datetime.now(UTC) + LEEWAY
        if claims.authenticated_at is not None and claims.authenticated_at > latest:
            raise TokenRefused(Cause.NOT_YET_VALID, "`auth_time` is in the future", Kind.ID)
        return claims, expired

    def _claims(self, token: Token, kind: Kind, options: Options = _OPTIONS) -> Claims:
        kid = _kid(token.text, kind)
        key = self._key(kid, kind)
        try:
            values = self._signed(token, key, kind, options)
        except TokenRefused as error:
            # A rotation may keep the name of the key.
            newer = self._keys.renewed(kid, key) if error.cause == Cause.SIGNATURE else None
            if newer is None:
                raise
            values = self._signed(token, newer, kind, options)
        return read(values, kind)

    def _key(self, kid: str, kind: Kind) -> RSAPublicKey:
        with suppress(UnknownKey):
            return self._keys.find(kid)
        raise TokenRefused(Cause.UNKNOWN_KEY, "GOV.BR has no key of the name in its header", kind)

    def _signed(
        self, token: Token, key: RSAPublicKey, kind: Kind, options: Options
    ) -> dict[str, Any]:
        """Give the claims as they came, if *key* signed them and PyJWT finds nothing wrong."""
        try:
            return jwt.decode(
                token.text,
                key,
                algorithms=["RS256"],
                options=options,
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY,
            )
        except jwt.InvalidTokenError as error:
            refused = ((cause, why) for which, cause, why in _CAUSES if isinstance(error, which))
            cause, message = next(refused)
        # Not in the handler: PyJWT's errors hold parts of a token, and would hang on this one.
        raise TokenRefused(cause, message, kind)


def _kid(text: str, kind: Kind) -> str:
    """
    Give the name of the key that the header asks for.

    Raises:
        TokenRefused: no token of this form is believed, whoever signed it.
    """
    if len(text) > LONGEST:
        raise TokenRefused(Cause.OVERSIZED, f"it is longer than {LONGEST} characters", kind)
    header = _header(text)
    if header is None:
        raise TokenRefused(Cause.MALFORMED, "it is no signed token in the compact form", kind)
    if header.get("alg") != "RS256":
        raise TokenRefused(Cause.ALGORITHM, "it must be signed with RS256", kind)
    if not header.keys() <= _HEADER:
        raise TokenRefused(Cause.HEADER, "its header may hold `alg`, `kid` and `typ` only", kind)
    named = header.get("typ", "JWT")
    if not isinstance(named, str) or named.lower().removeprefix("application/") not in _TYPES[kind]:
        raise TokenRefused(Cause.HEADER, "its header names another type of token", kind)
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise TokenRefused(Cause.UNKNOWN_KEY, "its header must name a key", kind)
    return kid


def _header(text: str) -> dict[str, Any] | None:
    """Give the header of a token, or None if *text* is none, to the last bit."""
    if _COMPACT.fullmatch(text) is None:
        return None
    # ValueError: not base64, or not JSON. RecursionError: brackets, by the thousand.
    with suppress(ValueError, RecursionError):
        first, *_others = [_bytes(part) for part in text.split(".")]
        header = json.loads(first)
        return header if isinstance(header, dict) else None
    return None


def _bytes(part: str) -> bytes:
    """
    Decode a part of a token.

    Raises:
        ValueError: it is not the one text that encodes these bytes.
    """
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise ValueError("unused bits are set")
    return raw


def _digest(token: Token) -> str:
    """Tell a token by what was signed, since one text may be signed more than once."""
    return hashlib.sha256(token.text.rpartition(".")[0].encode()).hexdigest()


def _be_one_sign_in(access: Claims, identity: Claims, access_token: Token) -> None:
    """
    Refuse an id_token of another sign-in; that both have one issuer is known already.

    Raises:
        TokenRefused: PAIR, in the name of the id_token.
    """
    if identity.person != access.person:
        raise TokenRefused(Cause.PAIR, "its `sub` is not that of the access_token", Kind.ID)
    if identity.audience != access.audience:
        raise TokenRefused(Cause.PAIR, "its `aud` is not that of the access_token", Kind.ID)
    if abs(identity.issued_at - access.issued_at) > _TOGETHER:
        raise TokenRefused(Cause.PAIR, "it was not issued with the access_token", Kind.ID)
    if len({identity.company, access.company} - {None}) > 1:
        raise TokenRefused(Cause.PAIR, "its `cnpj` is not that of the access_token", Kind.ID)
    half = hashlib.sha256(access_token.text.encode()).digest()[:16]
    expected = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    if identity.access_token_hash not in (None, expected):
        raise TokenRefused(Cause.PAIR, "its `at_hash` is not of the access_token", Kind.ID)
