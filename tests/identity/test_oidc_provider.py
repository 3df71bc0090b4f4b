"""
Tokens that this project did not mint: npm's oidc-provider, configured as GOV.BR.

Its packages are installed once into ``oidc_provider/node_modules``, which git ignores, by the
exact versions and hashes of its lock. Without Node, or without packages, these tests are skipped
and say so.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from authz_service.domain.errors import TokenRefused
from authz_service.domain.sign_in import Cause, Level, Method, Token, method_of
from authz_service.identity.govbr import GovBrTokens
from authz_service.identity.jwks import KeyCache
from authz_service.identity.waiting import Waiting
from tests.domain.document import COMPANY, MEMBER, REPRESENTATIVE
from tests.identity.minting import compact, encoded, key

PROGRAM = Path(__file__).parent / "oidc_provider"
INSTALL_SECONDS = 20
SECONDS = 60
"""What the program may take to start, and for one answer."""
_STEPS = 20


def install() -> None:
    """Have the packages of the lock in place, or skip."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("tokens of npm's oidc-provider were not tried: there is no Node here")
    lock = (PROGRAM / "package-lock.json").read_bytes()
    digest = hashlib.sha256(lock).hexdigest()
    installed = PROGRAM / "node_modules" / ".installed"
    # Several processes may run these tests at the same time.
    with (PROGRAM / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if installed.exists() and installed.read_text() == digest:
            return
        _npm_ci()
        installed.write_text(digest)


def _npm_ci() -> None:
    order = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]
    with subprocess.Popen(
        order,
        cwd=PROGRAM,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as npm:
        try:
            status = npm.wait(INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(npm.pid, signal.SIGKILL)
            status = npm.wait()
    if status != 0:
        pytest.skip("tokens of npm's oidc-provider were not tried: npm cannot bring it here")


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: gives the answer that asks for it."""

    def http_error_302(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        return fp

    http_error_303 = http_error_302


@dataclass(frozen=True, slots=True)
class SignedIn:
    """
    What a sign-in brought.

    Attributes:
        access_token: for APIs.
        id_token: for the client.
    """

    access_token: Token
    id_token: Token


class Provider:
    """
    The running program, and its clients.

    Attributes:
        issuer: its ``iss``, with a slash at the end.
        clients: the ids of two, each the audience of its tokens.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self.issuer: str = told["issuer"]
        self.clients: list[str] = told["clients"]
        self._secret: str = told["secret"]
        self._callback: str = told["callback"]
        self._scope: str = told["scope"]

    def sign_in(
        self, account: str, *, client: str | None = None, verifier: str | None = None
    ) -> SignedIn:
        """
        Go through the code flow, as a browser and as the client behind it.

        Args:
            account: which account signs in.
            client: at which client, if not at the first.
            verifier: what the client shows for its code, if it is not what it announced.

        Raises:
            HTTPError: the provider refuses.
        """
        client = client or self.clients[0]
        announced, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = hashlib.sha256(announced.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": client,
            "scope": self._scope,
            "redirect_uri": self._callback,
            "nonce": nonce,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "login_hint": account,
        }
        back = self._browse(urljoin(self.issuer, "authorize") + "?" + urlencode(query))
        assert [state] == back["state"], back
        form = {
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": self._callback,
            "code_verifier": verifier or announced,
        }
        tokens = self._exchange(client, form)
        signed_in = SignedIn(Token(tokens["access_token"]), Token(tokens["id_token"]))
        assert nonce == json.loads(parts(signed_in.id_token)[1])["nonce"]
        return signed_in

    def key(self) -> rsa.RSAPublicKey:
        """Give the published key, read without the code that is tried here."""
        with _opener().open(urljoin(self.issuer, "jwk"), timeout=SECONDS) as response:
            [found] = json.load(response)["keys"]
        modulus, exponent = (int.from_bytes(decoded(found[name])) for name in ("n", "e"))
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()

    def _browse(self, url: str) -> dict[str, list[str]]:
        """Follow redirects until they lead back to the client, and give what they bring."""
        browser = _opener(HTTPCookieProcessor(CookieJar()))
        for _ in range(_STEPS):
            with browser.open(url, timeout=SECONDS) as response:
                assert response.status in (302, 303), response.read()
                url = urljoin(url, response.headers["Location"])
            if url.startswith(self._callback):
                return parse_qs(urlsplit(url).query)
        raise AssertionError(url)

    def _exchange(self, client: str, form: dict[str, str]) -> dict[str, str]:
        credentials = base64.b64encode(f"{client}:{self._secret}".encode()).decode()
        request = Request(  # noqa: S310 -- to the program that this test started
            urljoin(self.issuer, "token"),
            urlencode(form).encode(),
            {"Authorization": f"Basic {credentials}"},
        )
        with _opener().open(request, timeout=SECONDS) as response:
            tokens: dict[str, str] = json.load(response)
        return tokens


def _opener(*handlers: HTTPCookieProcessor) -> OpenerDirector:
    return build_opener(ProxyHandler({}), _Stay, *handlers)


def decoded(part: str) -> bytes:
    """Give the bytes of base64url without padding."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts(token: Token) -> list[bytes]:
    """Give header, payload and signature of a token."""
    return [decoded(part) for part in token.text.split(".")]


def refusal(govbr: GovBrTokens, access_token: Token, id_token: Token | None = None) -> str:
    """Give the cause for which tokens are refused."""
    with pytest.raises(TokenRefused) as refused:
        govbr.verify(access_token, id_token)
    return refused.value.cause


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """Run the program; it ends with its standard input, however this process ends."""
    install()
    with subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=PROGRAM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as program:
        # A line that never comes is empty once the program is gone.
        too_late = threading.Timer(SECONDS, program.kill)
        too_late.start()
        try:
            assert program.stdout is not None
            told = program.stdout.readline()
            too_late.cancel()
            assert told, "the program did not start"
            yield Provider(json.loads(told))
            assert program.poll() is None
        finally:
            too_late.cancel()
            try:
                program.communicate(timeout=SECONDS)
            finally:
                program.kill()
    assert 0 == program.returncode


@pytest.fixture(scope="module")
def govbr(provider: Provider) -> Iterator[GovBrTokens]:
    """Verify with the real keys, fetched over HTTP."""
    keys = KeyCache(
        urljoin(provider.issuer, "jwk"), Waiting(2), lambda _: None, stale_seconds=3_600
    )
    keys.start()
    yield GovBrTokens(provider.issuer, provider.clients[0], keys)
    keys.close()


@pytest.fixture(scope="module")
def member(provider: Provider) -> SignedIn:
    """Sign in by password."""
    return provider.sign_in("member")


def test_the_tokens_of_a_member_verify(govbr: GovBrTokens, member: SignedIn) -> None:
    """Who it is, how the person got in, and at what level, out of both tokens."""
    verified = govbr.verify(member.access_token, member.id_token)
    assert MEMBER == verified.person
    assert Method.PASSWORD is method_of(verified.methods)
    assert Level.SILVER is verified.level
    assert verified.certificate_company is None
    assert verified.authenticated_at is not None
    assert not verified.agent
    assert "govbr_empresa" in verified.scopes
    assert () == verified.notes


def test_the_tokens_of_a_sign_in_by_certificate_verify(
    provider: Provider, govbr: GovBrTokens
) -> None:
    """The company of the e-CNPJ is read out of its punctuation."""
    signed_in = provider.sign_in("representative")
    verified = govbr.verify(signed_in.access_token, signed_in.id_token)
    assert (REPRESENTATIVE, COMPANY) == (verified.person, verified.certificate_company)
    assert Method.CERTIFICATE is method_of(verified.methods)
    assert Level.GOLD is verified.level


def test_the_access_token_alone_suffices(govbr: GovBrTokens, member: SignedIn) -> None:
    """The manual forbids sending the id_token to an API."""
    assert MEMBER == govbr.verify(member.access_token).person


def test_tokens_of_two_persons_are_no_sign_in(
    provider: Provider, govbr: GovBrTokens, member: SignedIn
) -> None:
    """Each is genuine, and together they are refused."""
    other = provider.sign_in("representative")
    assert Cause.PAIR == refusal(govbr, member.access_token, other.id_token)


def test_the_id_token_is_no_access_token(govbr: GovBrTokens, member: SignedIn) -> None:
    """Nor the other way round, although issuer, audience and key are the same."""
    assert Cause.KIND == refusal(govbr, member.id_token)
    assert Cause.KIND == refusal(govbr, member.access_token, member.access_token)


def test_a_genuine_token_for_another_client_is_refused(
    provider: Provider, govbr: GovBrTokens
) -> None:
    """The same issuer and the same key: only the audience tells them apart."""
    elsewhere = provider.sign_in("member", client=provider.clients[1])
    assert Cause.AUDIENCE == refusal(govbr, elsewhere.access_token)


def test_the_slash_is_part_of_the_issuer(provider: Provider, member: SignedIn) -> None:
    """Whoever leaves it out in the settings sees every token refused."""
    keys = KeyCache(
        urljoin(provider.issuer, "jwk"), Waiting(2), lambda _: None, stale_seconds=3_600
    )
    strict = GovBrTokens(provider.issuer.rstrip("/"), provider.clients[0], keys)
    assert Cause.ISSUER == refusal(strict, member.access_token)
    keys.close()


def with_payload(token: Token, **changed: object) -> bytes:
    """Give the payload of a token with some claims changed."""
    return json.dumps(json.loads(parts(token)[1]) | changed).encode()


def another_payload(token: Token, _: rsa.RSAPublicKey) -> str:
    """Make the person another one, under the signature that was."""
    header, _payload, signature = token.text.split(".")
    cpf = REPRESENTATIVE.digits
    payload = encoded(with_payload(token, sub=cpf, preferred_username=cpf))
    return f"{header}.{payload}.{signature}"


def the_same_bytes_by_another_key(token: Token, _: rsa.RSAPublicKey) -> str:
    """Sign what is signed with a key that only calls itself ``rsa1``."""
    header, payload, _signature = parts(token)
    return compact(header, payload, key("a forger"))


def a_shorter_signature(token: Token, _: rsa.RSAPublicKey) -> str:
    """Leave out the last byte of the signature."""
    header, payload, signature = parts(token)
    return ".".join(encoded(part) for part in (header, payload, signature[:-1]))


def no_signature(token: Token, _: rsa.RSAPublicKey) -> str:
    """Say in the header that there is none, and leave it out."""
    header = encoded(b'{"alg":"none","kid":"rsa1"}')
    return f"{header}.{encoded(parts(token)[1])}."


def no_signature_but_the_old_header(token: Token, _: rsa.RSAPublicKey) -> str:
    """Leave the signature out."""
    return token.text.rpartition(".")[0] + "."


def public_key_as_secret(token: Token, published: rsa.RSAPublicKey) -> str:
    """Sign with HS256, taking the published key as it stands in a file for the shared secret."""
    pem = published.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = encoded(b'{"alg":"HS256","kid":"rsa1"}') + "." + encoded(parts(token)[1])
    return f"{signed}.{encoded(hmac.digest(pem, signed.encode(), 'sha256'))}"


def a_key_in_the_header(token: Token, _: rsa.RSAPublicKey) -> str:
    """Bring the place of the key along with the token."""
    header = b'{"alg":"RS256","kid":"rsa1","jku":"https://keys.example/jwk"}'
    return compact(header, parts(token)[1], key("a forger"))


@pytest.mark.parametrize(
    ("forge", "cause"),
    [
        (another_payload, Cause.SIGNATURE),
        (the_same_bytes_by_another_key, Cause.SIGNATURE),
        (a_shorter_signature, Cause.SIGNATURE),
        (no_signature, Cause.ALGORITHM),
        (no_signature_but_the_old_header, Cause.SIGNATURE),
        (public_key_as_secret, Cause.ALGORITHM),
        (a_key_in_the_header, Cause.HEADER),
    ],
)
def test_forgeries_of_its_tokens_are_refused(
    provider: Provider,
    govbr: GovBrTokens,
    member: SignedIn,
    forge: Callable[[Token, rsa.RSAPublicKey], str],
    cause: Cause,
) -> None:
    """As access_token and as id_token, each for its own cause."""
    published = provider.key()
    forged = [Token(forge(token, published)) for token in (member.access_token, member.id_token)]
    assert cause == refusal(govbr, forged[0])
    assert cause == refusal(govbr, member.access_token, forged[1])


def test_the_provider_holds_its_clients_to_pkce(provider: Provider) -> None:
    """It is configured as strictly as GOV.BR: a code alone brings no token."""
    with pytest.raises(HTTPError) as refused:
        provider.sign_in("member", verifier="another-verifier-of-the-length-that-is-asked-for")
    with refused.value as answer:
        assert 400 == answer.code
        assert "invalid_grant" == json.load(answer)["error"]


def test_no_index_of_packages_stands_in_the_lock() -> None:
    """The lock holds versions and hashes; where packages come from is the machine's affair."""
    packages = json.loads((PROGRAM / "package-lock.json").read_text())["packages"]
    brought = [package for path, package in packages.items() if path]
    assert brought
    assert not any("resolved" in package for package in brought)
    assert all(package["integrity"].startswith("sha512-") for package in brought)
