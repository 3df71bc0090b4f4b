"""The load of the benchmark against real servers: what it counts, and what it refuses to count."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.bench.plane import arrivals, mixes, wrk
from tests.bench.plane.figures import Run, RunInvalid
from tests.bench.service import serving

needs_wrk = pytest.mark.skipif(not wrk.installed(), reason="wrk is not installed")
PRINTED = """\
Running 2s test @ http://127.0.0.1:8080/
  1 threads and 8 connections
Requests/sec:   5000.00

measured {"answers":10000,"microseconds":2000000,"p50":1500,"p99":2750,"longest":9000,\
"bytes":1,"broken":0,"timeouts":0,"refused":%d,"answered":0,"granted":0,"wrong":0}
"""


def deciding(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Say yes to whom asks for it, no to others, and refuse who asks for that."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    status = "503 Service Unavailable" if body == b"refuse" else "200 OK"
    answer = b'{"decision":true}\n' if body == b"yes" else b'{"decision":false}\n'
    start_response(status, [("Content-Length", str(len(answer)))])
    return [answer]


def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Say yes after a twentieth of a second; with eight threads, 160 times in a second."""
    time.sleep(0.05)
    return deciding(environ, start_response)


def requests(port: int, *bodies: bytes) -> list[bytes]:
    """Give requests with these bodies."""
    return [mixes.http("/", port, "key", body) for body in bodies]


def test_what_wrk_measured_is_read() -> None:
    """Microseconds become milliseconds and seconds; what stands around the line does not matter."""
    assert Run(10_000, 2.0, 1.5, 2.75, 9.0) == wrk.read(PRINTED % 0)


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (PRINTED % 3, "10000 answers, 3 no 200, 0 timeouts, 0 connections broken"),
        ("unable to connect to 127.0.0.1:1", "wrk has measured nothing: unable to connect"),
    ],
)
def test_a_failed_run_is_no_figure(printed: str, message: str) -> None:
    """A service that answers with errors is not shown as a fast one."""
    with pytest.raises(RunInvalid, match=message):
        wrk.read(printed)


@needs_wrk
def test_wrk_sends_the_requests_in_turn(tmp_path: Path) -> None:
    """Of three requests two are granted, and wrk counts that over all its answers."""
    file = tmp_path / "requests"
    with serving(deciding) as port:
        wrk.write(requests(port, b"yes", b"no", b"yes"), file)

        wrk.checked(port, file, [1, 0, 1], connections=2, seconds=1)
        measured = wrk.run(port, file, connections=2, seconds=1)

    assert measured.answers > 100
    assert 0.0 < measured.p50 <= measured.p99 <= measured.longest


@needs_wrk
@pytest.mark.parametrize(
    ("bodies", "message"),
    [((b"yes", b"no"), "of the decisions were a yes"), ((b"yes", b"refuse"), "no 200")],
)
def test_wrk_finds_wrong_answers(bodies: tuple[bytes, ...], message: str, tmp_path: Path) -> None:
    """A decision that had to be a yes and is none ends the run; so does a refusal."""
    file = tmp_path / "requests"
    with serving(deciding) as port:
        wrk.write(requests(port, *bodies), file)
        with pytest.raises(RunInvalid, match=message):
            wrk.checked(port, file, [1, 1], connections=1, seconds=1)


def test_each_request_is_sent_once_and_each_answer_checked() -> None:
    """As many answers as requests, whatever the number of connections."""
    with serving(deciding) as port:
        asked = requests(port, *[b"yes", b"no"] * 20)

        assert 40 == arrivals.once(port, asked, [1, 0] * 20, connections=3).answers


@pytest.mark.parametrize(
    ("body", "message"), [(b"no", "request 1 was answered with .*false"), (b"refuse", "503")]
)
def test_one_wrong_answer_is_found(body: bytes, message: str) -> None:
    """A single decision that is not as it has to be ends the run, and so does a refusal."""
    with serving(deciding) as port, pytest.raises(RunInvalid, match=message):
        arrivals.once(port, requests(port, b"yes", body), [1, 1], connections=1)


def test_requests_arrive_at_their_rate() -> None:
    """Of 200 a second in half a second there are a hundred, spread over that time."""
    with serving(deciding) as port:
        found = arrivals.offered(port, requests(port, b"yes", b"no"), [1, 0], 200, 0.5)

    assert (200, 100, 0) == (found.rate, found.run.answers, found.run.failures)
    assert 0.45 < found.run.seconds < 2.0


def test_refusals_under_load_are_failures_and_no_answers() -> None:
    """Who sheds load is seen to, and its quick refusals do not make it faster."""
    with serving(deciding) as port:
        found = arrivals.offered(port, requests(port, b"yes", b"refuse"), [1, 0], 100, 0.5)

    assert (25, 25) == (found.run.answers, found.run.failures)


def test_the_open_loop_shows_the_queue_that_the_closed_one_hides() -> None:
    """More is due than is answered: times grow, while eight callers who wait see none of that."""
    with serving(slow) as port:
        asked = requests(port, b"yes")
        waiting = arrivals.closed(port, asked, [1], connections=8, seconds=0.5)
        arriving = arrivals.offered(port, asked, [1], rate=1_000, seconds=1.0)

    assert arriving.run.p99 > 2 * waiting.p50
