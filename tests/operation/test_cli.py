"""Each verb does what it says, tells why not, and ends with a code that means something."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import termios
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authz_service.domain.errors import Problem
from authz_service.domain.policies import Attempt, Outcome, PolicyStatus, WorkerPolicy
from authz_service.policy.live.content import look_into
from authz_service.policy.live.statuses import StatusBoard
from tests import written
from tests.operation.house import (
    AUTHZ,
    FEW,
    ROOT,
    Running,
    authz,
    called,
    environment,
    free_port,
    furnish,
    succeeded,
)

CSV = "code,title,version\nP001,Acreditação Inicial,3\nP061,Cadastro,1\nP061,Registro,2\n"
QUESTION = {
    "subject": {"type": "person", "id": "18762794604"},
    "action": {"name": "open"},
    "resource": {"type": "process", "id": "P001", "properties": {"cnpj": "52420282000180"}},
}


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    furnish(tmp_path)
    return tmp_path


@pytest.fixture(name="few")
def _few(tmp_path: Path) -> Path:
    """Give one for what is not about the rules, which so takes half of the time."""
    furnish(tmp_path, policies=FEW)
    return tmp_path


def acts(home: Path) -> list[dict[str, object]]:
    """Give the administrative acts in the decision log."""
    return written.acts(home / "var")


def test_a_key_is_printed_once_and_alone(home: Path) -> None:
    """A program can take the key from stdout; the database holds nothing of it but its digest."""
    done = authz(home, "client", "add", "orquestra", "--scope", "decide")

    assert (0, "this key is not shown again\n") == (done.returncode, done.stderr)
    assert re.fullmatch(r"authz_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n", done.stdout)
    stored = b"".join(path.read_bytes() for path in (home / "var").rglob("*") if path.is_file())
    assert done.stdout.strip().encode() not in stored
    assert done.stdout.strip().split("_", 2)[2].encode() not in stored


def test_clients_are_listed_without_their_keys(home: Path) -> None:
    """The list has names, scopes and what limits a key."""
    bounds = ("--network", "10.0.0.0/8", "--expires", "2030-01-01T00:00:00Z")
    succeeded(called(home, "client", "add", "a", "--scope", "decide", "--scope", "metrics"))
    succeeded(called(home, "client", "key", "a", *bounds))
    succeeded(called(home, "client", "revoke", "a"))
    succeeded(called(home, "client", "add", "b", "--scope", "search"))

    listed = called(home, "client", "list").stdout
    assert ["a  decide metrics", "b  search"] == re.findall(r"^\S.*$", listed, re.MULTILINE)
    assert 2 == listed.count("  revoked")
    assert "expires 2030-01-01T00:00:00+00:00, from 10.0.0.0/8" in listed
    assert ["client.key", "client.key", "client.revoke", "client.key"] == [
        one["act"] for one in acts(home)
    ]


def test_an_empty_list_says_so(home: Path) -> None:
    """A new service has no client, and no default one."""
    assert "there is no client yet\n" == called(home, "client", "list").stdout


REFUSED = {
    "an unknown scope": (["client", "add", "a", "--scope", "all"], "scope: `all` is none of"),
    "a client twice": (["client", "add", "twice", "--scope", "decide"], "already"),
    "a key for nobody": (["client", "key", "nobody"], "there is no client `nobody`"),
    "a key of nobody": (["client", "revoke", "twice", "--key", "x"], "has no key `x`"),
    "a bad network": (
        ["client", "key", "twice", "--network", "10.0.0.1/8"],
        "network: `10.0.0.1/8` is no network",
    ),
    "a catalogue that is not there": (
        ["catalogue", "import", "none.csv"],
        "none.csv: No such file",
    ),
    "a policy folder that is not there": (["policy", "test", "none"], "there is no policy folder"),
    "a question that is no JSON": (["explain", "policies/reasons.toml"], "body: must be"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_says_why(home: Path, arguments: list[str], said: str) -> None:
    """Exit code 1, a sentence on stderr, nothing on stdout, and no traceback."""
    succeeded(called(home, "client", "add", "twice", "--scope", "decide"))

    done = called(home, *arguments)

    assert (1, "") == (done.returncode, done.stdout)
    assert said in done.stderr


def test_an_address_that_is_none_is_told(few: Path) -> None:
    """A process that cannot serve ends with exit code 1, a sentence on stderr, and no traceback."""
    done = authz(few, "serve", "--host", "no.such.invalid")

    assert (1, "") == (done.returncode, done.stdout)
    assert "no address to listen on" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["client"],
        ["client", "add", "a"],
        ["serve", "--port", "x"],
        ["serve", "--port", "0"],
        ["serve", "--port", "70000"],
        ["demo", "--port", "-1"],
        ["serve", "--server", "gunicorn"],
        ["policy", "test", "--fail-under", "101"],
        ["policy", "test", "--fail-under", "-1"],
        ["policy", "test", "--fail-under", "all"],
        ["policy", "test", "--format", "xml"],
        ["client", "add", "a", "--scope", "decide", "--expires", "tomorrow"],
        ["client", "add", "a", "--scope", "decide", "--expires", "2030-01-01T00:00:00"],
    ],
)
def test_a_wrong_call_is_told_apart(home: Path, arguments: list[str]) -> None:
    """Exit code 2 is for calls that cannot be understood."""
    done = called(home, *arguments)

    assert 2 == done.returncode
    assert "usage:" in done.stderr


def test_bad_settings_are_told_all_at_once(home: Path) -> None:
    """Every problem of the environment has a line."""
    done = authz(home, "serve", AUTHZ_PORT="x", AUTHZ_POLICES="p", POLAR_LOG="1")

    assert 1 == done.returncode
    assert 4 == len(done.stderr.splitlines())


def test_settings_are_shown(home: Path) -> None:
    """The printed table is the documented one."""
    printed = called(home, "settings").stdout.strip()

    assert printed in (ROOT / "README.md").read_text("utf-8")


def test_a_catalogue_is_imported_and_listed(home: Path) -> None:
    """What is new is named, what is known is counted, and the list shows all."""
    (home / "processes.csv").write_text(CSV, "utf-8")

    first = called(home, "catalogue", "import", "processes.csv")
    second = called(home, "catalogue", "import", "-", given=CSV.replace(",2\n", ",3\n"))

    assert (0, "3 added, 0 changed, 0 unchanged\n") == (first.returncode, first.stderr)
    assert "added    p061-registro  P061 - Registro v.2" in first.stdout
    assert "0 added, 1 changed, 2 unchanged\n" == second.stderr
    assert "changed  p061-registro  P061 - Registro v.3\n" == second.stdout
    assert [
        "p001-acreditacao-inicial\tP001 - Acreditação Inicial v.3\topen",
        "p061-cadastro\tP061 - Cadastro v.1\topen",
        "p061-registro\tP061 - Registro v.3\topen",
    ] == called(home, "catalogue", "list").stdout.splitlines()


def test_a_bad_catalogue_changes_nothing(home: Path) -> None:
    """Every bad row is told, and none of the good ones is taken."""
    done = called(home, "catalogue", "import", "-", given=f"{CSV}P1,,1\nP2,x,y\n")

    assert 1 == done.returncode
    assert ["nothing was imported:", "row 4: title", "row 5: version"] == [
        line.rsplit(": must", 1)[0] for line in done.stderr.splitlines()
    ]
    assert "" == succeeded(called(home, "catalogue", "list"))


def test_a_catalogue_that_is_no_utf8_is_told(home: Path) -> None:
    """An export in another encoding is refused with the remedy."""
    (home / "latin.csv").write_bytes(CSV.encode("latin-1"))

    done = called(home, "catalogue", "import", "latin.csv")

    assert (1, "latin.csv: is not UTF-8; save it as UTF-8\n") == (done.returncode, done.stderr)


def test_a_good_policy_passes_check_and_test(home: Path) -> None:
    """The shipped policies pass, with their counts and digest."""
    check, test = called(home, "policy", "check"), called(home, "policy", "test", "policies")

    assert (0, 0) == (check.returncode, test.returncode)
    assert re.fullmatch(r"6 files, \d+ rules, digest [0-9a-f]{64}\n", check.stdout)
    assert re.fullmatch(
        r"\d+ files, \d+ questions, 0 answered otherwise\n"
        r"covered: 100 % of \d+ rules, 100 % of \d+ conditions\n",
        test.stdout,
    )
    assert "" == test.stderr


def test_a_bad_policy_is_told_with_its_places(home: Path) -> None:
    """File, line and column stand before each problem, and the exit code is 1."""
    (home / "policies" / "bad.polar").write_text(
        'permit(p: Person, "open", _r: Process, "represents") if\n    cut;\n'
        'permit(p: Prson, "open", _r: Process, "represents");\n'
    )

    for verb, summary in (("check", "7 files, 21 rules, 2 problems\n"), ("test", "")):
        done = called(home, "policy", verb)
        assert (1, summary) == (done.returncode, done.stdout)
        [cut, unknown] = done.stderr.splitlines()
        assert cut.startswith("bad.polar:2:5: `cut` is not accepted: it hides other rules")
        assert cut.endswith("; write a `forbid` instead")
        assert unknown.startswith("bad.polar:3:11: `Prson` is no class; there are: Bond, Company")
        assert unknown.endswith("; did you mean `Person`?")


def test_the_check_speaks_to_programs(home: Path) -> None:
    """One JSON document on stdout with what is wrong, its place, its code and its remedy."""
    (home / "policies" / "bad.polar").write_text(
        'forbid(_p, "open", process: Process, "process-closed") if process.state = "cloesd";\n'
    )

    done = called(home, "policy", "check", "--format", "json")

    document = json.loads(done.stdout)
    assert (1, "") == (done.returncode, done.stderr)
    assert (7, 22) == (document["files"], document["rules"])
    assert re.fullmatch("[0-9a-f]{64}", document["digest"])
    assert [
        {
            "file": "bad.polar",
            "line": 1,
            "column": 59,
            "message": "`cloesd` is none of its words: closed, open, unknown",
            "check": "unknown-value",
            "remedy": "did you mean `closed`?",
        }
    ] == document["problems"]

    (home / "policies" / "bad.polar").unlink()
    sound = called(home, "policy", "check", "--format", "json")
    assert (0, []) == (sound.returncode, json.loads(sound.stdout)["problems"])


def test_a_check_of_nothing_is_told_apart(home: Path) -> None:
    """Exit code 2 says that there was nothing to check, so a script does not take it for sound."""
    done = called(home, "policy", "check", "none")

    assert (2, "") == (done.returncode, done.stdout)
    assert "none: there is no policy folder of this name\n" == done.stderr


def test_the_check_shows_how_far_it_is(home: Path) -> None:
    """Who waits at a terminal sees what is done meanwhile; it stands on stderr, and is wiped."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    # One without a width is taken for none.
    termios.tcsetwinsize(theirs, (24, 80))
    done = subprocess.run(
        [*AUTHZ, "policy", "check"],
        cwd=home,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        timeout=60,
        check=False,
    )
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    os.close(theirs)

    assert (0, 1) == (done.returncode, len(done.stdout.splitlines()))
    for said in ("check [", "compile 7 files [", "explore "):
        assert said in shown
    assert shown.rsplit("\r", 2)[1].isspace()


def test_workers_that_say_the_same_are_told_together(home: Path) -> None:
    """No worker stands there without a reason, and none of the reasons is told twice."""
    (home / "policies" / "a.polar.txt").touch()
    content = look_into(home / "policies").digest
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    bad, other = (Problem("a.polar", 1, 1, said) for said in ("is wrong", "is wrong as well"))
    said = {
        "1": Attempt(at, content, Outcome.REFUSED, (bad, other)),
        "2": Attempt(at, content, Outcome.REFUSED, (bad, other)),
        "3": Attempt(at, content, Outcome.REFUSED, (other,)),
        "4": Attempt(at, content, Outcome.APPLIED, questions=1234),
        "5": Attempt(at, "another", Outcome.APPLIED),
        "10": None,
    }
    boards = [StatusBoard(home / "var" / "policy" / "status") for _place in said]
    for board, (place, attempt) in zip(boards, said.items(), strict=True):
        board.post(WorkerPolicy(place, 1, PolicyStatus(attempt=attempt)))

    done = called(home, "policy", "status")
    for board in boards:
        board.close()

    assert "not read, for their names: a.polar.txt" == done.stdout.splitlines()[-1]
    rows = [line.split() for line in done.stdout.splitlines()[:-1]]
    assert (1, ["WORKER", *said]) == (done.returncode, [row[0] for row in rows])
    assert ["QUESTIONS", "-", "-", "-", "1234", "-", "-"] == [row[-1] for row in rows]
    assert [
        "workers 5, 10 have not tried what the folder holds now",
        "workers 1, 2 do not decide by the folder, since:",
        "    a.polar:1:1: is wrong",
        "    a.polar:1:1: is wrong as well",
        "worker 3 does not decide by the folder, since:",
        "    a.polar:1:1: is wrong as well",
    ] == done.stderr.splitlines()


def test_an_unused_reason_is_told(home: Path) -> None:
    """A text that no rule gives is shown to nobody."""
    with (home / "policies" / "reasons.toml").open("a", encoding="utf-8") as file:
        file.write('[[reason]]\ncode = "late"\ncodigo = "TARDE"\npt = "Tarde."\nen = "Late."\n')

    done = called(home, "policy", "check")

    assert (1, True) == (done.returncode, "no rule gives the reason `late`" in done.stderr)


def test_a_widened_policy_fails_its_tests(home: Path) -> None:
    """A rule that lets the accountant in is found by the tests beside it, in readable words."""
    file = home / "policies" / "standing.polar"
    file.write_text(
        file.read_text("utf-8").replace('["socio", ', '["socio", "contador", '), "utf-8"
    )

    done = called(home, "policy", "test")

    assert 1 == done.returncode
    assert re.search(
        r"^opening_test\.toml:\d+  only a partner .*\n"
        r"    question +expected +but is\n"
        r"    contador open P001 for matriz +deny \(no-permit\) +allow \(represents\)\n"
        r"    contador open P070 for matriz +deny \(no-permit\) +allow \(represents\)\n"
        r"        opening\.polar:9 permits: process\.company\.standing\.role = \"contador\",$",
        done.stderr,
        re.MULTILINE,
    )
    assert "was never" not in done.stderr


def test_what_the_tests_do_not_reach_is_told(home: Path) -> None:
    """With file, line and words; below the percentage that is asked for the exit code is 1."""
    (home / "policies" / "sign_in_test.toml").unlink()

    any_share = called(home, "policy", "test")
    too_little = called(home, "policy", "test", "--fail-under", "100")
    enough = called(home, "policy", "test", "--fail-under", "50")

    assert (0, 1, 0) == (any_share.returncode, too_little.returncode, enough.returncode)
    assert re.search(r"covered: \d\d % of \d+ rules, \d\d % of \d+ conditions\n", any_share.stdout)
    missing = "    sign_in.polar:5  process.question.sign_in.agent was never true\n"
    assert all(missing in done.stderr for done in (any_share, too_little, enough))
    assert too_little.stderr.endswith("less is covered than the 100 % of --fail-under\n")
    assert too_little.stdout == any_share.stdout


def test_a_program_reads_what_a_test_of_policies_finds(home: Path) -> None:
    """One document with every difference, its grounds, and all that is not covered."""
    (home / "policies" / "sign_in_test.toml").unlink()
    file = home / "policies" / "standing.polar"
    file.write_text(
        file.read_text("utf-8").replace('["socio", ', '["socio", "contador", '), "utf-8"
    )

    done = called(home, "policy", "test", "--format", "json")

    found = json.loads(done.stdout)
    [one] = [
        difference
        for difference in found["differences"]
        if difference["asked"] == "contador open P001 for matriz"
    ]
    assert (1, "") == (done.returncode, done.stderr)
    assert ("opening_test.toml", False, ["no-permit"], True, ["represents"], []) == (
        one["file"],
        one["expected"]["allowed"],
        one["expected"]["reasons"],
        one["actual"]["allowed"],
        one["actual"]["reasons"],
        one["unheard"],
    )
    assert one["case"].startswith("only a partner")
    assert one["line"] > 0
    [ground] = one["grounds"]
    assert ("opening.polar:9", "permits") == (ground["rule"], ground["said"])
    assert 'process.company.standing.role = "contador"' in ground["because"]
    rules, conditions = found["coverage"]["rules"], found["coverage"]["conditions"]
    assert rules["covered"] == rules["of"] - 2
    assert 100 * rules["covered"] / rules["of"] == rules["percent"]
    assert {
        "file": "sign_in.polar",
        "line": 5,
        "message": "process.question.sign_in.agent was never true",
    } in conditions["gaps"]
    assert len(list((home / "policies").glob("*_test.toml"))) == found["files"]
    assert found["asked"] > len(found["differences"])


def test_a_folder_without_tests_is_no_pass(home: Path) -> None:
    """Nothing asked is nothing proved."""
    for file in (home / "policies").glob("*_test.toml"):
        file.unlink()

    done = called(home, "policy", "test")

    assert (1, "there is nothing to ask: no *_test.toml beside the policies\n") == (
        done.returncode,
        done.stderr,
    )


def test_one_decision_is_explained(home: Path) -> None:
    """Outcome, reason in both languages, and the facts that were read; nobody's CPF."""
    succeeded(called(home, "catalogue", "import", "-", given=CSV))

    done = called(home, "explain", "-", given=json.dumps(QUESTION))

    assert 0 == done.returncode
    for said in (
        "open P001 - Acreditação Inicial v.3 for 52.420.282/0001-80",
        "DENIED\n    no-permit (SEM_PERMISSAO)\n        Este CPF não pode iniciar",
        "    person.confirmed: false",
        '    process.company.standing.role: "none"',
        "store revision ",
    ):
        assert said in done.stdout
    assert "18762794604" not in done.stdout
    assert "187.627" not in done.stdout
    assert [] == written.decisions(home / "var")


def test_where_nothing_is_known_nothing_is_explained(home: Path) -> None:
    """Without a database no denial is told that nothing stands behind, and no database is made."""
    done = called(home, "explain", "-", given=json.dumps(QUESTION))

    assert (1, "") == (done.returncode, done.stdout)
    assert "there is no database" in done.stderr
    assert "AUTHZ_DATA_DIR, now var, has to name" in done.stderr
    assert not (home / "var").exists()


def test_a_cpf_in_the_name_of_a_process_is_not_shown(few: Path) -> None:
    """What a caller calls a process may hold anything; the explanation does not repeat a CPF."""
    succeeded(called(few, "catalogue", "import", "-", given=CSV))
    resource = {**QUESTION["resource"], "id": "P999 de 187.627.946-04"}  # type: ignore[dict-item]  # all of it is str or dict

    done = called(few, "explain", "-", given=json.dumps({**QUESTION, "resource": resource}))

    assert (0, True) == (done.returncode, done.stdout.startswith("open P999 de "))
    assert "187.627.946-04" not in done.stdout


def test_an_allow_and_an_error_are_explained(few: Path) -> None:
    """The rule that spoke, and a rule that erred, are named with file and line."""
    succeeded(called(few, "catalogue", "import", "-", given=CSV))
    # Tests would keep such a rule out.
    for suite in (few / "policies").glob("*_test.toml"):
        suite.unlink()
    rules = few / "policies" / "extra.polar"
    rules.write_text(
        'permit(_p: Person, "open", r: Process, "delegated") if\n'
        "    r.question.context.amount != nil and r.question.context.amount < 10;\n"
    )
    allowed, broken = (
        called(few, "explain", "-", given=json.dumps({**QUESTION, "context": {"amount": one}}))
        for one in (9, "ten")
    )

    assert "ALLOWED" in allowed.stdout
    assert "rules that spoke\n    extra.polar:1\n" in allowed.stdout
    cause = "a text cannot be compared with a number, true or false"
    assert f"rules that erred\n    extra.polar:1: comparison: {cause}" in broken.stdout


def test_what_cannot_be_asked_is_explained_too(few: Path) -> None:
    """A question about nobody, and one without a policy, are told as such."""
    succeeded(called(few, "catalogue", "import", "-", given=CSV))
    nobody = {**QUESTION, "subject": {"type": "person", "id": "11111111111"}}
    told = called(few, "explain", "-", given=json.dumps(nobody))
    (few / "policies" / "bad.polar").write_text("permit(")
    without = called(few, "explain", "-", given=json.dumps(QUESTION))

    assert (1, "denied before any rule is asked: invalid-identifier\n") == (
        told.returncode,
        told.stderr,
    )
    assert (1, True) == (without.returncode, without.stderr.startswith("bad.polar:1:7: "))


def test_a_key_works_until_it_is_revoked(few: Path) -> None:
    """
    A running service hears of a new key, of a second one, and of a revocation, at once; and a
    key that has an end works until then.
    """
    service = Running(few, AUTHZ_PORT=str(free_port()))
    try:
        succeeded(called(few, "catalogue", "import", "-", given=CSV))

        def key_of(*arguments: str) -> str:
            return succeeded(called(few, "client", *arguments)).strip()

        def status(key: str) -> int:
            return service.send("POST", "/access/v1/evaluation", QUESTION, key=key).status

        def statuses() -> list[int]:
            return [status(key) for key in (first, second, elsewhere, ending, "authz_x_y")]

        first = key_of("add", "a", "--scope", "decide")
        # A key whose end is over is not made, so this one has some seconds.
        end = datetime.now(UTC) + timedelta(seconds=3)
        ending = key_of("key", "a", "--expires", end.isoformat())
        assert 200 == status(ending)
        second = key_of("key", "a")
        elsewhere = key_of("key", "a", "--network", "10.0.0.0/8")
        time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))

        assert [200, 200, 401, 401, 401] == statuses()
        succeeded(called(few, "client", "revoke", "a", "--key", first.split("_")[1]))
        assert [401, 200, 401, 401, 401] == statuses()
        succeeded(called(few, "client", "revoke", "a"))
        assert [401, 401, 401, 401, 401] == statuses()
    finally:
        service.kill()


def test_a_database_of_nonsense_is_told(home: Path) -> None:
    """A broken file is an error in one sentence, and stays as it is."""
    (home / "var").mkdir()
    (home / "var" / "authz.db").write_bytes(b"nonsense" * 1000)

    done = called(home, "client", "list")

    assert 1 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert b"nonsense" * 1000 == (home / "var" / "authz.db").read_bytes()


def test_the_demo_needs_a_policy(home: Path) -> None:
    """Without valid policies the demo says what is wrong with them, and does not serve."""
    shutil.rmtree(home / "policies")

    done = authz(home, "demo")

    told = ".:0:0: there is no policy folder of this name; correct its name\n"
    assert (1, told) == (done.returncode, done.stderr)


def test_the_database_is_sqlite(home: Path) -> None:
    """What the command line wrote can be read with SQLite's own tools."""
    succeeded(called(home, "client", "add", "a", "--scope", "decide"))
    connection = sqlite3.connect(home / "var" / "authz.db")
    try:
        assert [("a",)] == connection.execute("select name from clients").fetchall()
    finally:
        connection.close()


def test_a_misnamed_file_is_told(home: Path) -> None:
    """A test that is not run, or a rule that is not read, is no pass."""
    (home / "policies" / "opening_test.toml").rename(home / "policies" / "opening-test.toml")

    for verb in ("check", "test"):
        done = called(home, "policy", verb)
        assert 1 == done.returncode
        assert "opening-test.toml:0:0: is not read" in done.stderr
