"""The code flow with PKCE: what a client may ask, and what its code is good for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.govbr.keys import SigningKeys, base64url
from tests.govbr.people import Account
from tests.govbr.tokens import ACCESS_SECONDS, Grant, access_claims, id_claims
from tests.govbr.ways import Way

CLIENT_ID = "h-orquestra.inmetro.gov.br"
CLIENT_SECRET = "segredo-do-simulador"
REDIRECT_URI = "http://127.0.0.1:8080/entrar"
LOGOUT_URI = "http://127.0.0.1:8080/sair"
SCOPES = (
    "openid",
    "profile",
    "email",
    "phone",
    "govbr_empresa",
    "govbr_confiabilidades",
    "govbr_confiabilidades_idtoken",
)
"""What is enabled for the client; anything else is an ``invalid_scope``."""

CODE_SECONDS = 60
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Refused(Exception):
    """
    A request of the flow that cannot be met.

    Attributes:
        status: the HTTP status.
        error: the code of OAuth 2.0, or None for an answer without a body.
    """

    def __init__(self, status: int, error: str | None, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error


@dataclass(frozen=True)
class Asked:
    """What a client asks for at ``/authorize``, once it is known to be in order."""

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    nonce: str
    challenge: str


@dataclass(frozen=True)
class _Code:
    asked: Asked
    account: Account
    way: Way
    ends: float


class Flow:
    """
    Gives codes, and tokens for codes.

    Args:
        keys: what signs.
        redirect_uris: where the client may send people back to.
    """

    def __init__(self, keys: SigningKeys, redirect_uris: tuple[str, ...]) -> None:
        self._keys = keys
        self._redirect_uris = redirect_uris
        self._lock = threading.Lock()
        self._codes: dict[str, _Code] = {}
        self._grants: dict[str, tuple[Grant, float]] = {}

    def asked(self, sent: Mapping[str, str]) -> Asked:
        """
        Read the parameters of ``/authorize``.

        Raises:
            Refused: one is missing or wrong; nobody is sent anywhere.
        """
        if sent.get("client_id") != CLIENT_ID:
            raise Refused(400, "invalid_client", "client_id is not registered")
        if sent.get("redirect_uri") not in self._redirect_uris:
            raise Refused(400, "invalid_grant", "redirect_uri is not registered")
        if sent.get("response_type") != "code":
            raise Refused(400, "unsupported_response_type", "response_type must be code")
        for name in ("state", "nonce"):
            if not sent.get(name):
                raise Refused(400, "invalid_request", f"{name} is missing")
        if sent.get("code_challenge_method") != "S256":
            raise Refused(400, "invalid_request", "code_challenge_method must be S256")
        if not _CHALLENGE.fullmatch(sent.get("code_challenge", "")):
            raise Refused(400, "invalid_request", "code_challenge must be 43 characters")
        scopes = tuple(sent.get("scope", "").split())
        if "openid" not in scopes or not set(scopes) <= set(SCOPES):
            raise Refused(400, "invalid_scope", "a scope is not enabled for the client")
        return Asked(
            sent["redirect_uri"], scopes, sent["state"], sent["nonce"], sent["code_challenge"]
        )

    def code(self, asked: Asked, account: Account, way: Way) -> str:
        """
        Let a person in, and give the code: opaque, in the form of an encrypted token.

        Raises:
            Refused: the account cannot be entered that way.
        """
        if not way.open_to(account):
            raise Refused(400, "access_denied", f"this account cannot be entered by {way.label}")
        header = {"kid": "codeCryptography", "alg": "dir", "enc": "A256GCM"}
        first = base64url(json.dumps(header, separators=(",", ":")).encode())
        rest = [base64url(secrets.token_bytes(size)) for size in (12, 64, 16)]
        code = ".".join([first, "", *rest])
        with self._lock:
            self._codes[code] = _Code(asked, account, way, time.monotonic() + CODE_SECONDS)
        return code

    def redeem(
        self, sent: Mapping[str, str], authorization: str | None, issuer: str
    ) -> dict[str, Any]:
        """
        Give the answer of ``/token``.

        Args:
            sent: the parameters.
            authorization: the header of that name, or None.
            issuer: who signs.

        Raises:
            Refused: the client is not the registered one, or the code is not good. A code is
                used up by the first try, whatever comes of it.
        """
        _authenticate(sent, authorization)
        if sent.get("grant_type") == "client_credentials":
            raise Refused(400, "invalid_scope", "no scope is enabled for machines")
        if sent.get("grant_type") != "authorization_code":
            raise Refused(400, "unsupported_grant_type", "grant_type must be authorization_code")
        with self._lock:
            code = self._codes.pop(sent.get("code", ""), None)
        if code is None or time.monotonic() >= code.ends:
            raise Refused(400, "invalid_grant", "the code is unknown, used or expired")
        if sent.get("redirect_uri") != code.asked.redirect_uri:
            raise Refused(400, "invalid_grant", "redirect_uri is not that of the code")
        verifier = sent.get("code_verifier", "")
        challenge = base64url(hashlib.sha256(verifier.encode()).digest())
        if not _VERIFIER.fullmatch(verifier) or challenge != code.asked.challenge:
            raise Refused(400, "invalid_grant", "code_verifier does not fit the challenge")
        asked = code.asked
        grant = Grant(code.account, code.way, asked.scopes, asked.nonce, issuer, CLIENT_ID)
        return self._tokens(grant)

    def grant_of(self, access_token: str) -> Grant | None:
        """Give what an access_token that lives was made for, or None."""
        found = self._grants.get(access_token)
        return None if found is None or time.time() >= found[1] else found[0]

    def _tokens(self, grant: Grant) -> dict[str, Any]:
        now = int(time.time())
        access_token = self._keys.sign(access_claims(grant, now))
        id_token = self._keys.sign(id_claims(grant, now, self._keys.kid))
        with self._lock:
            self._grants = {key: one for key, one in self._grants.items() if now < one[1]}
            self._grants[access_token] = (grant, now + ACCESS_SECONDS)
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS - 1,
            # A text here and an array in the tokens.
            "scope": " ".join(grant.scopes),
            "id_token": id_token,
        }


def _authenticate(sent: Mapping[str, str], authorization: str | None) -> None:
    """Accept the client by Basic, or in the body as the manual's PHP sample."""
    if authorization is None:
        given = f"{sent.get('client_id')}:{sent.get('client_secret')}"
    else:
        scheme, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            given = ""
        if scheme.lower() != "basic" or ":" not in given:
            raise Refused(401, "unauthorized", "Bad credentials")
    if not hmac.compare_digest(given.encode(), f"{CLIENT_ID}:{CLIENT_SECRET}".encode()):
        # The real one says nothing more.
        raise Refused(401, None, "wrong client_id or client_secret")
