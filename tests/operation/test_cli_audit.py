"""``authz audit search``, ``export`` and ``index``: the decision log from the shell."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authz_service.bootstrap import build
from authz_service.domain.decision import Caller, CompanyAsked, Question
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.settings import Settings
from tests import written
from tests.operation.house import called, environment, furnish, succeeded

CPF = "18762794604"
OTHER = "72268402517"
COMPANY = "52420282000180"


@pytest.fixture(name="filled", scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder whose service has decided three times, after an act of the operator."""
    folder = tmp_path_factory.mktemp("filled")
    furnish(folder)
    succeeded(called(folder, "client", "add", "portal", "--scope", "decide"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        service = build(Settings.from_env(environment()))
        service.load_policy()
        for person, action in ((CPF, "open"), (OTHER, "open"), (CPF, "=HYPERLINK(1)\x1b[2J")):
            question = Question(Cpf.parse(person), action, CompanyAsked(Cnpj.parse(COMPANY)))
            service.point.decide(question, Caller("portal", address="10.0.0.9"))
        service.close()
    return folder


@pytest.fixture(name="home")
def _home(filled: Path, tmp_path: Path) -> Path:
    """Give each test such a folder of its own."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    return tmp_path


def log(home: Path) -> list[dict[str, Any]]:
    """Give the records that stand in the log, the oldest first."""
    return written.records(home / "var")


def names(home: Path) -> list[str]:
    """Give their ids."""
    return [str(one["id"]) for one in log(home)]


def found(home: Path, *filters: str, given: str = "") -> list[str]:
    """Search, and give the ids of what was found."""
    said = succeeded(called(home, "audit", "search", "--json", *filters, given=given))
    return [str(one["id"]) for one in json.loads(said)["records"]]


def test_a_search_shows_a_table_the_newest_record_first(home: Path) -> None:
    """One row each; what a caller sent does not move the terminal's cursor."""
    said = succeeded(called(home, "audit", "search"))
    head, *rows = said.splitlines()
    assert [
        "MOMENT",
        "RECORD",
        "COMPANY",
        "PROCESS",
        "DECISION",
        "REASON",
        "CALLER",
    ] == head.split()
    assert names(home)[::-1] == [row.split()[1] for row in rows]
    callers = ["portal", "portal", "portal", "operator"]
    assert callers == [row.split()[-1] for row in rows]
    assert "\N{REPLACEMENT CHARACTER}[2J" in rows[0]
    assert "\x1b" not in said


def test_filters_are_those_of_the_service(home: Path) -> None:
    """Each alone and together; what is in the log is there at once."""
    act, first, second, third = names(home)
    digest = str(log(home)[1]["policy_digest"])
    reason = str(log(home)[1]["reasons"][0])
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    person = str(log(home)[1]["question"]["actor"])
    everything = [third, second, first, act]
    expected = {
        (): everything,
        ("--kind", "act"): [act],
        ("--kind", "decision", "--limit", "2"): [third, second],
        ("--company", "52.420.282/0001-80"): [third, second, first],
        ("--decision", "denied"): [third, second, first],
        ("--decision", "allowed"): [],
        ("--reason", reason): [third, second, first],
        ("--action", "open"): [second, first],
        ("--caller", "operator"): [act],
        ("--policy", digest): [third, second, first],
        ("--policy", "0" * 64): [],
        ("--process", "p001"): [],
        ("--person", person): [third, first],
        ("--person", person, "--action", "open"): [first],
        ("--from", tomorrow): [],
        ("--to", tomorrow): everything,
    }
    assert expected == {filters: found(home, *filters) for filters in expected}


def test_somebody_is_looked_for_by_a_cpf_from_standard_input(home: Path) -> None:
    """Which is written to the log as an act, under the surrogate."""
    _, first, _, third = names(home)
    assert [third, first] == found(home, "--person", "-", given=f"{CPF}\n")
    last = log(home)[-1]
    assert ("decisions.search", {"person": log(home)[1]["question"]["actor"]}) == (
        last["act"],
        last["details"],
    )
    assert [] == found(home, "--person", "-", "--login", given="ana\n")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--person", CPF),
        ("--person", "x"),
        ("--login",),
        ("--company", "1"),
        ("--limit", "0"),
        ("--from", "yesterday"),
    ],
)
def test_what_cannot_be_read_is_refused(home: Path, wrong: tuple[str, ...]) -> None:
    """A CPF on the command line is not repeated, and nothing is written to the log."""
    before = names(home)
    said = called(home, "audit", "search", *wrong)
    assert said.returncode in (1, 2)
    assert wrong[0] in said.stderr
    assert CPF not in said.stderr
    assert before == names(home)


def test_an_export_as_json_lines_is_the_log(home: Path) -> None:
    """Line for line as they were written, hashes included, in a file for its owner only."""
    to = home / "out.jsonl"
    ended = called(home, "audit", "export", "--format", "jsonl", "--output", str(to))
    assert (0, f"4 records written to {to}\n") == (ended.returncode, ended.stderr)
    lines = to.read_text("utf-8").splitlines()
    assert names(home) == [json.loads(line)["id"] for line in lines]
    assert set(lines) <= set(written.text(home / "var").splitlines())
    assert 0o600 == to.stat().st_mode & 0o777


def test_an_export_as_csv_opens_in_a_spreadsheet(home: Path) -> None:
    """A header, a row for each record, and nothing that a spreadsheet would calculate."""
    to = home / "out.csv"
    succeeded(called(home, "audit", "export", "--format", "csv", "--output", str(to)))
    with to.open(encoding="utf-8", newline="") as file:
        act, first, _, third = csv.DictReader(file)
    record = log(home)[1]
    assert ("act", "client.key", "", "operator") == tuple(
        act[name] for name in ("kind", "action", "decision", "caller")
    )
    assert record["moment"] == first["moment"]
    assert ("denied", " ".join(record["reasons"]), COMPANY, record["question"]["actor"]) == tuple(
        first[name] for name in ("decision", "reasons", "company", "actor")
    )
    assert third["action"].startswith("'=HYPERLINK(1)")
    assert {"client": "portal"}.items() <= json.loads(act["details"]).items()


def test_an_export_takes_the_filters_and_is_an_act_about_somebody(home: Path) -> None:
    """Before anything is written to the file."""
    to = home / "out.jsonl"
    options = ("--format", "jsonl", "--output", str(to), "--action", "open", "--person", "-")
    succeeded(called(home, "audit", "export", *options, given=CPF))
    assert [names(home)[1]] == [json.loads(one)["id"] for one in to.read_text().splitlines()]
    assert "decisions.search" == log(home)[-1]["act"]


def test_an_export_replaces_no_file(home: Path) -> None:
    """What is there stays as it is, and a call that ends in an error leaves none."""
    to = home / "out.csv"
    to.write_text("mine")
    options = ("--format", "csv", "--output", str(to))
    ended = called(home, "audit", "export", *options)
    assert (1, "mine") == (ended.returncode, to.read_text())
    assert "names a file that exists" in ended.stderr
    nowhere = ("--format", "csv", "--output", str(home / "no" / "out.csv"))
    assert 1 == called(home, "audit", "export", *nowhere).returncode


def test_the_index_is_made_anew_on_demand(home: Path) -> None:
    """From a damaged one as well; what is found is the same."""
    before = found(home)
    succeeded(called(home, "audit", "index"))
    [index] = (home / "var").glob("*log-index-1")
    index.write_bytes(b"no database" * 1_000)
    broken = called(home, "audit", "search")
    assert 1 == broken.returncode
    assert "authz audit index --rebuild" in broken.stderr
    succeeded(called(home, "audit", "index", "--rebuild"))
    assert before == found(home)


def test_a_verb_loses_no_act_whatever_the_service_may(tmp_path: Path) -> None:
    """What may be lost are the decisions of a running service; a verb can be called again."""
    furnish(tmp_path)
    shutil.rmtree(tmp_path / "var" / "log", ignore_errors=True)
    (tmp_path / "var").mkdir(exist_ok=True)
    (tmp_path / "var" / "log").touch()
    done = called(tmp_path, "client", "add", "x", "--scope", "decide", AUTHZ_LOG_FAILURE="lose")

    assert (1, "") == (done.returncode, done.stdout)
    assert "decision log cannot be written" in done.stderr
    assert "x" not in called(tmp_path, "client", "list").stdout.split()
