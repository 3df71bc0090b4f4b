"""A client of the code flow, as a back end would be one, but without a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.govbr.flow import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from tests.govbr.keys import base64url, unbase64url

SCOPE = "openid email phone profile govbr_empresa govbr_confiabilidades_idtoken"
"""What Inmetro's consent screen lists, and the account's level."""

_SECONDS = 30


class SignInFailed(Exception):
    """The sign-in came to nothing; the text says why."""


@dataclass(frozen=True, repr=False)
class Tokens:
    """The two tokens of a sign-in; nothing prints them by accident."""

    access_token: str
    id_token: str

    def as_json(self) -> str:
        """Give what ``POST /v1/identities`` takes."""
        return json.dumps({"access_token": self.access_token, "id_token": self.id_token})


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; a redirection is one, and nobody follows it."""

    status: int
    headers: Message
    body: bytes


def send(
    address: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """
    Ask the simulator: GET without a body, POST with one; no proxy is between.

    Raises:
        SignInFailed: nobody answers.
    """
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    except (OSError, HTTPException) as error:
        raise SignInFailed(f"no GOV.BR answers at {address}") from error
    finally:
        connection.close()


class Client:
    """
    The registered client.

    Args:
        address: the simulator's, without a slash at the end.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def sign_in(self, person: str, way: str, **asked: str) -> Tokens:
        """
        Go through the flow: verifier, state and nonce are fresh, and what comes back is checked.

        Raises:
            SignInFailed: somebody refused, or what came back is not the answer to what was asked.
        """
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        sent = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "scope": SCOPE,
            "redirect_uri": REDIRECT_URI,
            "nonce": nonce,
            "state": state,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **asked,
        }
        self._send(f"/authorize?{urlencode(sent)}")
        chosen = self._send("/authorize", {**sent, "cpf": person, "way": way})
        back = parse_qs(urlsplit(chosen.headers.get("Location", "")).query)
        if back.get("state") != [state]:
            raise SignInFailed("the state that came back is another one")
        tokens = self.redeem(back.get("code", [""])[0], verifier, sent["redirect_uri"])
        if _nonce_of(tokens.id_token) != nonce:
            raise SignInFailed("the nonce of the id_token is another one")
        return tokens

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """
        Give the tokens for a code.

        Raises:
            SignInFailed: it was refused, or what was answered has no two tokens.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        answer = self._send("/token", form, f"Basic {credentials}")
        try:
            told = json.loads(answer.body)
            return Tokens(str(told["access_token"]), str(told["id_token"]))
        except (ValueError, LookupError, TypeError) as error:
            raise SignInFailed("what came for the code is no pair of tokens") from error

    def _send(
        self, path: str, form: Mapping[str, str] | None = None, authorization: str | None = None
    ) -> Answer:
        headers = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        if authorization is not None:
            headers["Authorization"] = authorization
        body = None if form is None else urlencode(form).encode()
        answer = send(self._address, path, body, headers)
        if answer.status >= 400:
            raise SignInFailed(f"{answer.status}: {_description(answer.body)}")
        return answer


def _nonce_of(id_token: str) -> object:
    """Read the nonce without verifying anything, since who gets the tokens will."""
    try:
        return json.loads(unbase64url(id_token.split(".")[1]))["nonce"]
    except (ValueError, LookupError, TypeError) as error:
        raise SignInFailed("the id_token cannot be read") from error


def _description(body: bytes) -> str:
    try:
        return str(json.loads(body)["erro_description"])
    except (ValueError, KeyError, TypeError):
        return "no description"
