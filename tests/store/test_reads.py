"""
What the SQL store reads for a question: what bears on it, and no more, in one statement.

SQLite itself is asked which; on PostgreSQL the statement is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.processes import ProcessName
from authz_service.store import SqlStore
from tests.domain.document import COMPANY, MEMBER, P001, REPRESENTATIVE_ABROAD
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import foreign
from tests.store.watching import watched

USER = Thing(EntityName("user", "u1"))
LABORATORY = Thing(EntityName("laboratory", "L-17"))
NAME = ProcessName("P001")
ABROAD = foreign().id


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[SqlStore]:
    """Give a store with one process and one foreign company."""
    with closing(SqlStore(f"sqlite:///{tmp_path / 'store.db'}")) as store:
        store.create()
        store.catalogue.save_processes([P001], NOON, untold)
        store.foreign.add(foreign(validation=Validation.VALIDATED), untold)
        yield store


CASES = {
    "nothing": ((), []),
    "login abroad": (
        (Question(REPRESENTATIVE_ABROAD, "open", CompanyAsked(ABROAD)),),
        ["foreign_companies", "foreign_representatives"],
    ),
    "login abroad, a process": (
        (Question(REPRESENTATIVE_ABROAD, "open", ProcessAsked(NAME, ABROAD)),),
        ["foreign_companies", "foreign_representatives", "processes"],
    ),
    "person abroad, a process": (
        (Question(MEMBER, "open", ProcessAsked(NAME, ABROAD)),),
        ["foreign_companies", "foreign_representatives", "people", "processes"],
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
        ["bonds", "delegation_events", "delegations", "people", "processes", "standings"],
    ),
}


@pytest.mark.parametrize(("questions", "tables"), CASES.values(), ids=CASES)
def test_only_what_bears_on_a_question_is_read(
    store: SqlStore, questions: tuple[Question, ...], tables: list[str]
) -> None:
    """The tables of that, and beside them the revision, in one statement."""
    with watched(store) as seen:
        store.facts.gather(questions, NOON)

    assert 1 == len(seen.statements)
    assert {*tables, "store_revision"} == seen.tables


def test_a_batch_of_everything_is_one_statement(store: SqlStore) -> None:
    """However many questions of however many kinds: one statement, one state."""
    questions = [question for each, _tables in CASES.values() for question in each]
    companies = [Cnpj(f"{number:014}") for number in range(50)]
    many = [
        Question(Cpf(f"{number:011}"), "open", ProcessAsked(NAME, company), sign_in=f"{number}")
        for number, company in enumerate(companies)
    ]
    with watched(store) as seen:
        store.facts.gather([*questions, *questions, *many], NOON)

    assert 1 == len(seen.statements)
    expected = {table for _each, tables in CASES.values() for table in tables}
    assert {*expected, "store_revision"} == seen.tables
