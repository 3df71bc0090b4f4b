"""Several workers: who is asked does not matter, one that dies is replaced, a stop drops nobody."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from authz_service.metrics import Share
from authz_service.server import THREADS
from authz_service.workers import Place
from authz_service.workers.folder import metrics_folder
from authz_service.workers.worker import BACK_OFF, STEADY_SECONDS, Worker
from tests import written
from tests.operation.house import (
    FEW,
    ROOT,
    Running,
    authz,
    environment,
    free_port,
    furnish,
)
from tests.operation.several import PROGRAM
from tests.operation.signing_in import CSV, eventually

ASK = {"cpf": "18762794604", "cnpj": "52420282000180", "processo": "P001", "acao": "iniciar"}
SETTINGS = {"AUTHZ_WORKERS": "2", "AUTHZ_REQUESTS_PER_MINUTE": "0"}
SERVERS = ("waitress", "granian")
ONE_CORE = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) == 1, reason="there is nothing to choose with one core"
)
ASKING = 6
"""Callers at once; more than one worker has to have something in hand when it is killed."""


def workers_of(running: Running) -> list[int]:
    """Give the processes that a supervisor has started and that live."""
    done = subprocess.run(
        ["ps", "-o", "pid=,stat=", "--ppid", str(running.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line.split() for line in done.stdout.splitlines()]
    return [int(pid) for pid, state in found if not state.startswith("Z")]


@dataclass
class Heard:
    """What callers heard: bodies of answers, refused connections, and what was cut off."""

    answers: list[bytes] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    cut_off: list[str] = field(default_factory=list)


class Callers:
    """Ask all the time, until they are told to stop or there is nobody to connect to."""

    def __init__(self, ask: Callable[[http.client.HTTPConnection], None], port: int) -> None:
        self.heard = Heard()
        self._ask, self._port = ask, port
        self._over = threading.Event()
        # Half of them keep their connections.
        self._threads = [
            threading.Thread(target=self._call, args=(bool(number % 2),))
            for number in range(ASKING)
        ]
        for one in self._threads:
            one.start()

    def _call(self, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._over.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
                try:
                    connection.connect()
                except OSError:
                    # Nobody has taken in a request that could not be sent.
                    self.heard.refused += 1
                    connection.close()
                    return
            try:
                self._ask(connection)
                with connection.getresponse() as answer:
                    self.heard.answers.append(answer.read())
                    self.heard.statuses[answer.status] += 1
                    last = answer.getheader("Connection") == "close"
            except (OSError, http.client.HTTPException) as error:
                self.heard.cut_off.append(repr(error))
                last = True
            if last or not keep:
                connection.close()
                connection = None
            # So that a stop finds some idle, with the next request to come, and a worker that
            # begins comes to its turn.
            time.sleep(0.01)
        if connection is not None:
            connection.close()

    def stop(self) -> Heard:
        """Let them finish, and give what they heard."""
        self._over.set()
        return self.wait()

    def wait(self) -> Heard:
        """Wait until all of them have ended by themselves, and give what they heard."""
        for one in self._threads:
            one.join()
        return self.heard


@dataclass
class Story:
    """
    What became of a real service with two workers.

    Attributes:
        folder: where it ran.
        answering: the places of those that answered before anything happened.
        before: the workers at first.
        after: the workers when the killed one had been replaced.
        totals: what the counter of answers said, again and again, while one was killed.
        killed: what callers heard while it was.
        counted: what the counter of the flat question's answers said after all of that.
        metrics: all metrics then.
        stopped: what callers heard during the stop.
        code: the exit code.
    """

    folder: Path
    answering: set[str]
    before: list[int]
    after: list[int]
    totals: list[float]
    killed: Heard
    counted: float
    metrics: str
    stopped: Heard
    code: int

    def lines(self) -> list[dict[str, Any]]:
        """Give the application log."""
        text = (self.folder / "stderr.txt").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def sample(metrics: str, name: str) -> float:
    """Give the value of one sample, 0 where there is none."""
    found = [one.split()[-1] for one in metrics.splitlines() if one.startswith(f"{name} ")]
    return float(found[0]) if found else 0.0


def scraped(running: Running, key: str) -> str:
    """Scrape; who is cut off by a worker that is killed tries again."""
    # Not so often that nobody else comes to work.
    time.sleep(0.05)
    while True:
        with suppress(OSError, http.client.HTTPException):
            return running.send("GET", "/metrics", key=key).body.decode()


@pytest.fixture(scope="module", name="story", params=SERVERS)
def _story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Start two workers, ask, kill one, let it be replaced, and stop, asking all the while."""
    folder = tmp_path_factory.mktemp("workers")
    key = furnish(folder, CSV, {"tests": ("decide", "metrics")}, policies=FEW)["tests"]
    body = json.dumps(ASK)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    running = Running(
        folder, "serve", "--port", str(free_port()), **SETTINGS, AUTHZ_SERVER=request.param
    )
    counter = 'authz_http_answers_total{route="/v1/orquestra/decisao",status="200"}'

    def ask(connection: http.client.HTTPConnection) -> None:
        connection.request("POST", "/v1/orquestra/decisao", body, headers)

    try:
        before = workers_of(running)
        callers = Callers(ask, running.port)
        assert eventually(lambda: len(deciding(folder)) == 2)
        answering = deciding(folder)
        totals = [sample(scraped(running, key), counter) for _ in range(3)]
        os.kill(before[0], signal.SIGKILL)
        while sample(text := scraped(running, key), "authz_worker_restarts_total") == 0 or (
            sample(text, "authz_workers") < 2
        ):
            totals.append(sample(text, counter))
        totals += [sample(scraped(running, key), counter) for _ in range(3)]
        after = workers_of(running)
        killed = callers.stop()
        metrics = scraped(running, key)
        callers = Callers(ask, running.port)
        time.sleep(0.5)
        code = running.stop()
        stopped = callers.wait()
        counted = sample(metrics, counter)
        yield Story(
            folder, answering, before, after, totals, killed, counted, metrics, stopped, code
        )
    finally:
        running.kill()


def deciding(folder: Path) -> set[str]:
    """Give the places of those that have answered, as the decision log has them."""
    log = folder / "var" / "log" / "decision"
    return {one.parent.name for one in log.glob("*/*.jsonl") if '"decision"' in one.read_text()}


def test_both_workers_answer(story: Story) -> None:
    """One socket, two processes: callers come to either."""
    assert 2 == len(story.before)
    assert {"1", "2"} == story.answering


def test_a_worker_that_is_killed_is_replaced(story: Story) -> None:
    """Another takes its place, and an operator reads of both."""
    assert story.before[1] in story.after
    assert 2 == len(story.after)
    assert story.before[0] not in story.after
    told = [one for one in story.lines() if "worker" in one]
    assert [("a worker has ended", "SIGKILL"), ("a worker was started again", None)] == [
        (one["message"], one.get("how")) for one in told
    ]


def test_a_worker_that_is_killed_costs_what_it_had_in_hand(story: Story) -> None:
    """Whoever it was answering is cut off, once; nobody else, and nobody afterwards."""
    assert len(story.killed.cut_off) <= ASKING
    assert 0 == story.killed.refused
    assert {200} == set(story.killed.statuses)
    assert len(story.killed.answers) > 50


def test_totals_never_go_back(story: Story) -> None:
    """A worker that dies leaves its counts behind."""
    assert sorted(story.totals) == story.totals
    assert story.totals[-1] > story.totals[0] > 0


def test_all_that_was_answered_is_counted(story: Story) -> None:
    """Whichever is scraped tells of all; more is only what was cut off on its way out."""
    answered = len(story.killed.answers)
    assert answered <= story.counted <= answered + len(story.killed.cut_off)


def test_workers_and_their_replacements_are_counted(story: Story) -> None:
    """Two serve with one policy, one was replaced."""
    policies = re.findall(r"^authz_policy_info\{.*\} (.*)$", story.metrics, re.MULTILINE)
    assert (2.0, 1.0, ["2.0"]) == (
        sample(story.metrics, "authz_workers"),
        sample(story.metrics, "authz_worker_restarts_total"),
        policies,
    )
    assert 2.0 == sample(story.metrics, "authz_workers_wanted")
    assert 0.0 == sample(story.metrics, "authz_shed_requests_total")


def test_a_stop_under_load_drops_nobody(story: Story) -> None:
    """Everybody who has sent a request is answered; the others cannot connect any more."""
    assert ([], ASKING, {200}) == (
        story.stopped.cut_off,
        story.stopped.refused,
        set(story.stopped.statuses),
    )
    assert len(story.stopped.answers) > 20
    assert 0 == story.code


def test_every_answer_is_in_the_log_once(story: Story) -> None:
    """Two processes write one decision log, and neither loses nor tears a line of the other."""
    answers = story.killed.answers + story.stopped.answers
    answered = [json.loads(one)["decisao_id"] for one in answers]
    logged = Counter(one["id"] for one in written.records(story.folder / "var"))
    assert len(answered) == len(set(answered))
    assert {1} == {logged[one] for one in answered}


def test_nothing_stays_behind(story: Story) -> None:
    """After a stop there is no process and no folder of metrics."""
    assert [] == list((story.folder / "var" / "workers").iterdir())
    for pid in {*story.before, *story.after}:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


# Starting


def ended(folder: Path, **settings: str) -> tuple[int, str]:
    """Run two workers that cannot serve, and give the exit code and what was said."""
    done = authz(folder, "serve", **{**SETTINGS, "AUTHZ_PORT": str(free_port()), **settings})
    return done.returncode, done.stderr


def test_settings_that_cannot_be_used_are_told_once(tmp_path: Path) -> None:
    """As by one process: exit code 1, and each problem in one line."""
    code, said = ended(tmp_path, AUTHZ_MAX_BODY="x")
    assert 1 == code
    assert 1 == said.count("AUTHZ_MAX_BODY")
    assert not (tmp_path / "var").exists()


def test_a_database_that_cannot_be_used_is_told_once(tmp_path: Path) -> None:
    """What keeps the first worker from serving ends the service, before there is a second."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "authz.db").write_bytes(b"no database" * 1000)
    code, said = ended(tmp_path)
    assert 1 == code
    assert 1 == len(said.splitlines())
    assert [] == list((tmp_path / "var" / "workers").iterdir())


def test_a_port_in_use_is_told_before_there_are_workers(tmp_path: Path) -> None:
    """The supervisor opens the socket, so nobody starts in vain."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = ended(tmp_path, AUTHZ_PORT=str(taken.getsockname()[1]))
    assert (1, 1) == (code, len(said.splitlines()))
    assert "in use" in said


WITHOUT_GRANIAN = """
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, *rest):
        return None if name.partition(".")[0] == "granian" else super().find_spec(name, *rest)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


def test_granian_is_only_for_whom_it_is_installed(tmp_path: Path) -> None:
    """Whoever asks for it without having it is told what to do, and nothing has begun."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_GRANIAN)
    paths = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    for arguments, settings in (
        (("serve", "--server", "granian"), {}),
        (("serve",), {"AUTHZ_SERVER": "granian"}),
    ):
        done = authz(tmp_path, *arguments, **paths, **settings)
        assert (1, "") == (done.returncode, done.stdout)
        assert "granian is not installed: install `inmetro-authz-service[granian]`" in done.stderr
    assert not (tmp_path / "var").exists()
    # Nor is it imported by whom it is not asked of.
    assert 0 == authz(tmp_path, "serve", "--help", **paths).returncode


# The supervisor, with workers that do next to nothing


@contextmanager
def several(folder: Path, count: int = 2, server: str = "waitress") -> Iterator[Running]:
    """Supervise workers that answer with their process's number."""
    arguments = (str(count), str(free_port()), str(folder), server, "0")
    running = Running(folder, *arguments, program=PROGRAM)
    try:
        yield running
    finally:
        running.kill()


def answering(running: Running, among: list[int]) -> bool:
    """Tell whether every one of *among* has answered, having asked until that or for a time."""
    missing = set(among)

    def asked() -> bool:
        missing.discard(int(running.send("GET", "/").body))
        return not missing

    return eventually(asked)


def closed(port: int) -> bool:
    """Tell whether nobody listens on *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_stops_all(tmp_path: Path, number: signal.Signals, server: str) -> None:
    """What is sent to the one program that was started ends all, with exit code 0."""
    with several(tmp_path, server=server) as running:
        running.process.send_signal(number)
        assert 0 == running.process.wait(timeout=30)
        assert closed(running.port)
        assert [] == list((tmp_path / "workers").iterdir())


def test_a_signal_to_all_of_them_is_one_stop(tmp_path: Path) -> None:
    """As systemd may send it: workers that end by themselves then are not replaced."""
    with several(tmp_path) as running:
        for pid in (running.process.pid, *workers_of(running)):
            os.kill(pid, signal.SIGTERM)
        assert 0 == running.process.wait(timeout=30)
        assert closed(running.port)


@pytest.mark.parametrize("server", SERVERS)
def test_a_connection_that_is_in_use_has_its_last_answer(tmp_path: Path, server: str) -> None:
    """Who keeps a connection and asks again during a stop is answered, and told it is over."""
    with several(tmp_path, 1, server) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        said = []
        for seconds in (0.0, 0.6):
            time.sleep(seconds)
            connection.request("GET", "/")
            with connection.getresponse() as answer:
                answer.read()
                said.append((answer.status, answer.getheader("Connection")))
            running.process.terminate()
        connection.close()
        assert [(200, None), (200, "close")] == said
        assert 0 == running.process.wait(timeout=30)


@pytest.mark.parametrize("server", SERVERS)
def test_workers_without_a_supervisor_stop(tmp_path: Path, server: str) -> None:
    """Nobody could stop or replace them any more, so they finish what they have and go."""
    with several(tmp_path, server=server) as running:
        left = workers_of(running)
        running.kill()
        assert eventually(lambda: closed(running.port))
        for pid in left:
            assert eventually(lambda pid=pid: not Path(f"/proc/{pid}").exists())  # type: ignore[misc]  # of this turn


def test_a_folder_of_a_killed_supervisor_is_taken_away_by_the_next(tmp_path: Path) -> None:
    """Metrics of the dead are neither kept nor counted; those of the living are left alone."""
    with several(tmp_path, 1) as killed:
        killed.kill()
        place = tmp_path / "workers"
        [left] = place.iterdir()
        with metrics_folder(tmp_path) as first, metrics_folder(tmp_path) as second:
            assert {first, second} == set(place.iterdir())
            assert left not in (first, second)
    assert [] == list(place.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "metrics-abcdefgh",
        "workers/metrics-2026",
        "workers/metrics-abcdefgh.bak",
        "workers/metrics-ABCDEFGH",
        "workers/other",
    ],
)
def test_what_is_somebody_elses_is_left_alone(tmp_path: Path, name: str) -> None:
    """Only folders of exactly our names are taken away, and only in the folder that is ours."""
    theirs = tmp_path / name / "samples"
    theirs.mkdir(parents=True)
    with metrics_folder(tmp_path):
        pass

    assert theirs.is_dir()


@pytest.mark.parametrize("server", SERVERS)
def test_a_worker_that_is_told_to_stop_is_replaced(tmp_path: Path, server: str) -> None:
    """An operator may have one begin anew: it finishes, and the others go on."""
    with several(tmp_path, server=server) as running:
        first, second = workers_of(running)
        callers = Callers(lambda one: one.request("GET", "/"), running.port)
        os.kill(first, signal.SIGTERM)
        assert eventually(lambda: len({*workers_of(running)} - {first}) == 2)
        now = workers_of(running)
        assert second in now
        assert answering(running, now)
        heard = callers.stop()
        assert ([], 0) == (heard.cut_off, heard.refused)


@pytest.mark.parametrize(("verdict", "code"), [("3", 3), ("-9", 1)])
def test_what_ends_the_first_ends_all(tmp_path: Path, verdict: str, code: int) -> None:
    """Its exit code is the service's; of a signal, which nobody has told, the log tells."""
    (tmp_path / "die").write_text(verdict)
    done = subprocess.run(
        [*PROGRAM, "3", str(free_port()), str(tmp_path), "waitress", "0"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (code, code == 1) == (done.returncode, '"how": "SIGKILL"' in done.stderr)
    assert 1 >= done.stderr.count("a worker has ended")
    assert "serving" not in done.stdout


def test_a_worker_that_cannot_begin_again_is_tried_less_and_less(tmp_path: Path) -> None:
    """Replacing it costs the others little, and it is there when the cause is gone."""
    with several(tmp_path) as running:
        (tmp_path / "die").write_text("1")
        first, second = workers_of(running)
        os.kill(first, signal.SIGKILL)
        pattern = re.compile(r'"how": "(.*?)", "again_in": ([0-9.]+)')
        assert eventually(lambda: len(pattern.findall(running.err.read_text())) == 3)
        assert [second] == workers_of(running)
        assert [("SIGKILL", "0.1"), ("exit code 1", "1.0"), ("exit code 1", "2.0")] == (
            pattern.findall(running.err.read_text())
        )
        assert 1.0 == sample(running.send("GET", "/metrics").body.decode(), "authz_workers")
        (tmp_path / "die").unlink()
        assert eventually(lambda: len(workers_of(running)) == 2)


@ONE_CORE
def test_each_worker_of_waitress_has_a_core_of_its_own(tmp_path: Path) -> None:
    """Its threads would fight over two; those of the next worker are on another."""
    with several(tmp_path) as running:
        workers = workers_of(running)
        # All that answer, and the one that takes in; others of a process hardly ever work.
        assert eventually(lambda: all(len(held_on(pid)) > THREADS for pid in workers))
        assert [1, 1] == [len(set(held_on(pid))) for pid in workers]
        assert 2 == len({core for pid in workers for core in held_on(pid)})
        assert [] == held_on(running.process.pid)


@ONE_CORE
def test_a_worker_of_granian_is_free_to_roam(tmp_path: Path) -> None:
    """Its network has threads of its own, which are best beside the one that decides."""
    with several(tmp_path, 1, "granian") as running:
        assert [] == [core for pid in workers_of(running) for core in held_on(pid)]


def held_on(pid: int) -> list[int]:
    """Give the core of each thread of a process that is held on one."""
    tasks = [os.sched_getaffinity(int(one.name)) for one in Path(f"/proc/{pid}/task").iterdir()]
    return [core for cores in tasks if len(cores) == 1 for core in cores]


def test_who_lived_long_is_replaced_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only deaths in a row count; a minute of work ends the row."""
    worker, now = Worker(Share(Path(), "1")), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    soon = []
    for _ in range(len(BACK_OFF) + 2):
        worker._began = now[0]
        now[0] += STEADY_SECONDS
        soon.append(worker.due_again())
    now[0] += 0.5

    assert [*BACK_OFF, BACK_OFF[-1], BACK_OFF[-1]] == soon
    assert BACK_OFF[0] == worker.due_again()
    worker._began = now[0]
    assert BACK_OFF[0] == worker.due_again()


def test_a_place_is_read_as_it_was_written(tmp_path: Path) -> None:
    """One argument of the command line holds it, whatever the folder is called."""
    place = Place(Share(tmp_path / "a:b c", "supervised"), 3, (4, 5))
    assert place == Place.parse(str(place))


@pytest.mark.parametrize("text", ["", "1", "1:2:3", "1:x:3:f", "1:2::f", "1:2:3,:f"])
def test_what_is_no_place_is_refused(text: str) -> None:
    """Whoever calls the verb by hand is told that it is wrong."""
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        Place.parse(text)


@pytest.mark.soak
@pytest.mark.parametrize("server", SERVERS)
def test_no_stop_under_load_drops_anybody(
    tmp_path: Path, pytestconfig: pytest.Config, server: str
) -> None:
    """One after another, at any moment."""
    for turn in range(20 if pytestconfig.getoption("--soak") else 1):
        with several(tmp_path, server=server) as running:
            callers = Callers(lambda one: one.request("GET", "/"), running.port)
            time.sleep(0.4 + turn / 100)
            assert 0 == running.stop()
            heard = callers.wait()
        assert ([], ASKING) == (heard.cut_off, heard.refused)
        assert len(heard.answers) > 50
