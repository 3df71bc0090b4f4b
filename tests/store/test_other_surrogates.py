"""What every store promises about the names of logins and others' entities in the log."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from authz_service.domain.decision import Subject
from authz_service.domain.entities import EntityName
from authz_service.domain.errors import StoreUnavailable
from authz_service.domain.identifiers import Login
from authz_service.store import SqlStore
from tests.domain.document import MEMBER, PARTNER, REPRESENTATIVE, STRANGER
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import Store

SUBJECTS: tuple[Subject, ...] = (
    MEMBER,
    Login("x"),
    Login("X"),
    Login(f"x{'é' * 127}"),
    EntityName("user", "x"),
    EntityName("User", "x"),
    EntityName("user", "y"),
    EntityName("laboratory", "x"),
    EntityName("a" * 64, "\N{BOAR}" * 512),
    EntityName("user", MEMBER.digits),
)


def test_each_subject_has_a_name_of_its_own(store: Store) -> None:
    """Kind, type and id tell subjects apart, byte for byte, and a name stays."""
    names = store.surrogates.surrogates(SUBJECTS)

    assert list(SUBJECTS) == list(names)
    assert len(SUBJECTS) == len(set(names.values()))
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names.values())
    assert names == store.surrogates.surrogates(reversed(SUBJECTS))


@pytest.mark.parametrize("known", range(len(SUBJECTS) + 1))
def test_who_has_a_name_keeps_it_among_those_who_have_none(store: Store, known: int) -> None:
    """Only those without a name get one, and each stands once in the answer."""
    before = store.surrogates.surrogates(SUBJECTS[:known])
    names = store.surrogates.surrogates([*SUBJECTS, *SUBJECTS])

    assert set(SUBJECTS) == set(names)
    assert before == {one: names[one] for one in SUBJECTS[:known]}


@pytest.mark.parametrize("subject", SUBJECTS, ids=range(len(SUBJECTS)))
def test_asking_for_a_name_makes_none(store: Store, subject: Subject) -> None:
    """Nobody is known until named, and naming others changes nothing about that."""
    store.surrogates.surrogates(one for one in SUBJECTS if one != subject)

    assert store.surrogates.known(subject) is None
    assert store.surrogates.known(subject) is None
    name = store.surrogates.surrogates([subject])[subject]
    assert name == store.surrogates.known(subject)


def test_behind_each_name_stands_its_subject(store: Store) -> None:
    """A name leads back to the subject, and one that nobody has to nobody."""
    names = store.surrogates.surrogates(SUBJECTS)

    assert {name: one for one, name in names.items()} == store.surrogates.behind(
        [*names.values(), *names.values(), "0" * 32]
    )
    assert {} == store.surrogates.behind([])
    login = names[Login("x")]
    assert {login: Login("x")} == store.surrogates.behind(iter([login]))


def test_names_that_are_there_wait_for_no_writer(tmp_path: Path) -> None:
    """Whoever only reads goes on while somebody writes; who needs a new name has to wait."""
    path = tmp_path / "store.db"
    with closing(SqlStore(f"sqlite:///{path}", busy_timeout=0)) as store:
        store.create()
        names = store.surrogates.surrogates(SUBJECTS)
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")

            assert names == store.surrogates.surrogates(SUBJECTS)
            with pytest.raises(StoreUnavailable):
                store.surrogates.surrogates([Login("new")])


def test_a_name_is_no_revision(store: Store) -> None:
    """No decision depends on it."""
    before = store.facts.gather([], NOON).revision
    store.surrogates.surrogates(SUBJECTS)

    assert before == store.facts.gather([], NOON).revision


@pytest.mark.parametrize(
    "person",
    [STRANGER, Login("x"), EntityName("user", "y")],
    ids=["cpf", "login", "entity"],
)
def test_an_erased_name_leads_to_nobody(store: Store, person: Subject) -> None:
    """The log keeps the surrogate without a name, and the same person would get another one."""
    others: list[Subject] = [
        PARTNER,
        Login("X"),
        EntityName("user", "x"),
        EntityName("User", "y"),
        Login("y"),
    ]
    before = store.surrogates.surrogates([person, *others])
    store.personal_data.erase(person, untold)

    assert store.surrogates.known(person) is None
    left = store.surrogates.behind(before.values())
    assert {before[one]: one for one in others} == left
    assert before[person] != store.surrogates.surrogates([person])[person]


@pytest.mark.parametrize("identity", ["y", MEMBER.digits], ids=["word", "cpf"])
def test_of_an_entity_its_name_in_the_log_is_kept_and_shown(store: Store, identity: str) -> None:
    """It may stand for a person, who is shown what there is, under the id that was asked for."""
    user = EntityName("user", identity)
    names = store.surrogates.surrogates([user, EntityName("User", identity), Login(identity)])
    row = {"type": "user", "id": identity, "surrogate": names[user]}

    assert {"other_surrogates": [row]} == store.personal_data.export(user)[0]
    assert {"other_surrogates": []} == store.personal_data.export(EntityName("user", "z"))[0]


@pytest.mark.parametrize(
    "person",
    [STRANGER, Login("z"), EntityName("user", "z")],
    ids=["cpf", "login", "entity"],
)
def test_where_nothing_is_kept_nothing_is_erased(store: Store, person: Subject) -> None:
    """No revision is made or told, and it shows, so that a mistyped name is no erasure."""
    store.surrogates.surrogates(SUBJECTS)
    before = store.facts.gather([], NOON).revision
    heard: list[int] = []

    assert store.personal_data.erase(person, heard.append) is None
    assert ([], before) == (heard, store.facts.gather([], NOON).revision)


@pytest.mark.parametrize(
    ("identity", "hers"),
    [
        (REPRESENTATIVE.digits, True),
        ("cpf:722.684.025-17", True),
        ("72268402517@inmetro", True),
        (f"9{REPRESENTATIVE.digits}", False),
        (MEMBER.digits, False),
        ("x", False),
    ],
)
def test_an_entity_that_is_a_person_by_its_cpf_is_forgotten_with_the_person(
    store: Store, identity: str, hers: bool
) -> None:
    """Another service may name its users by CPF; who is erased is nobody's user either."""
    user = EntityName("user", identity)
    store.surrogates.surrogates([user])
    shown = store.personal_data.export(REPRESENTATIVE)[0]["other_surrogates"]
    store.personal_data.erase(REPRESENTATIVE, untold)

    assert hers == (len(shown) == 1)
    assert hers == (store.surrogates.known(user) is None)
