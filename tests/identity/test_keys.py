"""The cache of keys: what it takes for a key, when it fetches, and for whom it waits."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from authz_service.domain.errors import SignInUnavailable
from authz_service.identity.fetching import FetchFailed, Outcome
from authz_service.identity.jwks import KeyCache, UnknownKey, _Held, keys_of
from authz_service.identity.waiting import Waiting
from tests.identity import hostile
from tests.identity.hostile import HostileServer, base64url, entry, keys_document, publishing
from tests.identity.minting import public
from tests.identity.patience import LONG, eventually

SOON = 0.05
"""Seconds that a test can wait for."""
AT_ONCE = 2.0
"""Seconds within which something is done that waits for nothing, on a busy machine."""


class Hearing(list[str]):
    """How refreshes ended, in their order, as the metrics would hear of it."""

    def __call__(self, outcome: str) -> None:
        """Hear of a refresh."""
        self.append(outcome)

    def thrice(self, outcome: str) -> bool:
        """Tell whether the last three ended like that."""
        return [outcome] * 3 == self[-3:]


class Desk:
    """Makes caches for a test, and closes them."""

    def __init__(self) -> None:
        self.made: list[KeyCache] = []
        self.told = Hearing()

    def cache(
        self,
        server: HostileServer,
        *,
        told: Callable[[str], None] | None = None,
        places: int = 32,
        stale_seconds: float = LONG,
        lifetime: float = LONG,
        cooldown: float = LONG,
        deadline: float = 5.0,
    ) -> KeyCache:
        """Make one that, unless it is said otherwise, fetches once and no more."""
        cache = KeyCache(
            server.url(),
            Waiting(places),
            told or self.told,
            stale_seconds=stale_seconds,
            lifetime=lifetime,
            cooldown=cooldown,
            deadline=deadline,
        )
        self.made.append(cache)
        return cache


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Give a maker of caches."""
    desk = Desk()
    yield desk
    for cache in desk.made:
        cache.close()


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Give a server that publishes ``rsa1``."""
    with HostileServer(publishing("rsa1")) as server:
        yield server


# What a document says.

KEPT = {
    "as GOV.BR has it": entry("rsa1"),
    "with its use": entry("rsa1", use="sig"),
    "without its algorithm": {k: v for k, v in entry("rsa1").items() if k != "alg"},
    "with more than is needed": entry("rsa1", x5t="x", key_ops=["verify"]),
    "the longest name": entry("rsa1", kid="k" * 200),
    "the shortest name": entry("rsa1", kid="k"),
    "the smallest modulus": entry("rsa1", n=base64url(2**2047 + 1)),
    "the largest modulus": entry("rsa1", n=base64url(2**8192 - 1)),
    "the smallest exponent": entry("rsa1", e=base64url(2**16 + 1)),
    "the largest exponent": entry("rsa1", e=base64url(2**256 - 1)),
}


@pytest.mark.parametrize("one", KEPT.values(), ids=KEPT)
def test_a_key_for_rs256_is_kept(one: dict[str, object]) -> None:
    """Under its name, with its numbers."""
    keys = keys_of(keys_document(one))
    assert [one["kid"]] == list(keys)
    [key] = keys.values()
    numbers = key.public_numbers()
    assert (one["n"], one["e"]) == (base64url(numbers.n), base64url(numbers.e))


LEFT_OUT = {
    "of another kind": entry("other", kty="EC"),
    "for encryption": entry("other", use="enc"),
    "whose use is null": entry("other", use=None),
    "for another algorithm": entry("other", alg="RS512"),
    "for a MAC": entry("other", alg="HS256"),
    "with its private exponent": entry("other", d="AQAB"),
    "with a private factor": entry("other", p="AQAB"),
    "without a name": {k: v for k, v in entry("other").items() if k != "kid"},
    "whose name is a number": entry("other", kid=1),
    "whose name is empty": entry("other", kid=""),
    "whose name is too long": entry("other", kid="k" * 201),
    "without a modulus": {k: v for k, v in entry("other").items() if k != "n"},
    "without an exponent": {k: v for k, v in entry("other").items() if k != "e"},
    "whose modulus is a number": entry("other", n=2**2047 + 1),
    "whose modulus is empty": entry("other", n=""),
    "whose modulus is padded": entry("other", n=str(entry("other")["n"]) + "=="),
    "whose modulus is in other base64": entry("other", n="+/" * 172),
    "whose modulus is cut": entry("other", n="A" * 345),
    "whose modulus is too small": entry("other", n=base64url(2**2047 - 1)),
    "whose modulus is too large": entry("other", n=base64url(2**8192 + 1)),
    "whose exponent is 3": entry("other", e=base64url(3)),
    "whose exponent is just too small": entry("other", e=base64url(2**16 - 1)),
    "whose exponent is even": entry("other", e=base64url(2**16 + 2)),
    "whose exponent is too large": entry("other", e=base64url(2**256 + 1)),
}


@pytest.mark.parametrize("one", LEFT_OUT.values(), ids=LEFT_OUT)
def test_another_key_is_left_out(one: dict[str, object]) -> None:
    """It does no harm to the one beside it, and alone it is as good as none."""
    assert {"rsa1": public("rsa1")} == keys_of(keys_document(one, "rsa1"))
    with pytest.raises(FetchFailed, match="the keys document has no key for RS256") as failed:
        keys_of(keys_document(one))
    assert Outcome.MALFORMED == failed.value.outcome


def test_a_name_twice_is_no_harm_where_only_one_is_kept() -> None:
    """An issuer may have the same name for signatures and for encryption."""
    assert ["rsa1"] == list(keys_of(keys_document("rsa1", entry("rsa1", use="enc"))))


LISTED = "has no list of 1 to 100 keys"
MALFORMED = {
    "empty": (b"", "is no JSON"),
    "HTML": (b"<html>", "is no JSON"),
    "no UTF-8": (b'{"keys": ["\xff"]}', "is no JSON"),
    "UTF-16": (keys_document("rsa1").decode().encode("utf-16"), "is no JSON"),
    "cut": (keys_document("rsa1")[:-1], "is no JSON"),
    "followed by more": (keys_document("rsa1") * 2, "is no JSON"),
    "a member twice": (b'{"keys": [], ' + keys_document("rsa1")[1:], "is no JSON"),
    "a member twice inside": (
        keys_document("rsa1").replace(b'"kty"', b'"kid": "x", "kty"'),
        "is no JSON",
    ),
    "not a number": (b'{"x": NaN, ' + keys_document("rsa1")[1:], "is no JSON"),
    "infinity": (b'{"x": -Infinity, ' + keys_document("rsa1")[1:], "is no JSON"),
    "a number without an end": (b'{"x": ' + b"9" * 60_000 + b"}", "is no JSON"),
    "deep": (b"[" * 60_000, "is no JSON"),
    "a list": (b"[" + keys_document("rsa1") + b"]", LISTED),
    "null": (b"null", LISTED),
    "without keys": (b"{}", LISTED),
    "keys in an object": (b'{"keys": {"rsa1": {}}}', LISTED),
    "keys as a number": (b'{"keys": 1}', LISTED),
    "no key": (b'{"keys": []}', LISTED),
    "too many keys": (json.dumps({"keys": [{}] * 100 + [entry("rsa1")]}).encode(), LISTED),
    "a key that is a text": (b'{"keys": ["rsa1"]}', "lists something that is no key"),
    "a good one and a number": (keys_document("rsa1", 1), "lists something that is no key"),
    "a name twice": (keys_document("rsa1", entry("other", kid="rsa1")), "two keys of one name"),
    "a key twice": (keys_document("rsa1", "rsa1"), "two keys of one name"),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_document_has_no_keys(content: bytes, message: str) -> None:
    """Nothing is guessed at."""
    with pytest.raises(FetchFailed, match=message) as failed:
        keys_of(content)
    assert Outcome.MALFORMED == failed.value.outcome


def test_as_many_keys_as_may_be() -> None:
    """The hundredth key still counts."""
    entries = [entry("rsa1", kid=f"{number}") for number in range(100)]
    assert 100 == len(keys_of(keys_document(*entries)))


# When it fetches.


def test_the_first_question_waits_for_the_keys(desk: Desk, server: HostileServer) -> None:
    """And the next ones find them."""
    cache = desk.cache(server)
    assert None is cache.age()
    assert public("rsa1") == cache.find("rsa1")
    assert public("rsa1") == cache.find("rsa1")
    assert 1 == len(server.heads)
    eventually(lambda: ["ok"] == desk.told)
    assert 0 <= (cache.age() or math.nan) < LONG


def test_keys_are_there_before_the_first_question(desk: Desk, server: HostileServer) -> None:
    """If the cache is started, which waits for nothing."""
    server.answer = hostile.held_until_released(publishing("rsa1"))
    cache = desk.cache(server)
    cache.start()
    cache.start()
    assert None is cache.age()
    server.released.set()
    eventually(lambda: cache.age() is not None)
    assert public("rsa1") == cache.find("rsa1")
    assert 1 == len(server.heads)


def test_the_first_question_joins_the_first_fetch(desk: Desk, server: HostileServer) -> None:
    """A fetch under way is not begun again."""
    server.answer = hostile.held_until_released(publishing("rsa1"))
    cache = desk.cache(server, cooldown=0)
    cache.start()
    assert server.arrived.wait(LONG)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(cache.find, "rsa1") for _ in range(8)]
        time.sleep(SOON)
        assert not any(one.done() for one in found)
        server.released.set()
        assert [public("rsa1")] * 8 == [one.result() for one in found]
    # Nor again after it.
    time.sleep(4 * SOON)
    assert 1 == len(server.heads)


def test_an_unknown_kid_is_looked_for_once(desk: Desk, server: HostileServer) -> None:
    """A key that was added since is found; nothing else is touched."""
    cache = desk.cache(server, cooldown=SOON)
    assert public("rsa1") == cache.find("rsa1")
    server.answer = publishing("rsa1", "rsa2")
    time.sleep(2 * SOON)
    assert public("rsa2") == cache.find("rsa2")
    assert public("rsa1") == cache.find("rsa1")
    assert 2 == len(server.heads)


def test_a_key_that_is_published_no_more_is_gone(desk: Desk, server: HostileServer) -> None:
    """A document replaces the one before as a whole."""
    cache = desk.cache(server, cooldown=SOON)
    old = cache.find("rsa1")
    server.answer = publishing("rsa2")
    time.sleep(2 * SOON)
    cache.find("rsa2")
    with pytest.raises(UnknownKey):
        cache.find("rsa1")
    assert None is cache.renewed("rsa1", old)


def test_an_unknown_kid_is_refused_at_once_during_the_cooldown(
    desk: Desk, server: HostileServer
) -> None:
    """Nobody makes the service fetch by making up names, and nobody waits for it."""
    cache = desk.cache(server)
    cache.find("rsa1")
    for number in range(100):
        with pytest.raises(UnknownKey, match="no key of that name is published"):
            cache.find(f"made-up-{number}")
    assert 1 == len(server.heads)


def test_the_cooldown_follows_a_failure_too(desk: Desk, server: HostileServer) -> None:
    """An issuer that is down is not asked for each token, and nobody waits for it."""
    server.answer = hostile.document(b"", "503 Service Unavailable")
    cache = desk.cache(server)
    for _ in range(100):
        with pytest.raises(SignInUnavailable, match="cannot be had now") as failed:
            cache.find("rsa1")
        assert "127.0.0.1" not in str(failed.value)
    assert 1 == len(server.heads)
    eventually(lambda: ["status"] == desk.told)


def test_the_cooldown_begins_when_the_fetch_ends(desk: Desk, server: HostileServer) -> None:
    """An issuer that takes longer than the cooldown is still left alone between two fetches."""
    cooldown = 1.2
    server.answer = hostile.late(cooldown + 0.3, publishing("rsa1"))
    cache = desk.cache(server, cooldown=cooldown)
    cache.find("rsa1")
    with pytest.raises(UnknownKey):
        cache.find("rsa2")
    assert 1 == len(server.heads)


def test_keys_are_renewed_before_anybody_asks(desk: Desk, server: HostileServer) -> None:
    """Once they are as old as their lifetime, in the background."""
    cache = desk.cache(server, lifetime=SOON, cooldown=0.01)
    cache.start()
    eventually(lambda: 3 <= len(desk.told))
    server.answer = publishing("rsa2")
    before = len(server.heads)
    eventually(lambda: before + 2 <= len(server.heads))
    assert public("rsa2") == cache.find("rsa2")


def test_fresh_keys_are_not_renewed(desk: Desk, server: HostileServer) -> None:
    """A cooldown that is over is no reason to fetch."""
    cache = desk.cache(server, cooldown=0.01)
    cache.find("rsa1")
    time.sleep(10 * SOON)
    assert 1 == len(server.heads)


def test_a_failed_first_fetch_is_tried_again(desk: Desk, server: HostileServer) -> None:
    """After the cooldown, though nobody asks."""
    server.answer = hostile.in_turn(hostile.raw(), publishing("rsa1"))
    cache = desk.cache(server, cooldown=SOON)
    cache.start()
    eventually(lambda: cache.age() is not None)
    assert public("rsa1") == cache.find("rsa1")
    eventually(lambda: ["unreachable", "ok"] == desk.told)


# How long keys serve.


def test_the_last_good_keys_serve_while_the_issuer_is_down(
    desk: Desk, server: HostileServer
) -> None:
    """Failed refreshes replace nothing, and make the keys no younger."""
    cache = desk.cache(server, lifetime=SOON, cooldown=0.01)
    cache.find("rsa1")
    server.answer = hostile.document(b"", "500 Internal Server Error")
    eventually(lambda: 3 <= desk.told.count("status"))
    assert public("rsa1") == cache.find("rsa1")
    first, second = cache.age(), cache.age()
    assert SOON < (first or 0) <= (second or 0)
    server.answer = publishing("rsa1")
    eventually(lambda: "ok" == desk.told[-1])
    assert (cache.age() or math.nan) < LONG


def test_keys_that_are_too_old_serve_no_more(desk: Desk, server: HostileServer) -> None:
    """The time is bounded; then neither a known nor an unknown kid proves anything."""
    cache = desk.cache(server, stale_seconds=1000)
    old = cache.find("rsa1")
    aged(cache, 900)
    assert public("rsa1") == cache.find("rsa1")
    aged(cache, 1000)
    for kid in ("rsa1", "rsa2"):
        with pytest.raises(SignInUnavailable):
            cache.find(kid)
    assert None is cache.renewed("rsa1", old)
    assert 1 == len(server.heads)


def test_keys_that_are_too_old_are_fetched_by_who_needs_them(
    desk: Desk, server: HostileServer
) -> None:
    """One refresh is tried before anybody is sent away."""
    cache = desk.cache(server, stale_seconds=1000, cooldown=SOON)
    cache.find("rsa1")
    aged(cache, 1000)
    time.sleep(2 * SOON)
    assert public("rsa1") == cache.find("rsa1")
    assert 2 == len(server.heads)


def aged(cache: KeyCache, seconds: float) -> None:
    """Make the keys as old as that."""
    cache._held = _Held(cache._held.keys, time.monotonic() - seconds)


# A bad signature under a known kid.


def test_a_rotation_under_the_same_kid_is_noticed(desk: Desk, server: HostileServer) -> None:
    """Who has a bad signature gets the other key, and so does everybody after."""
    cache = desk.cache(server, cooldown=SOON)
    old = cache.find("rsa1")
    server.answer = publishing(entry("rotated", kid="rsa1"))
    time.sleep(2 * SOON)
    assert public("rotated") == cache.renewed("rsa1", old)
    assert public("rotated") == cache.find("rsa1")
    assert 2 == len(server.heads)


def test_a_rotation_that_is_known_already_costs_no_fetch(desk: Desk, server: HostileServer) -> None:
    """Whoever verified with the key before gets the one of now at once."""
    cache = desk.cache(server)
    cache.find("rsa1")
    assert public("rsa1") == cache.renewed("rsa1", public("other"))
    assert 1 == len(server.heads)


def test_a_forged_signature_causes_one_fetch_a_cooldown(desk: Desk, server: HostileServer) -> None:
    """A key that is still the same is none to try again with."""
    cache = desk.cache(server, cooldown=SOON)
    key = cache.find("rsa1")
    time.sleep(2 * SOON)
    assert None is cache.renewed("rsa1", key)
    assert 2 == len(server.heads)
    slow = desk.cache(server)
    key = slow.find("rsa1")
    for _ in range(100):
        assert None is slow.renewed("rsa1", key)
    assert 3 == len(server.heads)


def test_a_forged_signature_while_the_issuer_is_down(desk: Desk, server: HostileServer) -> None:
    """The key stays, and there is no other."""
    cache = desk.cache(server, cooldown=SOON)
    key = cache.find("rsa1")
    server.answer = hostile.raw()
    time.sleep(2 * SOON)
    assert None is cache.renewed("rsa1", key)
    assert key == cache.find("rsa1")


# Who waits.


def test_a_known_kid_is_read_without_a_lock(desk: Desk, server: HostileServer) -> None:
    """Nothing that anybody does with the cache holds it up."""
    cache = desk.cache(server)
    cache.find("rsa1")
    with cache._changed, ThreadPoolExecutor(1) as pool:
        assert public("rsa1") == pool.submit(cache.find, "rsa1").result(LONG)


def test_only_as_many_wait_as_there_are_places(desk: Desk, server: HostileServer) -> None:
    """The next one is sent away at once, except with a kid that is known."""
    cache = desk.cache(server, cooldown=SOON, places=1)
    key = cache.find("rsa1")
    server.answer = hostile.held_until_released(publishing("rsa1", "rsa2"))
    time.sleep(2 * SOON)
    with ThreadPoolExecutor(1) as pool:
        server.arrived.clear()
        waiter = pool.submit(cache.find, "rsa2")
        assert server.arrived.wait(LONG)
        with pytest.raises(SignInUnavailable, match="too many sign-ins wait"):
            cache.find("rsa3")
        with pytest.raises(SignInUnavailable, match="too many sign-ins wait"):
            cache.renewed("rsa1", key)
        assert public("rsa1") == cache.find("rsa1")
        server.released.set()
        assert public("rsa2") == waiter.result()


def test_nobody_waits_for_ever(desk: Desk, server: HostileServer) -> None:
    """A listener that hangs keeps keys from being renewed, and holds nobody."""
    released = threading.Event()

    def hang(_: str) -> None:
        released.wait(LONG)

    cache = desk.cache(server, told=hang, cooldown=0, deadline=0.5)
    assert public("rsa1") == cache.find("rsa1")
    started = time.monotonic()
    with pytest.raises(UnknownKey):
        cache.find("rsa2")
    assert time.monotonic() - started < LONG / 2
    released.set()
    assert public("rsa1") == cache.find("rsa1")


def test_a_listener_that_fails_changes_nothing(desk: Desk, server: HostileServer) -> None:
    """Keys are renewed all the same."""

    def fail(outcome: str) -> None:
        raise ZeroDivisionError(outcome)

    cache = desk.cache(server, told=fail, cooldown=SOON)
    cache.find("rsa1")
    server.answer = publishing("rsa2")
    time.sleep(2 * SOON)
    assert public("rsa2") == cache.find("rsa2")


def test_nothing_that_comes_ends_the_refreshes(desk: Desk, server: HostileServer) -> None:
    """Not even what nobody thought of: here a deadline that is none."""
    cache = desk.cache(server, cooldown=SOON)
    cache._deadline = "soon"  # type: ignore[assignment]  # a mistake of ours
    cache.start()
    eventually(lambda: "malformed" in desk.told)
    cache._deadline = 5.0
    eventually(lambda: "ok" in desk.told)
    assert public("rsa1") == cache.find("rsa1")


def test_a_system_without_threads_makes_keys_unavailable(
    desk: Desk, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it has some again."""

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    cache = desk.cache(server)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        cache.start()
        started = time.monotonic()
        with pytest.raises(SignInUnavailable):
            cache.find("rsa1")
        assert time.monotonic() - started < AT_ONCE
    assert public("rsa1") == cache.find("rsa1")


# What operators see, and the end.


def test_an_issuer_that_fails_has_not_said_that_a_key_is_unknown(
    desk: Desk, server: HostileServer
) -> None:
    """A new key may be there all the same: try again, says the cache, and known ones serve."""
    cache = desk.cache(server, cooldown=SOON)
    cache.find("rsa1")
    server.answer = hostile.document(b"", "500 Internal Server Error")
    time.sleep(2 * SOON)
    # By a refresh that fails, and in the cooldown after it.
    for _ in range(2):
        with pytest.raises(SignInUnavailable):
            cache.find("rsa2")
    assert public("rsa1") == cache.find("rsa1")


def test_a_key_is_unknown_again_when_the_issuer_is_back(desk: Desk, server: HostileServer) -> None:
    """Its failure is forgotten with the next good refresh."""
    cache = desk.cache(server, lifetime=0, cooldown=SOON)
    cache.find("rsa1")
    server.answer = hostile.document(b"", "500 Internal Server Error")
    eventually(lambda: "status" in desk.told)
    server.answer = publishing("rsa1")
    eventually(lambda: cache.ailment() is None)
    with pytest.raises(UnknownKey):
        cache.find("rsa2")


def test_what_ails(desk: Desk, server: HostileServer) -> None:
    """The last refresh, at once when it fails and until one succeeds, and how old the keys are."""
    server.answer = hostile.raw()
    cache = desk.cache(server, cooldown=SOON)
    assert "no keys yet: not asked for" == cache.ailment()
    with pytest.raises(SignInUnavailable):
        cache.find("rsa1")
    assert "no keys yet: unreachable" == cache.ailment()
    server.answer = publishing("rsa1")
    eventually(lambda: cache.age() is not None)
    eventually(lambda: cache.ailment() is None)
    server.answer = hostile.document(b"", "500 Internal Server Error")
    time.sleep(2 * SOON)
    with pytest.raises(SignInUnavailable):
        cache.find("rsa2")
    told = cache.ailment() or ""
    assert re.fullmatch(r"keys are \d+ s old, the last refresh ended as status", told)
    cache.close()
    aged(cache, 4210)
    told = cache.ailment() or ""
    assert re.fullmatch(r"keys are 42\d\d s old, the last refresh ended as status", told)


def test_keys_that_are_too_old_ail_whatever_the_last_refresh_was(
    desk: Desk, server: HostileServer
) -> None:
    """A thread that fetches no more must not look well."""
    cache = desk.cache(server)
    cache.find("rsa1")
    cache.close()
    assert None is cache.ailment()
    aged(cache, cache._stale + 1)
    assert "the last refresh ended as ok" in (cache.ailment() or "")


def test_a_failure_is_logged_once_until_it_is_another(
    desk: Desk, server: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    """With its reason; an issuer that is down for a day does not fill the log."""
    cache = desk.cache(server, lifetime=0, cooldown=0.01)
    cache.start()
    for answer, outcome in (
        (publishing("rsa1"), "ok"),
        (hostile.document(b"", "500 Internal Server Error"), "status"),
        (hostile.document(b"<html>"), "malformed"),
        (publishing("rsa1"), "ok"),
        (hostile.document(b"", "503 Service Unavailable"), "status"),
    ):
        server.answer = answer
        eventually(partial(desk.told.thrice, outcome))
    assert [
        f"the keys of GOV.BR are not renewed: {why}"
        for why in (
            "the answer has status 500",
            "the keys document is no JSON",
            "the answer has status 503",
        )
    ] == caplog.messages


def test_a_closed_cache_fetches_no_more(desk: Desk, server: HostileServer) -> None:
    """What it has still serves, nobody waits, and its thread ends."""
    cache = desk.cache(server, cooldown=0, lifetime=SOON)
    cache.find("rsa1")
    cache.close()
    thread = cache._thread
    assert thread is not None
    thread.join(LONG)
    assert not thread.is_alive()
    fetched = len(server.heads)
    started = time.monotonic()
    with pytest.raises(UnknownKey):
        cache.find("rsa2")
    assert time.monotonic() - started < AT_ONCE
    assert public("rsa1") == cache.find("rsa1")
    cache.start()
    cache.close()
    assert fetched == len(server.heads)
