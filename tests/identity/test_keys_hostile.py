"""The cache of keys behind an endpoint that is slow, down, rotating, flapping or hostile."""

from __future__ import annotations

import gzip
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
from tests.identity.minting import KID, access_token, key, public
from tests.identity.patience import LONG, eventually
from tests.identity.verifying import verifier

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


def filled(cache: KeyCache) -> KeyCache:
    """Give the cache once it holds its keys, however busy the machine is."""
    cache.start()
    eventually(lambda: cache.age() is not None)
    return cache


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
    # On a busy machine a good answer may take half a second too.
    cache = filled(new_cache(server, told.append, deadline=0.5 if expected == "timeout" else LONG))
    server.answer = answer
    eventually(lambda: expected in told)
    assert public("rsa1") == cache.find("rsa1")
    server.answer = publishing("rsa1", "rsa2")
    eventually(lambda: "ok" == told[-1])
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
    eventually(lambda: [expected] == told)
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
    token = jwt.encode({"sub": "x"}, key(kid), "RS256", {"kid": kid})
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
    began = time.monotonic()
    cache = filled(
        new_cache(server, lambda _: None, lifetime=LONG, cooldown=cooldown, deadline=0.1)
    )
    seen = cache.find("rsa1")
    server.answer = answer
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(THREADS):
            pool.submit(ask_in_vain, cache, f"made-up-{number}", seen, until=until)
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
    cache = filled(new_cache(server, told.append, lifetime=0.01, cooldown=0.01, deadline=0.1))
    good = publishing("rsa1")
    server.answer = hostile.in_turn(
        good, hostile.raw(), good, hostile.silent, good, hostile.document(b"<html>")
    )
    with ThreadPoolExecutor(THREADS) as pool:
        finders = [pool.submit(verify_often, cache, "rsa1", 100) for _ in range(THREADS)]
        assert [100] * THREADS == [one.result(LONG) for one in finders]
    eventually(lambda: {"ok", "unreachable", "timeout", "malformed"} == set(told))
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


FINDS, VERIFICATIONS = "a known key", "a whole verification"


@dataclass
class Delays:
    """What took how long, of several threads, in seconds."""

    of: dict[str, list[float]] = field(default_factory=lambda: {FINDS: [], VERIFICATIONS: []})

    def verify(self, cache: KeyCache, until: float) -> None:
        """Verify a token again and again, with a pause as between requests."""
        tokens, token = verifier(cache), access_token().token
        acts: dict[str, Callable[[], object]] = {
            FINDS: lambda: cache.find(KID),
            VERIFICATIONS: lambda: tokens.verify(token),
        }
        while time.monotonic() < until:
            for name, act in acts.items():
                began = time.perf_counter()
                act()
                self.of[name].append(time.perf_counter() - began)
            time.sleep(0.004)

    def figures(self, name: str) -> dict[str, float]:
        """Give what is worth knowing of them, in milliseconds."""
        found = sorted(self.of[name])
        shares = {"median": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1}
        return {one: 1000 * found[int(share * (len(found) - 1))] for one, share in shares.items()}


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """Give a table to write figures in; pytest shows it with ``-s`` or ``-rP``."""
    head = "".join(f"{name:>10}" for name in ("count", "median", "p99", "p99.9", "max"))
    rows = [f"{'endpoint':10}{'fetches':>8}{'limit':>7}  {'milliseconds of':20}{head}"]
    yield rows
    print("", *rows, sep="\n")  # noqa: T201 -- the figures are what the long form is for


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES)
def test_known_kids_under_load(mode: str, table: list[str], request: pytest.FixtureRequest) -> None:
    """Whatever the endpoint does, 16 threads verify undelayed and fetches stay in their limit."""
    # A silent answer hangs for as long as GOV.BR may, and is asked for all the time.
    seconds, cooldown, deadline = 0.5, 0.1, 0.3
    if request.config.getoption("--soak"):
        seconds, cooldown, deadline = 20.0, 1.0, 3.0
    told: list[str] = []
    delays = Delays()
    with ExitStack() as stack:
        server = stack.enter_context(HostileServer(publishing(KID)))
        began = time.monotonic()
        cache = filled(
            new_cache(server, told.append, lifetime=0, cooldown=cooldown, deadline=deadline)
        )
        stack.callback(cache.close)
        seen = cache.find(KID)
        answer = MODES[mode]
        if answer is None:
            server.close()
        else:
            server.answer = answer
        until = time.monotonic() + seconds
        pool = stack.enter_context(ThreadPoolExecutor(THREADS + 4))
        for number in range(4):
            pool.submit(ask_in_vain, cache, f"made-up-{number}", seen, until=until)
        finders = [pool.submit(delays.verify, cache, until) for _ in range(THREADS)]
        for one in finders:
            one.result()
    limit = 1 + (time.monotonic() - began) / cooldown
    fetches = max(len(told), len(server.heads))
    for name, of in delays.of.items():
        figures = "".join(f"{value:10.3f}" for value in delays.figures(name).values())
        table.append(f"{mode:10}{fetches:8}{limit:7.1f}  {name:20}{len(of):10}{figures}")
    assert fetches <= limit
    finds = delays.figures(FINDS)
    assert finds["median"] < 5
    # What the system gives other threads and programs first is in it.
    assert finds["p99.9"] < 250
