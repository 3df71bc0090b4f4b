"""Limits: who asks too much or guesses keys is told so, and costs the others nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authz_service.domain.decision import Caller
from authz_service.domain.errors import CallerUnknown, TooManyRequests
from authz_service.web import app as web_app
from authz_service.web import limits as web_limits
from authz_service.web.limits import Limits
from tests.fakes.service import MAX_BATCH, MAX_BODY, Service

TYPE = "urn:inmetro:authz:problem:too-many-requests"
SOURCE = "203.0.113.7"


class Minute:
    """The system's clock, which stands until it is moved on; it begins a second into a minute."""

    def __init__(self) -> None:
        self.now = 60_000_001.0

    def __call__(self) -> float:
        """Give the seconds since 1970."""
        return self.now


@pytest.fixture(name="minute")
def _minute() -> Minute:
    """The clock of the limits."""
    return Minute()


class Limited:
    """A service with a limit, and what was told of refusals."""

    def __init__(self, minute: Minute, per_minute: int | None = 3) -> None:
        self.service = Service()
        self.refused: list[str] = []
        self.minute = minute
        self.limit(per_minute)

    def limit(self, per_minute: int | None) -> None:
        """Serve with new limits from now on."""
        limits = Limits(per_minute, self.refused.append, self.minute)
        parts = replace(self.service.parts, limits=limits)
        self.service.app = web_app.create_app(parts)

    def send(
        self, key: str | None = None, path: str = "/v1/people", **options: Any
    ) -> TestResponse:
        """Send a request that is a 400 once it gets through, by POST."""
        return self.service.post(path, {}, key=key, **options)


@pytest.fixture(name="limited")
def _limited(minute: Minute) -> Limited:
    """Three requests a minute."""
    return Limited(minute)


def test_a_client_that_asks_too_much_is_told_when_to_come_back(limited: Limited) -> None:
    """Up to the limit all is as ever; beyond it a problem of its own says when it is over."""
    assert [400, 400, 400] == [limited.send().status_code for _ in range(3)]

    answer = limited.send(headers={"X-Request-ID": "abc"})
    assert (429, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert ("60", "abc", "no-store") == tuple(
        answer.headers[name] for name in ("Retry-After", "X-Request-ID", "Cache-Control")
    )
    assert {
        "type": TYPE,
        "title": "Too many requests in a short time",
        "status": 429,
        "detail": "a client may send 3 requests a minute; try again later",
    } == answer.get_json()
    assert ["rate"] == limited.refused


def test_whoever_comes_back_when_told_is_answered(limited: Limited, minute: Minute) -> None:
    """After the seconds of Retry-After one more request gets through, and not much before."""
    for _ in range(3):
        limited.send()
    for _ in range(3):
        wait = int(limited.send().headers["Retry-After"])
        minute.now += wait - 2
        assert 429 == limited.send().status_code
        minute.now += 2
        assert 400 == limited.send().status_code


def test_a_new_minute_is_no_new_beginning(minute: Minute) -> None:
    """The window slides: what was sent at the end of a minute is let go of bit by bit."""
    limited = Limited(minute, 60)
    minute.now += 58
    assert {400} == {limited.send().status_code for _ in range(60)}
    minute.now += 3
    statuses = [limited.send().status_code for _ in range(10)]
    assert [400, 400, 429] == statuses[:3]
    assert {429} == set(statuses[2:])


def test_clients_do_not_share_their_limit(limited: Limited) -> None:
    """One that has gone wrong keeps no other from its answers."""
    other = limited.service.key_for("standing:assert")
    for _ in range(5):
        limited.send()
    assert 400 == limited.send(other).status_code


def test_the_keys_of_a_client_share_its_limit(limited: Limited) -> None:
    """A second key is for changing over, not for twice as much."""
    second = limited.service.clients.add_key("c0", Caller("tests"))
    statuses = [limited.send(key).status_code for key in (None, second, None, second)]
    assert [400, 400, 400, 429] == statuses


def test_a_call_that_is_not_allowed_counts_too(limited: Limited) -> None:
    """What costs the service something counts, whatever the answer is."""
    poor = limited.service.key_for("metrics")
    assert [403, 403, 403, 429] == [limited.send(poor).status_code for _ in range(4)]


def test_it_is_refused_before_its_body_is_read(limited: Limited) -> None:
    """Beyond the limit nobody looks at what was sent."""
    for _ in range(3):
        limited.send()
    data = b" " * (MAX_BODY + 1)
    answer = limited.service.send("POST", "/v1/people", data)
    assert 429 == answer.status_code
    assert "body" not in limited.refused


def test_whoever_watches_is_always_answered(limited: Limited) -> None:
    """Metrics and probes say how the service is when it has too much to do."""
    for _ in range(5):
        limited.send()
    statuses = [
        limited.service.send("GET", path).status_code
        for path in ("/metrics", "/healthz", "/readyz")
        for _ in range(5)
    ]
    assert {200} == set(statuses)


def batch(limited: Limited, size: int, key: str | None = None) -> TestResponse:
    """Ask *size* questions at once, each of which is told what is wrong with it."""
    return limited.service.post(
        "/access/v1/evaluations", {"evaluations": [7] * size, "subject": {}}, key=key
    )


def test_each_evaluation_of_a_batch_counts(minute: Minute) -> None:
    """Or a batch would be many requests for the price of one; an empty one is one."""
    limited = Limited(minute, 11)
    assert [200] * 4 == [batch(limited, size).status_code for size in (1, 2, 3, 4)]
    assert 400 == batch(limited, 0).status_code
    assert 429 == limited.send().status_code


def test_a_batch_that_is_too_much_now_is_not_decided(minute: Minute) -> None:
    """It is a 429 that counts as the one request that it was, and smaller ones get through."""
    limited = Limited(minute, 10)
    assert 200 == batch(limited, 6).status_code
    before = len(limited.service.log.records)
    answer = batch(limited, 5)
    assert (429, TYPE) == (answer.status_code, answer.get_json()["type"])
    assert (before, ["rate"]) == (len(limited.service.log.records), limited.refused)
    assert [200, 429] == [batch(limited, size).status_code for size in (3, 1)]


@pytest.mark.parametrize("size", [2, 7, 10, 20])
def test_a_batch_that_comes_back_when_told_is_decided(minute: Minute, size: int) -> None:
    """
    The second time at the latest, one that is larger than the limit as well.

    With no request left it is refused unread, and told to wait for one alone.
    """
    limited = Limited(minute, 10)
    for _ in range(5):
        refusals = 0
        while (answer := batch(limited, size)).status_code == 429:
            minute.now += int(answer.headers["Retry-After"])
            refusals += 1
            assert refusals <= 2
        assert 200 == answer.status_code


def test_a_batch_is_not_told_to_wait_longer_than_it_must(minute: Minute) -> None:
    """A second and a bit before, it would not have been decided."""
    for early, status in ((2, 429), (0, 200)):
        limited = Limited(minute, 10)
        assert 200 == batch(limited, 9).status_code
        wait = int(batch(limited, 7).headers["Retry-After"])
        assert 59 < wait < 120
        minute.now += wait - early
        assert status == batch(limited, 7).status_code
        minute.now = Minute().now + 6_000


def test_a_batch_that_is_refused_as_a_whole_counts_once(minute: Minute) -> None:
    """What is larger than any may be is not decided, so it costs no more than other mistakes."""
    limited = Limited(minute, 3)
    assert [400, 400] == [batch(limited, MAX_BATCH + 1).status_code for _ in range(2)]
    assert 400 == limited.send().status_code


def test_no_limit_is_none(minute: Minute) -> None:
    """With 0 in the setting a client may send any number."""
    limited = Limited(minute, None)
    assert {400} == {limited.send().status_code for _ in range(50)}
    assert {200} == {batch(limited, MAX_BATCH).status_code for _ in range(5)}


def guess(limited: Limited, number: int, address: str | None = SOURCE) -> int:
    """Show a wrong key from *address*, and give the status."""
    answer = limited.service.http.get(
        "/metrics",
        headers={"Authorization": f"Bearer authz_{number:012x}_wrong"},
        environ_overrides={} if address is None else {"REMOTE_ADDR": address},
    )
    return answer.status_code


def right(limited: Limited, key: str, address: str = SOURCE) -> int:
    """Show a right key from *address*, and give the status."""
    answer = limited.service.http.get(
        "/metrics",
        headers={"Authorization": f"Bearer {key}"},
        environ_overrides={"REMOTE_ADDR": address},
    )
    return answer.status_code


@pytest.fixture(name="guessed")
def _guessed(limited: Limited, monkeypatch: pytest.MonkeyPatch) -> Limited:
    """A service to which as many wrong keys as may have been shown; in the test, five."""
    monkeypatch.setattr(web_limits, "WRONG_KEYS_PER_MINUTE", 5)
    limited.limit(None)
    assert [401] * 5 == [guess(limited, number) for number in range(5)]
    return limited


def test_wrong_keys_are_refused_unasked_after_some(guessed: Limited) -> None:
    """Then guessing costs the database nothing, and the answer says when to come back."""
    key = guessed.service.key_for("metrics")
    guessed.service.store.broken = True

    answer = guessed.service.http.get(
        "/metrics",
        headers={"Authorization": "Bearer authz_0_wrong"},
        environ_overrides={"REMOTE_ADDR": SOURCE},
    )
    assert (429, "60", TYPE) == (
        answer.status_code,
        answer.headers["Retry-After"],
        answer.get_json()["type"],
    )
    # A right key that nobody knows to be right yet has to wait as well.
    assert 429 == right(guessed, key)
    assert ["keys", "keys"] == guessed.refused


def test_a_key_that_was_right_lately_is_not_kept_out(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy that is not trusted nobody locks the others out by guessing."""
    monkeypatch.setattr(web_limits, "WRONG_KEYS_PER_MINUTE", 5)
    limited.limit(None)
    assert 200 == right(limited, limited.service.key)
    assert [401] * 5 == [guess(limited, number) for number in range(5)]

    assert (429, 200) == (guess(limited, 6), right(limited, limited.service.key))


def test_a_key_that_was_right_and_is_revoked_is_wrong(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered of a key never stands for asking whether it is right now."""
    monkeypatch.setattr(web_limits, "WRONG_KEYS_PER_MINUTE", 1)
    limited.limit(None)
    key = limited.service.key_for("metrics")
    assert 200 == right(limited, key)
    limited.service.clients.revoke("c1", Caller("tests"))

    assert [401, 429] == [right(limited, key) for _ in range(2)]


def test_guessing_is_forgotten(guessed: Limited, minute: Minute) -> None:
    """After two minutes the source may show keys again."""
    minute.now += 120
    assert 401 == guess(guessed, 7)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1", "fe80::1", True),
    ],
)
def test_wrong_keys_are_counted_by_source(
    limited: Limited,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    second: str,
    together: bool,
) -> None:
    """By address, and of IPv6 by what one site has of it."""
    monkeypatch.setattr(web_limits, "WRONG_KEYS_PER_MINUTE", 1)
    limited.limit(None)
    assert 401 == guess(limited, 1, first)
    assert (429 if together else 401) == guess(limited, 2, second)


def test_sources_that_nobody_can_tell_are_one(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown source has no limit of its own each time."""
    monkeypatch.setattr(web_limits, "WRONG_KEYS_PER_MINUTE", 1)
    limits = Limits(None, limited.refused.append)

    def nobody(_key: str, _address: str | None, _digest: str) -> Caller:
        raise CallerUnknown("no")

    with pytest.raises(CallerUnknown):
        limits.authenticated("a", None, nobody)
    with pytest.raises(TooManyRequests):
        limits.authenticated("b", None, nobody)


def test_no_key_at_all_is_no_guess(guessed: Limited) -> None:
    """Whoever shows none is told that one is needed: that costs nothing."""
    answers = [
        guessed.service.http.get("/metrics", environ_overrides={"REMOTE_ADDR": SOURCE})
        for _ in range(3)
    ]
    assert {401} == {one.status_code for one in answers}


def test_not_all_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the keys that were ever right; the oldest is forgotten."""
    monkeypatch.setattr(web_limits, "WRONG_KEYS_PER_MINUTE", 1)
    monkeypatch.setattr(web_limits, "RIGHT_KEYS", 2)
    limits, somebody = Limits(), Caller("c")

    def check(key: str, _address: str | None, _digest: str) -> Caller:
        if key == "wrong":
            raise CallerUnknown("no")
        return somebody

    for key in ("a", "b", "c"):
        assert somebody == limits.authenticated(key, SOURCE, check)
    with pytest.raises(CallerUnknown):
        limits.authenticated("wrong", SOURCE, check)

    assert somebody == limits.authenticated("b", SOURCE, check)
    with pytest.raises(TooManyRequests):
        limits.authenticated("a", SOURCE, check)


def test_a_body_that_is_too_long_is_told_the_bound(limited: Limited) -> None:
    """A 413 says how long a body may be, and is counted."""
    answer = limited.service.post("/v1/people", b" " * (MAX_BODY + 1))
    assert (413, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert f"the body must not be longer than {MAX_BODY} bytes" == answer.get_json()["detail"]
    assert ["body"] == limited.refused


TOO_MUCH: dict[str, tuple[str, bytes]] = {
    "batch": ("evaluations", b'{"evaluations":[' + b"{}," * MAX_BATCH + b"{}]}"),
    "depth": ("body", b'{"context":' + b"[" * 40 + b"]" * 40 + b"}"),
}


@pytest.mark.usefixtures("layer")
@pytest.mark.parametrize("limit", TOO_MUCH)
def test_what_is_too_much_at_once_is_counted(limit: str, minute: Minute) -> None:
    """It is a 400 that names the member, like whatever cannot be read."""
    limited, (field, sent) = Limited(minute), TOO_MUCH[limit]
    answer = limited.service.post("/access/v1/evaluations", sent)

    assert (400, field) == (answer.status_code, answer.get_json()["field"])
    assert "urn:inmetro:authz:problem:invalid-input" == answer.get_json()["type"]
    assert [limit] == limited.refused
