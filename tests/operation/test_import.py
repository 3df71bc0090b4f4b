"""``authz import`` takes over what SGCI has: all the rows that can be, at once, or none."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf
from tests import written
from tests.operation.house import (
    AUTHZ,
    FEW,
    Running,
    authz,
    called,
    environment,
    free_port,
    furnish,
)

CATALOGUE = "code,title,version\nP001,Acreditação Inicial,3\nP015,Acreditação Inicial,2\n"
SHORT, LONG = 3_000, 100_000


def cpf(number: int) -> str:
    """Give the CPF whose first nine digits are *number*."""
    for ending in range(100):
        text = f"{number:09}{ending:02}"
        try:
            return Cpf.parse(text).digits
        except InvalidInput:
            continue
    raise AssertionError(number)


def cnpj(number: int) -> str:
    """Give the CNPJ of the matriz whose root is *number*."""
    for ending in range(100):
        text = f"{number:08}0001{ending:02}"
        try:
            return Cnpj.parse(text).value
        except InvalidInput:
            continue
    raise AssertionError(number)


def write_files(folder: Path, rows: int) -> tuple[list[str], int]:
    """
    Write *rows* rows in three files, one in fifty broken.

    Returns:
        the arguments that name them; how many rows are broken.
    """
    third = rows // 3
    people = [cpf(100_000_000 + number) for number in range(third)]
    companies = [cnpj(20_000_000 + number) for number in range(third // 10 + 1)]
    broken = 0
    members, standing, delegations = [], [], []
    for number, person in enumerate(people):
        company, partner = companies[number // 10], people[number // 10 * 10]
        wrong = number % 50 == 7
        broken += 3 * wrong
        # A wrong check digit, a role that nobody has, a process that nobody knows.
        members.append(f"{person[:-1]}{(int(person[-1]) + wrong) % 10},2025-01-01,2025-01-02")
        role = "socio" if number % 10 == 0 else "colaborador"
        standing.append(f"{company},{person},{'dono' if wrong else role},")
        # Members that are broken above are not registered, whatever the process is.
        process = "P999" if wrong else "P001"
        delegations.append(f"{company},{person},{process},{partner},2027-12-31")
    heads = {
        "members": "cpf,registered_at,confirmed_at",
        "standing": "cnpj,cpf,role,ends_at",
        "delegations": "cnpj,member,process,grantor,until",
    }
    arguments = []
    for (kind, head), lines in zip(heads.items(), (members, standing, delegations), strict=True):
        (folder / f"{kind}.csv").write_text("\n".join([head, *lines]) + "\n")
        arguments += [f"--{kind}", f"{kind}.csv"]
    return arguments, broken


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    furnish(tmp_path, policies=FEW)
    called(tmp_path, "catalogue", "import", "-", given=CATALOGUE)
    return tmp_path


def counted(home: Path) -> dict[str, int]:
    """Count the rows that are there."""
    with sqlite3.connect(home / "var" / "authz.db") as connection:
        tables = ("people", "standings", "delegations", "delegation_events")
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 -- our own names
            for table in tables
        }
    connection.close()
    return counts


@pytest.mark.soak
def test_many_rows_some_of_them_broken(home: Path, request: pytest.FixtureRequest) -> None:
    """
    Every good row is taken over, every broken one is told, and a second time changes nothing.

    A member of the import then opens what was delegated, with the partner of the import behind.
    """
    rows = LONG if request.config.getoption("--soak") else SHORT
    arguments, broken = write_files(home, rows)

    tried = called(home, "import", "--dry-run", *arguments)
    assert (3, broken) == (tried.returncode, len(tried.stdout.splitlines()))
    assert {"people": 0, "standings": 0, "delegations": 0, "delegation_events": 0} == counted(home)

    done = authz(home, "import", *arguments)
    assert (3, tried.stdout) == (done.returncode, done.stdout)
    each = rows // 3 - broken // 3
    assert {
        "people": each,
        "standings": each,
        "delegations": each,
        "delegation_events": each,
    } == counted(home)

    again = called(home, "import", *arguments)
    assert tried.stdout == again.stdout
    assert counted(home)["standings"] == each
    acts = [one for one in written.acts(home / "var") if one["act"] == "import"]
    assert [each, 0] == [act["details"]["members_new"] for act in acts]
    assert broken == sum(
        number for name, number in acts[0]["details"].items() if name.endswith("_rejected")
    )
    assert opens(home, cpf(100_000_011), cnpj(20_000_001))


def opens(home: Path, person: str, company: str) -> bool:
    """Ask the service whether *person* may open P001 for *company*."""
    key = called(home, "client", "add", "orquestra", "--scope", "decide").stdout.strip()
    running = Running(home, AUTHZ_PORT=str(free_port()))
    try:
        answer = running.send(
            "POST",
            "/v1/orquestra/decisao",
            {"cpf": person, "cnpj": company, "processo": "P001", "acao": "iniciar"},
            key=key,
        )
        return bool(answer.json["permitido"])
    finally:
        running.kill()


def test_a_broken_row_is_told_with_file_and_line(home: Path) -> None:
    """The report has one line for each rejected row, with its place and without its value."""
    (home / "members.csv").write_text("cpf,registered_at\n123,2025-01-01\n")
    done = called(home, "import", "--members", "members.csv")

    assert (3, "members.csv:2: cpf: must be a CPF of eleven digits\n") == (
        done.returncode,
        done.stdout,
    )


def test_a_file_that_is_none_stops_the_import(home: Path) -> None:
    """One file that cannot be read costs all of them, and says why in one line."""
    write_files(home, 30)
    (home / "standing.csv").write_text("cnpj,cpf\n")
    done = called(home, "import", "--members", "members.csv", "--standing", "standing.csv")

    assert (1, "standing: lacks the column `role`\n") == (done.returncode, done.stderr)
    assert 0 == counted(home)["people"]


def test_nothing_to_import_is_a_wrong_call(home: Path) -> None:
    """Without a file there is nothing to do, which is no success."""
    assert 2 == called(home, "import").returncode


def test_an_import_that_is_killed_while_it_writes_leaves_nothing_behind(home: Path) -> None:
    """What stands in SQLite's log of an unfinished transaction counts for nobody."""
    arguments, _broken = write_files(home, 30_000)
    log = home / "var" / "authz.db-wal"
    process = subprocess.Popen(
        [*AUTHZ, "import", *arguments],
        cwd=home,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Rows that no longer fit into memory go into the log before anything is committed.
    while process.poll() is None and not (log.exists() and log.stat().st_size > 1_000_000):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)

    assert -signal.SIGKILL == process.wait()
    assert 1_000_000 < log.stat().st_size
    assert {"people": 0, "standings": 0, "delegations": 0, "delegation_events": 0} == counted(home)
