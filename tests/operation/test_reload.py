"""Editing the policy files of a running service: real files, a real server, nobody restarts it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import written
from tests.operation.house import FEW, SHIPPED, Running, called, free_port, furnish
from tests.operation.signing_in import eventually

COMPANY, SOCIO = "52420282000180", "72268402517"
CSV = "code,title,version\nP001,Acreditação Inicial,3\nP777,Experimental,1\n"
SCOPES = ("decide", "standing:assert", "metrics", "policy:read")
# A process that no shipped test speaks of, so that the edit passes them.
STOP = (
    "# Nobody opens P777.\n"
    'forbid(_p: Person, "open", process: Process, "process-closed") if process.code = "P777";\n'
)
ALL = 'forbid(_person: Person, "open", _process: Process, "process-closed");\n'
MISTAKE = 'forbid(_person: Person, "open", process: Process, "process-closed") if proces.closed;\n'


class Live:
    """A service on a copy of some policies, whose sócio may open both processes."""

    def __init__(self, folder: Path, policies: Path = FEW, **settings: str) -> None:
        self.home, self.folder = folder, folder / "policies"
        self.key = furnish(folder, CSV, {"tests": SCOPES}, policies=policies)["tests"]
        self.settings = settings
        self.running = self.start()
        person = {"cpf": SOCIO, "registered": True, "confirmed": True}
        self._done("/v1/people", person)
        self._done("/v1/standing", {"cpf": SOCIO, "company": COMPANY, "role": "socio"})

    def _done(self, path: str, body: object) -> None:
        assert 200 == self.running.send("POST", path, body, key=self.key).status

    def start(self) -> Running:
        """Start it, on another port than before."""
        self.running = Running(self.home, AUTHZ_PORT=str(free_port()), **self.settings)
        return self.running

    def opens(self, process: str = "P777") -> bool:
        """Ask whether the sócio may open a process."""
        body = {"cpf": SOCIO, "cnpj": COMPANY, "processo": process, "acao": "iniciar"}
        answer = self.running.send("POST", "/v1/orquestra/decisao", body, key=self.key)
        assert 200 == answer.status
        return bool(answer.json["permitido"])

    def policy(self) -> Any:
        """Give what the service says of its policy."""
        answer = self.running.send("GET", "/v1/policy", key=self.key)
        assert 200 == answer.status
        return answer.json

    def digests(self) -> set[str]:
        """Give the digests by which the workers decide."""
        return {one["digest"] for one in self.policy()["workers"]}

    def part(self) -> str:
        """Give what readiness says of the policy folder; it is ready all the same."""
        answer = self.running.send("GET", "/readyz")
        assert 200 == answer.status
        return str(answer.json["parts"]["policy folder"])

    def gauge(self, name: str) -> float:
        """Give one number of the metrics."""
        text = self.running.send("GET", "/metrics", key=self.key).body.decode()
        [line] = [one for one in text.splitlines() if one.startswith(f"{name} ")]
        return float(line.split()[-1])

    def lines(self) -> list[dict[str, Any]]:
        """Give the lines of the application log about attempts at the policy."""
        lines = [one for one in self.running.err.read_text().splitlines() if '"outcome"' in one]
        return [json.loads(one) for one in lines]

    def acts(self) -> list[dict[str, Any]]:
        """Give the records of policies that came into force."""
        records = written.records(self.home / "var")
        return [one["details"] for one in records if one.get("act") == "policy.applied"]

    def refused(self) -> bool:
        """Tell whether every worker has refused what the folder holds."""
        attempts = [one["attempt"] for one in self.policy()["workers"]]
        return all(one["outcome"] == "refused" for one in attempts)

    def status(self) -> tuple[int, str]:
        """Give exit code and text of ``authz policy status``."""
        done = called(self.home, "policy", "status")
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="live")
def _live(tmp_path: Path) -> Iterator[Live]:
    live = Live(tmp_path)
    yield live
    live.running.kill()


@pytest.fixture(name="shipped")
def _shipped(tmp_path: Path) -> Iterator[Live]:
    """Give one on all that is shipped, whose every edit takes longer to explore."""
    live = Live(tmp_path, SHIPPED)
    yield live
    live.running.kill()


def test_an_edit_counts_without_a_restart(shipped: Live) -> None:
    """A new file changes the decision, and every place that tells of the policy says so."""
    live = shipped
    [before] = live.digests()
    assert live.opens()

    (live.folder / "stop.polar").write_text(STOP)
    assert eventually(lambda: not live.opens())

    assert live.opens("P001")
    [after] = live.digests()
    assert before != after
    assert eventually(lambda: live.policy()["current"])
    assert [{"digest": before, "before": None}, {"digest": after, "before": before}] == live.acts()
    assert ("ok", 1.0) == (live.part(), live.gauge("authz_policy_folder_in_force"))
    assert ["applied", "applied"] == [one["outcome"] for one in live.lines()]
    code, said = live.status()
    assert (0, True) == (code, after[:12] in said)


@pytest.mark.parametrize(
    ("edit", "said"),
    [(MISTAKE, "stop.polar:1:"), (ALL, "_test.toml")],
    ids=["a mistake", "what the tests refuse"],
)
def test_a_bad_edit_reaches_nobody_and_is_told(live: Live, edit: str, said: str) -> None:
    """Decisions stay; readiness, metric, log, ``/v1/policy`` and the command line say why."""
    before = live.digests()

    (live.folder / "stop.polar").write_text(edit)
    assert eventually(live.refused)

    assert (True, True, before) == (live.opens(), live.opens("P001"), live.digests())
    assert said in live.part()
    assert 0.0 == live.gauge("authz_policy_folder_in_force")
    [worker] = live.policy()["workers"]
    assert said in worker["attempt"]["problems"][0]["file"] + ":1:"
    assert ("refused", "error") == (live.lines()[-1]["outcome"], live.lines()[-1]["level"])
    assert said in live.lines()[-1]["first"]
    code, told = live.status()
    assert (1, True) == (code, said in told)

    (live.folder / "stop.polar").unlink()
    assert eventually(lambda: live.policy()["current"])
    assert (1, "ok", 0) == (len(live.acts()), live.part(), live.status()[0])


def test_the_tests_are_not_lost_unnoticed(shipped: Live) -> None:
    """What is in force tells how many questions it answered; an edit that asks none is refused."""
    live = shipped
    [before] = live.policy()["workers"]
    asked = before["attempt"]["questions"]
    assert asked > 100
    assert asked == live.lines()[-1]["questions"]
    assert str(asked) in live.status()[1]

    (live.folder / "opening.polar.txt").touch()
    for one in live.folder.glob("*_test.toml"):
        one.unlink()
    assert eventually(live.refused)

    [worker] = live.policy()["workers"]
    assert (before["digest"], 0) == (worker["digest"], worker["attempt"]["questions"])
    assert ["tests-gone"] == [one["check"] for one in worker["attempt"]["problems"]]
    assert ["opening.polar.txt"] == worker["attempt"]["passed_over"]
    assert "opening.polar.txt" == live.lines()[-1]["passed_over"]
    assert "opening.polar.txt" in live.status()[1]


def test_a_name_that_cannot_be_shown_ends_no_watch(live: Live) -> None:
    """A link with a name of another age is told, and once it is gone the next edit counts."""
    (live.home / "out").mkdir()
    link = live.folder / os.fsdecode(b"a\xe7\xf5es")
    link.symlink_to("../out")
    assert eventually(live.refused)
    assert r"'a\udce7\udcf5es'" in live.part()
    looked = live.gauge("authz_policy_look_timestamp_seconds")

    link.unlink()
    (live.folder / "stop.polar").write_text(STOP)
    assert eventually(lambda: not live.opens())
    assert eventually(lambda: live.gauge("authz_policy_look_timestamp_seconds") > looked)


def _moved(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "stop.polar").rename(folder / "more" / "none.polar")


def _swapped(folder: Path) -> None:
    """Do as Kubernetes does with a ConfigMap: links to a link to a folder, which is exchanged."""
    names = [one.name for one in folder.iterdir() if one.is_file()]
    for version in ("..one", "..two"):
        (folder / version).mkdir()
        for name in names:
            shutil.copy(folder / name, folder / version / name)
    with (folder / "..two" / "stop.polar").open("a") as file:
        file.write("# Another version.\n")
    (folder / "..data").symlink_to("..one")
    for name in names:
        (folder / f".{name}").symlink_to(f"..data/{name}")
        (folder / f".{name}").rename(folder / name)
    (folder / "..data_tmp").symlink_to("..two")
    (folder / "..data_tmp").rename(folder / "..data")


@pytest.mark.parametrize("edit", [_moved, _swapped], ids=["renamed", "a link swapped"])
def test_files_may_come_in_any_way(live: Live, edit: Callable[[Path], None]) -> None:
    """A file in a new folder under a new name, and a mounted ConfigMap, are edits as any other."""
    (live.folder / "stop.polar").write_text(STOP)
    assert eventually(lambda: not live.opens())
    before = live.digests()

    edit(live.folder)
    assert eventually(lambda: live.digests() != before)

    assert (False, True) == (live.opens(), live.opens("P001"))


def test_half_a_file_counts_when_it_is_whole(live: Live) -> None:
    """What an editor or a copy leaves half-written is refused, and taken once it is completed."""
    with (live.folder / "stop.polar").open("w") as file:
        file.write(STOP[:70])
        file.flush()
        assert eventually(live.refused)
        assert live.opens()
        file.write(STOP[70:])

    assert eventually(lambda: not live.opens())


def test_to_delete_a_file_takes_its_rules_out_and_to_delete_all_changes_nothing(
    live: Live,
) -> None:
    """A rule is gone with its file; a folder that is gone is no policy, so the last one stays."""
    (live.folder / "stop.polar").write_text(STOP)
    assert eventually(lambda: not live.opens())
    (live.folder / "stop.polar").unlink()
    assert eventually(live.opens)
    before = live.digests()

    live.folder.rename(live.home / "aside")
    assert eventually(live.refused)

    assert (True, before) == (live.opens(), live.digests())
    assert "there is no policy folder of this name" in live.part()
    (live.home / "aside").rename(live.folder)
    assert eventually(lambda: live.policy()["current"])


def test_a_restart_with_a_bad_folder_serves_the_last_good_policy(live: Live) -> None:
    """What was in force still is, and readiness says so; the next good edit counts."""
    (live.folder / "stop.polar").write_text(STOP)
    assert eventually(lambda: not live.opens())
    [was] = live.policy()["workers"]
    assert 0 == live.running.stop()
    (live.folder / "stop.polar").write_text(MISTAKE)

    live.start()

    [worker] = live.policy()["workers"]
    assert ("last-good", was["digest"], was["since"]) == tuple(
        worker[name] for name in ("source", "digest", "since")
    )
    assert (False, True) == (live.opens(), live.opens("P001"))
    assert live.part().startswith("the last good policy that was kept is in force")
    assert (0.0, 2) == (live.gauge("authz_policy_folder_in_force"), len(live.acts()))
    assert 1 == live.status()[0]

    (live.folder / "stop.polar").unlink()
    assert eventually(live.opens)
    assert "ok" == live.part()


def test_any_worker_tells_of_all_and_one_that_is_gone_of_none(tmp_path: Path) -> None:
    """Whoever is asked, each worker stands there once; what a stopped service left is nothing."""
    live = Live(tmp_path, AUTHZ_WORKERS="2")
    try:
        assert ["1", "2"] == [one["worker"] for one in live.policy()["workers"]]
        (live.folder / "stop.polar").write_text(STOP)
        assert eventually(lambda: len(live.acts()) == 2)
        assert eventually(lambda: {live.acts()[-1]["digest"]} == live.digests())
        assert live.policy()["current"]
        assert not any(live.opens() for _ in range(10))
        pids = [one["pid"] for one in live.policy()["workers"]]
        os.kill(pids[0], 9)
        assert eventually(
            lambda: {one["pid"] for one in live.policy()["workers"]} & set(pids) == {pids[1]}
        )
        assert eventually(lambda: len(live.policy()["workers"]) == 2)
        assert 0 == live.running.stop()
    finally:
        live.running.kill()
    code, said = live.status()
    assert (1, "no service runs on the data folder var\n") == (code, said)


def test_the_command_line_says_what_the_folder_holds_meanwhile(live: Live) -> None:
    """A folder that is another one than was tried is no policy in force, nor is one of nobody."""
    shutil.copytree(live.folder, live.home / "next")
    shutil.copy(SHIPPED / "README.md", live.folder)
    assert 0 == live.status()[0]
    (live.folder / "README.md").unlink()
    assert 0 == live.status()[0]
    (live.home / "next" / "stop.polar").write_text(STOP)

    done = called(live.home, "policy", "status", AUTHZ_POLICIES="next")
    assert (1, "worker 0 has not tried what the folder holds now\n") == (
        done.returncode,
        done.stderr,
    )
    gone = called(live.home, "policy", "status", AUTHZ_POLICIES="nowhere")
    assert (1, True) == (gone.returncode, "cannot be read" in gone.stderr)
