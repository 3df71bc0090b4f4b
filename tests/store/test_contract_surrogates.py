"""What any store promises of the names of persons in the log.

Asked of the store in memory, of SQLite in a real file, and of a real PostgreSQL.
"""

from __future__ import annotations

import re

from tests.domain.document import (
    MEMBER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.store.asking import (
    state_of,
)
from tests.store.records import Store


def test_surrogates_are_stable_distinct_and_random(store: Store) -> None:
    """A person has one surrogate for ever, nobody else has it, and nothing leads back."""
    first = store.surrogates.surrogates([MEMBER, REPRESENTATIVE, MEMBER])
    again = store.surrogates.surrogates(iter([STRANGER, REPRESENTATIVE]))

    assert {MEMBER, REPRESENTATIVE} == set(first)
    assert {STRANGER, REPRESENTATIVE} == set(again)
    assert first[REPRESENTATIVE] == again[REPRESENTATIVE]
    assert 3 == len({*first.values(), *again.values()})
    for surrogate in (*first.values(), *again.values()):
        assert re.fullmatch(r"[0-9a-f]{32}", surrogate)


def test_another_store_gives_other_surrogates(store: Store, other: Store) -> None:
    """A surrogate is no function of the CPF, or whoever knows CPFs could make it."""
    here, there = store.surrogates.surrogates([MEMBER]), other.surrogates.surrogates([MEMBER])

    assert here[MEMBER] != there[MEMBER]
    assert MEMBER.digits not in here[MEMBER]


def test_nobody_has_no_surrogate(store: Store) -> None:
    """No persons, no names."""
    assert {} == store.surrogates.surrogates([])


def test_a_new_surrogate_is_no_new_revision(store: Store) -> None:
    """No decision depends on a name in the log."""
    before = state_of(store)
    store.surrogates.surrogates([MEMBER])

    assert before == state_of(store)
