"""The verbs about persons: what they show and forget, what they write down, what they leave out."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import written
from tests.operation.house import called, furnish, succeeded


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    furnish(tmp_path)
    return tmp_path


def acts(home: Path) -> list[tuple[str, dict[str, object]]]:
    """Give the acts in the decision log with their details."""
    return [(one["act"], one["details"]) for one in written.records(home / "var")]


def test_an_entity_of_another_service_is_shown_and_forgotten(home: Path) -> None:
    """Its pairing is kept under its type, also when no file of entities has that any more."""
    succeeded(called(home, "client", "list"))
    name = "0" * 32
    with closing(sqlite3.connect(home / "var" / "authz.db")) as raw, raw:
        raw.execute("INSERT INTO other_surrogates VALUES (?, ?, ?)", ("user", "ana", name))

    shown = called(home, "person", "export", "ana", "--type", "user")
    erased = called(home, "person", "erase", "-", "--type", "user", given="ana\n")
    again = called(home, "person", "erase", "ana", "--type", "user")

    row = {"type": "user", "id": "ana", "surrogate": name}
    assert {"other_surrogates": [row]} == json.loads(shown.stdout)
    assert (0, True) == (erased.returncode, erased.stderr.startswith("erased"))
    assert (0, "nothing was kept, so nothing was erased\n") == (again.returncode, again.stderr)
    assert [
        ("person.export", {"person": name, "found": True}),
        ("person.erase", {"person": name}),
    ] == acts(home)


def test_a_mistyped_login_is_no_erasure(home: Path) -> None:
    """It is told, nothing is written about it, and being asked for makes no name."""
    made = succeeded(called(home, "company", "register", "x", "DE", "--representative", "jsmith"))
    erased = called(home, "person", "erase", "jsmth", "--login")
    shown = called(home, "person", "export", "jsmth", "--login")

    assert (0, "nothing was kept, so nothing was erased\n") == (erased.returncode, erased.stderr)
    assert (0, "nothing is kept\n") == (shown.returncode, shown.stderr)
    assert ["company.register", "person.export"] == [act for act, _details in acts(home)]
    assert "jsmith" in called(home, "company", "show", made.strip()).stdout
    with closing(sqlite3.connect(home / "var" / "authz.db")) as raw:
        assert [("jsmith",)] == raw.execute("SELECT id FROM other_surrogates").fetchall()


def test_a_person_is_of_one_kind(home: Path) -> None:
    """A login is no entity of another service, whose types are other ones."""
    assert 2 == called(home, "person", "erase", "x", "--login", "--type", "user").returncode
    refused = called(home, "person", "erase", "x", "--type", "login")
    assert (1, "type: `login` is a type of this service's own\n") == (
        refused.returncode,
        refused.stderr,
    )


def test_who_sees_logins_leaves_a_line(home: Path) -> None:
    """Showing a company shows who represents it, which is an act, as it is by HTTP."""
    person = ("--representative", "jsmith")
    number = succeeded(called(home, "company", "register", "x", "DE", *person))
    shown = called(home, "company", "show", number.strip())
    succeeded(called(home, "company", "list"))

    assert (0, "    jsmith") == (shown.returncode, shown.stdout.splitlines()[1])
    [(_act, registered), (act, details)] = acts(home)
    assert "company.lookup" == act
    assert registered["representatives"] == details["people"]
    assert "jsmith" not in written.text(home / "var")


def test_logins_are_read_from_standard_input(home: Path) -> None:
    """One a line, beside those of the call; where there is none, nobody is taken away."""
    arguments = ("--representative", "-", "--representative", "ana")
    made = called(home, "company", "register", "x", "DE", *arguments, given="jsmith\n\n mweber \n")
    number = made.stdout.strip()
    slip = called(home, "company", "change", number, "--representative", "-")
    bad = called(
        home, "company", "change", number, "--representative", "-", given="jsmith 18762794604\n"
    )

    said = "representative: is - and standard input holds no login\n"
    assert (1, said) == (slip.returncode, slip.stderr)
    assert (1, True) == (bad.returncode, bad.stderr.startswith("representative: "))
    assert "1876" not in bad.stderr
    shown = called(home, "company", "show", number).stdout.splitlines()
    assert ["    jsmith", "    mweber", "    ana"] == shown[1:]
