"""What the SQL store reads for a question: what bears on it, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.processes import ProcessName
from authz_service.store import SqlStore
from tests.domain.document import COMPANY, MEMBER, P001, REPRESENTATIVE_ABROAD
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import foreign

USER = Thing(EntityName("user", "u1"))
LABORATORY = Thing(EntityName("laboratory", "L-17"))
NAME = ProcessName("P001")
ABROAD = foreign().id

_FROM = re.compile(r"\bFROM (\w+)")


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[SqlStore]:
    """Give a store with one process and one foreign company."""
    with closing(SqlStore(f"sqlite:///{tmp_path / 'store.db'}")) as store:
        store.create()
        store.catalogue.save_processes([P001], NOON, untold)
        store.foreign.add(foreign(validation=Validation.VALIDATED), untold)
        yield store


def _read(store: SqlStore, *questions: Question) -> list[str]:
    """Give the tables that are read, the first of each statement, by name."""
    statements: list[str] = []

    def _note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", _note)
    store.facts.gather(questions, NOON)
    event.remove(store.database.engine, "before_cursor_execute", _note)
    found = [_FROM.search(" ".join(one.split())) for one in statements if one.startswith("SELECT")]
    return sorted(one[1] for one in found if one is not None)


CASES = {
    "nothing": ((), []),
    "login abroad": (
        (Question(REPRESENTATIVE_ABROAD, "open", CompanyAsked(ABROAD)),),
        ["foreign_companies"],
    ),
    "login abroad, a process": (
        (Question(REPRESENTATIVE_ABROAD, "open", ProcessAsked(NAME, ABROAD)),),
        ["foreign_companies", "processes"],
    ),
    "person abroad, a process": (
        (Question(MEMBER, "open", ProcessAsked(NAME, ABROAD)),),
        ["foreign_companies", "people", "processes"],
    ),
    "login in a national company, a process": (
        (Question(REPRESENTATIVE_ABROAD, "open", ProcessAsked(NAME, COMPANY)),),
        ["bonds", "processes"],
    ),
    "others' entities": ((Question(USER, "read", LABORATORY),), []),
    "others' entities and a handle": (
        (Question(USER, "read", LABORATORY, sign_in="x"),),
        ["sign_ins"],
    ),
    "person and another's entity": ((Question(MEMBER, "read", LABORATORY),), ["people"]),
    "recipient": ((Question(USER, "read", LABORATORY, recipient=MEMBER),), ["people"]),
    "person in a national company": (
        (Question(MEMBER, "open", CompanyAsked(COMPANY)),),
        ["bonds", "people", "standings"],
    ),
    "person in a national company, a process": (
        (Question(MEMBER, "open", ProcessAsked(NAME, COMPANY)),),
        ["bonds", "delegations", "people", "processes", "standings"],
    ),
}


@pytest.mark.parametrize(("questions", "tables"), CASES.values(), ids=CASES)
def test_only_what_bears_on_a_question_is_read(
    store: SqlStore, questions: tuple[Question, ...], tables: list[str]
) -> None:
    """Each kind of fact in one read, and beside them the revision."""
    assert sorted([*tables, "store_revision"]) == _read(store, *questions)


def test_a_batch_of_everything_reads_each_table_once(store: SqlStore) -> None:
    """However many questions of however many kinds: eight reads."""
    questions = [question for each, _tables in CASES.values() for question in each]
    expected = sorted({table for _each, tables in CASES.values() for table in tables})

    assert 7 == len(expected)
    assert sorted([*expected, "store_revision"]) == _read(store, *questions, *questions)
