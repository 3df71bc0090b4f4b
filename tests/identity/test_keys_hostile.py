"""The cache of keys behind an endpoint that is slow, down, rotating, flapping or hostile."""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from authz_service.domain.errors import SignInUnavailable
from authz_service.identity.jwks import LONGEST, KeyCache, UnknownKey
from authz_service.identity.waiting import Waiting
from tests.identity import hostile
from tests.identity.hostile import (
    CHUNKED,
    OK,
    Answer,
    HostileServer,
    entry,
    keys_document,
    publishing,
)

LONG = 60.0
"""Seconds that no test lasts."""
THREADS = 16
PLACES = 4

PADDED = keys_document("rsa1") + b" " * LONGEST
WRONG = {
    "empty": (hostile.document(b""), "malformed"),
    "no content": (hostile.raw(b"HTTP/1.1 204 No Content\r\n\r\n"), "malformed"),
    "malformed": (hostile.document(b"<html>"), "malformed"),
    "without a key": (publishing(), "malformed"),
    "of two minds": (publishing("rsa1", entry("other", kid="rsa1")), "malformed"),
    "gzip": (
        hostile.document(gzip.compress(keys_document("other")), Content_Encoding="gzip"),
        "malformed",
    ),
    "no HTTP": (hostile.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "malformed"),
    "huge": (hostile.document(PADDED), "too_large"),
    "huge until the line ends": (hostile.raw(OK + b"\r\n" + PADDED), "too_large"),
    "announced as huge": (hostile.raw(OK + b"Content-Length: 9999999999\r\n\r\n"), "too_large"),
    "endless": (hostile.endless(OK + b"\r\n", b" " * 9999), "too_large"),
    "404": (hostile.document(keys_document("other"), "404 Not Found"), "status"),
    "500": (hostile.document(keys_document("other"), "500 Internal Server Error"), "status"),
    "elsewhere": (hostile.document(b"", "302 Found", Location="/good"), "status"),
    "cut": (
        hostile.raw(OK + b"Content-Length: 999\r\n\r\n" + keys_document("rsa1")),
        "unreachable",
    ),
    "broken chunks": (hostile.raw(CHUNKED + b"zz\r\n" + keys_document("rsa1")), "unreachable"),
    "hung up": (hostile.raw(), "unreachable"),
    "silent": (hostile.silent, "timeout"),
    "dripping": (hostile.dripping(b" ", before=OK + b"\r\n"), "timeout"),
    "dripping in its head": (hostile.dripping(b"X: y\r\n", before=OK), "timeout"),
}


def public(name: str) -> RSAPublicKey:
    """Give the public key that tests call *name*."""
    return hostile.private_key(name).public_key()


def wait_for(truth: Callable[[], bool]) -> None:
    """Wait until *truth*, which has to come about soon."""
    end = time.monotonic() + LONG
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.002)


def new_cache(
    server: HostileServer,
    told: Callable[[str], None],
    *,
    lifetime: float = 0.05,
    cooldown: float = 0.05,
    deadline: float = 0.5,
) -> KeyCache:
    """Make a cache that is never content for long."""
    return KeyCache(
        server.url(),
        Waiting(PLACES),
        told,
        stale_seconds=LONG,
        lifetime=lifetime,
        cooldown=cooldown,
        deadline=deadline,
    )


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Give a server that publishes ``rsa1``."""
    with HostileServer(publishing("rsa1")) as server:
        yield server


@pytest.mark.parametrize(("answer", "expected"), WRONG.values(), ids=WRONG)
def test_a_bad_answer_replaces_nothing(
    server: HostileServer, answer: Answer, expected: str
) -> None:
    """It is counted as what it is, the keys of before serve, and the next good ones are taken."""
    told: list[str] = []
    cache = new_cache(server, told.append)
    cache.find("rsa1")
    server.answer = answer
    wait_for(lambda: expected in told)
    assert public("rsa1") == cache.find("rsa1")
    server.answer = publishing("rsa1", "rsa2")
    wait_for(lambda: "ok" == told[-1])
    cache.close()
    assert public("rsa2") == cache.find("rsa2")
    assert {"ok", expected} == set(told)


@pytest.mark.parametrize(("answer", "expected"), WRONG.values(), ids=WRONG)
def test_a_bad_first_answer_makes_no_keys(
    server: HostileServer, answer: Answer, expected: str
) -> None:
    """Nobody is let in, and operators read why."""
    told: list[str] = []
    server.answer = answer
    cache = new_cache(server, told.append, cooldown=LONG)
    with pytest.raises(SignInUnavailable):
        cache.find("rsa1")
    wait_for(lambda: [expected] == told)
    assert f"no keys yet: {expected}" == cache.ailment()
    cache.close()


def test_a_known_kid_never_waits_for_a_fetch(server: HostileServer) -> None:
    """All find it while the server holds the answer that others wait for."""
    cache = new_cache(server, lambda _: None, lifetime=LONG, deadline=LONG)
    cache.find("rsa1")
    server.answer = hostile.held_until_released(publishing("rsa1", "rsa2"))
    time.sleep(0.1)
    server.arrived.clear()
    with ThreadPoolExecutor(PLACES + THREADS) as pool:
        waiters = [pool.submit(cache.find, "rsa2") for _ in range(PLACES)]
        assert server.arrived.wait(LONG)
        finders = [pool.submit(verify_often, cache, "rsa1", 50) for _ in range(THREADS)]
        assert [50] * THREADS == [one.result(LONG) for one in finders]
        assert not any(one.done() for one in waiters)
        server.released.set()
        assert [public("rsa2")] * PLACES == [one.result(LONG) for one in waiters]
    assert 2 == len(server.heads)
    cache.close()


def verify_often(cache: KeyCache, kid: str, times: int) -> int:
    """Verify a token under *kid*, and tell how often that went well."""
    token = jwt.encode({"sub": "x"}, hostile.private_key(kid), "RS256", {"kid": kid})
    return sum({"sub": "x"} == jwt.decode(token, cache.find(kid), ["RS256"]) for _ in range(times))


COUNTED = {
    "well": publishing("rsa1"),
    "with failure": hostile.document(b"", "503 Service Unavailable"),
    "by hanging up": hostile.raw(),
    "too late": hostile.silent,
}


@pytest.mark.parametrize("answer", COUNTED.values(), ids=COUNTED)
def test_fetches_stay_within_the_limit(server: HostileServer, answer: Answer) -> None:
    """However many ask for unknown kids and bring forged signatures, the cooldown counts."""
    cooldown, seconds = 0.2, 1.2
    cache = new_cache(server, lambda _: None, lifetime=LONG, cooldown=cooldown, deadline=0.1)
    began = time.monotonic()
    key = cache.find("rsa1")
    server.answer = answer
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(THREADS):
            pool.submit(ask_in_vain, cache, f"made-up-{number}", key, until=began + seconds)
    cache.close()
    elapsed = time.monotonic() - began
    assert 2 <= len(server.heads) <= 1 + elapsed / cooldown


def ask_in_vain(cache: KeyCache, kid: str, seen: RSAPublicKey, *, until: float) -> None:
    """Ask for an unknown kid, and for another key than the one that is right, again and again."""
    while time.monotonic() < until:
        with suppress(UnknownKey, SignInUnavailable):
            cache.find(kid)
        with suppress(SignInUnavailable):
            assert None is cache.renewed("rsa1", seen)
        time.sleep(0.001)


def test_a_flapping_issuer_is_as_good_as_a_steady_one(server: HostileServer) -> None:
    """A known kid verifies all the time, while every other answer is wrong in its own way."""
    told: list[str] = []
    cache = new_cache(server, told.append, lifetime=0.01, cooldown=0.01, deadline=0.1)
    cache.find("rsa1")
    good = publishing("rsa1")
    server.answer = hostile.in_turn(
        good, hostile.raw(), good, hostile.silent, good, hostile.document(b"<html>")
    )
    with ThreadPoolExecutor(THREADS) as pool:
        finders = [pool.submit(verify_often, cache, "rsa1", 100) for _ in range(THREADS)]
        assert [100] * THREADS == [one.result(LONG) for one in finders]
    wait_for(lambda: {"ok", "unreachable", "timeout", "malformed"} == set(told))
    assert public("rsa1") == cache.find("rsa1")
    cache.close()


def test_a_closed_cache_leaves_no_thread_behind(server: HostileServer) -> None:
    """Though a fetch was under way at an endpoint that does not answer."""
    server.answer = hostile.silent
    cache = new_cache(server, lambda _: None)
    cache.start()
    assert server.arrived.wait(LONG)
    cache.close()
    thread = cache._thread
    assert thread is not None
    thread.join(LONG)
    assert not thread.is_alive()


# The long form.

EXTRA = (publishing("rsa1", "rsa2"), publishing("rsa1", "rsa3"))
MODES: dict[str, Answer | None] = {
    "steady": publishing("rsa1"),
    "slow": hostile.silent,
    "down": None,
    "rotating": hostile.in_turn(*EXTRA),
    "flapping": hostile.in_turn(publishing("rsa1"), hostile.raw(), hostile.silent),
    "hostile": hostile.in_turn(*(answer for answer, _ in WRONG.values())),
}


@dataclass
class Delays:
    """How long a known kid took, of several threads, in seconds."""

    seconds: list[float] = field(default_factory=list)

    def verify(self, cache: KeyCache, token: str, until: float) -> None:
        """Verify a token again and again, with a pause as between requests."""
        own = []
        while time.monotonic() < until:
            began = time.perf_counter()
            key = cache.find("rsa1")
            own.append(time.perf_counter() - began)
            jwt.decode(token, key, ["RS256"])
            time.sleep(0.004)
        self.seconds.extend(own)

    def figures(self) -> dict[str, float]:
        """Give what is worth knowing of them, in milliseconds."""
        found = sorted(self.seconds)
        shares = {"p99": 0.99, "p99.9": 0.999}
        picked = {name: found[int(share * (len(found) - 1))] for name, share in shares.items()}
        all_of = {"median": statistics.median(found), **picked, "max": found[-1]}
        return {name: 1000 * value for name, value in all_of.items()}


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES)
def test_known_kids_under_load(mode: str, request: pytest.FixtureRequest) -> None:
    """Whatever the endpoint does, 16 threads verify undelayed and fetches stay in their limit."""
    seconds, cooldown = (20.0, 1.0) if request.config.getoption("--soak") else (0.5, 0.1)
    token = jwt.encode({"sub": "x"}, hostile.private_key("rsa1"), "RS256", {"kid": "rsa1"})
    told: list[str] = []
    delays = Delays()
    with ExitStack() as stack:
        server = stack.enter_context(HostileServer(publishing("rsa1")))
        began = time.monotonic()
        # A silent answer hangs for as long as GOV.BR may, and is asked for all the time.
        cache = new_cache(server, told.append, lifetime=0, cooldown=cooldown, deadline=3.0)
        stack.callback(cache.close)
        key = cache.find("rsa1")
        answer = MODES[mode]
        if answer is None:
            server.close()
        else:
            server.answer = answer
        until = time.monotonic() + seconds
        pool = stack.enter_context(ThreadPoolExecutor(THREADS + 8))
        for number in range(4):
            pool.submit(ask_in_vain, cache, f"made-up-{number}", key, until=until)
        finders = [pool.submit(delays.verify, cache, token, until) for _ in range(THREADS)]
        for one in finders:
            one.result()
    elapsed = time.monotonic() - began
    fetches = max(len(told), len(server.heads))
    figures = delays.figures()
    written = ", ".join(f"{name} {value:.3f} ms" for name, value in figures.items())
    print(  # noqa: T201 -- the figures are what the long form is for
        f"\n{mode}: {len(delays.seconds)} finds, {written}; "
        f"{fetches} fetches in {elapsed:.1f} s, cooldown {cooldown} s"
    )
    assert fetches <= 1 + elapsed / cooldown
    assert figures["p99.9"] < 250
