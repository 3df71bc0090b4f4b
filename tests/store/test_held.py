"""What is held in memory is what the store would say, and is given up when it is not any more."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, event, select, update

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question, Subject
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import InvalidInput, StoreBehind, StoreUnavailable
from authz_service.domain.identifiers import Cnpj, Cpf, Login, ProcessId
from authz_service.domain.people import Bond, Evidence, Person
from authz_service.domain.processes import ProcessDefinition, ProcessName, ProcessState
from authz_service.domain.sign_in import Proof
from authz_service.store import SqlStore
from authz_service.store.schema import changes, people, store_revision, surrogates
from authz_service.usecases.ports import Snapshot
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    PARTNER,
    REPRESENTATIVE,
    REPRESENTATIVE_ABROAD,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import a_delegation, a_standing, about, grant
from tests.store.deciders import Writer
from tests.store.files import file_of
from tests.store.holding import HeldStore
from tests.store.records import HOUR, TICK, foreign, keep, sign_in

ABROAD = foreign(validation=Validation.VALIDATED)
USER = Thing(EntityName("user", "u1"))
PERSONS = (MEMBER, REPRESENTATIVE, PARTNER, STRANGER)
QUESTIONS = [
    *(
        Question(actor, "open", resource, evidence, recipient, sign_in=handle)
        for actor in (*PERSONS, Login(MEMBER.digits))
        for company in (COMPANY, FILIAL, OTHER_COMPANY, ABROAD.id)
        for resource in (CompanyAsked(company), ProcessAsked(ProcessName("P001"), company))
        for evidence in (Evidence.ASSERTED, Evidence.GOVBR)
        for recipient, handle in ((None, None), (MEMBER, "handle-of-one"))
    ),
    Question(REPRESENTATIVE_ABROAD, "open", CompanyAsked(ABROAD.id)),
    Question(MEMBER, "open", ProcessAsked(ProcessName("P061"), COMPANY)),
    Question(MEMBER, "open", ProcessAsked(ProcessName("P001", 2), COMPANY)),
    Question(MEMBER, "open", ProcessAsked(ProcessName("nothing"), COMPANY)),
    Question(USER, "open", CompanyAsked(COMPANY)),
    Question(MEMBER, "read", USER, recipient=REPRESENTATIVE, sign_in="handle-of-one"),
]


@pytest.fixture(name="url")
def _url(with_tables: str) -> str:
    """Give the URL of a database that need not be made for each test."""
    return with_tables


@pytest.fixture(name="store")
def _store(url: str) -> Iterator[HeldStore]:
    """Give a store of each kind of SQL in which there is something of everything."""
    with closing(HeldStore(url)) as store:
        store.create()
        store.catalogue.save_processes(CATALOGUE, NOON, untold)
        store.registry.save_person(Person(MEMBER, NOON, NOON), untold)
        store.registry.save_standing(a_standing(), untold)
        store.registry.save_bond(Bond(FILIAL, COMPANY, "SEI", NOON, NOON.date()), untold)
        grant(store, a_delegation("one"))
        grant(store, a_delegation("two", company=FILIAL))
        store.foreign.add(ABROAD, untold)
        keep(store, sign_in("one", MEMBER))
        yield store


@pytest.fixture(name="plain")
def _plain(store: HeldStore, url: str) -> Iterator[SqlStore]:
    """Give another store on the same database, which holds nothing: another process."""
    with closing(SqlStore(url, busy_timeout=30)) as plain:
        yield plain


@contextmanager
def _asked(store: SqlStore) -> Iterator[Callable[[], int]]:
    """Give what tells how often a connection to the database was taken for a question."""
    taken: list[object] = []

    def _note(*which: object) -> None:
        taken.append(which)

    event.listen(store.database.engine, "checkout", _note)
    try:
        yield lambda: len(taken)
    finally:
        event.remove(store.database.engine, "checkout", _note)


def _told(snapshot: Snapshot) -> Snapshot:
    """Give what is known of the questions, whether anybody knows how long it lasts or not."""
    return replace(snapshot, span=None)


def _same(store: HeldStore, plain: SqlStore, moment: datetime = NOON) -> None:
    """Require that what is held is what the store says, read, held, and one by one."""
    expected = plain.facts.gather(QUESTIONS, moment)

    assert expected == _told(store.held.gather(QUESTIONS, moment))
    assert expected == _told(store.held.gather(QUESTIONS, moment))


def test_what_is_held_is_what_the_store_says(store: HeldStore, plain: SqlStore) -> None:
    """Of every kind of question, in a batch and alone, at every moment."""
    for moment in (NOON, NOON + HOUR, NOON - HOUR, NOON + timedelta(days=3), NOON):
        _same(store, plain, moment)
    for question in QUESTIONS:
        alone = plain.facts.gather([question], NOON)
        assert alone == _told(store.held.gather([question], NOON))


def test_after_every_write_it_is_again(
    store: HeldStore, plain: SqlStore, request: pytest.FixtureRequest
) -> None:
    """Whatever is written of whom, by another process: nothing that it changed is still held."""
    writers = [Writer(plain, number) for number in (11, 12)]
    for writer in writers:
        writer.prepare()
    asked = [question for writer in writers for question in writer.questions()]
    for turn in range(2_000 if request.config.getoption("--soak") else 60):
        ask, _expected, revision = writers[turn % 2].write()
        asked += writers[turn % 2].questions_about(ask)
        moment = datetime.now(NOON.tzinfo)
        expected = plain.facts.gather(asked, moment)

        assert expected == _told(store.held.gather(asked, moment)), ask
        assert revision <= expected.revision


def test_what_is_held_is_not_asked_for(tmp_path: Path) -> None:
    """Nothing is read of the database while nothing was written, nor is there a second answer."""
    with closing(HeldStore(f"sqlite:///{tmp_path}/store.db")) as store:
        store.create()
        store.catalogue.save_processes(CATALOGUE, NOON, untold)
        first = store.held.gather([about(process="P001")], NOON)
        store.held.surrogates([MEMBER])
        with _asked(store) as asked:
            again = store.held.gather([about(process="P001")], NOON)
            store.held.surrogates([MEMBER])
            assert 1 == asked()  # the name that was made is no revision, and had to be looked at
            again = store.held.gather([about(process="P001")], NOON)
            assert 1 == asked()

        assert first.facts[0] is again.facts[0]


OTHERS = {
    "another person": lambda store: store.registry.save_person(Person(STRANGER), untold),
    "another's standing": lambda store: store.registry.save_standing(a_standing(PARTNER), untold),
    "another company": lambda store: store.registry.save_standing(
        a_standing(company=OTHER_COMPANY), untold
    ),
    "a client": lambda store: store.clients.save_client(
        Client("bpm", frozenset({"decide"})), untold
    ),
}


@pytest.mark.parametrize("write", OTHERS.values(), ids=OTHERS)
def test_what_a_write_does_not_touch_stays(
    store: HeldStore, write: Callable[[SqlStore], object]
) -> None:
    """Others' changes cost a question nothing but a look at what they were."""
    before = store.held.gather([about(process="P001")], NOON)
    write(store)
    after = store.held.gather([about(process="P001")], NOON)

    assert before.revision + 1 == after.revision
    assert before.facts[0] is after.facts[0]


@pytest.mark.parametrize("process", ["P001", "P061"], ids=["one process", "any of two"])
def test_what_a_question_brings_is_its_own(store: HeldStore, plain: SqlStore, process: str) -> None:
    """Context, properties and a proof change the facts of nobody who asks the same without."""
    bare = about(COMPANY, MEMBER, process)
    proof = Proof(MEMBER, ("passwd",), None, None, False, NOON, NOON + HOUR)
    brought = [
        replace(bare, context={"a": 1}),
        replace(bare, properties={"a": 2}),
        replace(bare, proof=proof),
        bare,
    ]
    for questions in (brought, list(reversed(brought)), brought):
        expected = [plain.facts.gather([one], NOON).facts[0] for one in questions]
        assert expected == [store.held.gather([one], NOON).facts[0] for one in questions]


def test_held_and_read_are_of_one_state(store: HeldStore, plain: SqlStore) -> None:
    """If the store moves on while a request is under way, a batch does not mix two states."""
    known, new = about(actor=MEMBER), about(actor=STRANGER)
    store.held.gather([known], NOON)
    store.held.look()
    plain.registry.save_person(Person(MEMBER), untold)
    plain.registry.save_person(Person(STRANGER, NOON), untold)
    expected = plain.facts.gather([known, new], NOON)

    assert expected == store.held.gather([known, new], NOON, looked=True)
    assert expected == store.held.gather([known, new], NOON)


def test_a_writer_that_goes_on_holds_nobody_up(store: HeldStore, plain: SqlStore) -> None:
    """While one writes, whoever decides is answered, as of the state before, and then after it."""
    before = store.held.gather([about(actor=STRANGER)], NOON)
    with plain.database.revise(untold) as (connection, revision):
        connection.execute(people.insert().values(cpf=STRANGER, registered_at=NOON))
        new = store.held.gather([about(actor=STRANGER), about(actor=PARTNER)], NOON)
        assert before == _told(store.held.gather([about(actor=STRANGER)], NOON))
        assert before.revision == new.revision

    assert revision == store.held.look()
    assert plain.facts.gather([about(actor=STRANGER)], NOON) == store.held.gather(
        [about(actor=STRANGER)], NOON
    )


class _Interrupted(list[Question]):
    """Questions between the first and second of which something happens."""

    def __init__(self, questions: Sequence[Question], happens: Callable[[], object]) -> None:
        super().__init__(questions)
        self._happens: Callable[[], object] | None = happens

    def __iter__(self) -> Iterator[Question]:
        """Give them, and let it happen the first time."""
        for place in range(len(self)):
            yield self[place]
            happens, self._happens = self._happens, None
            if happens is not None:
                happens()


def test_a_thread_that_sees_more_leaves_no_other_with_half(
    store: HeldStore, plain: SqlStore
) -> None:
    """Two held questions are of one state, also if another thread catches up between the two."""
    both = [about(actor=MEMBER), about(actor=PARTNER)]
    store.held.gather(both, NOON)

    def _catch_up() -> None:
        plain.registry.save_person(Person(MEMBER), untold)
        plain.registry.save_person(Person(PARTNER, NOON), untold)
        store.held.gather([both[1]], NOON)

    found = store.held.gather(_Interrupted(both, _catch_up), NOON)

    assert plain.facts.gather(both, NOON) == found


def test_no_more_is_held_than_has_room(url: str) -> None:
    """The oldest goes, and is read again when it is asked for."""
    with closing(HeldStore(url, most=3)) as store:
        store.create()
        questions = [about(actor=Cpf(f"{number:011}")) for number in range(5)]
        for question in questions:
            store.held.gather([question], NOON)
        store.held.gather(questions, NOON)
        store.held.surrogates([question.subject for question in questions])
        shelf = store.held._shelf

        assert ["00000000004", "00000000000", "00000000001"] == [key[0] for key in shelf.entries]
        assert {"company": 1, "persons": 3} == {
            "company": len(shelf._companies.keys),
            "persons": len(shelf._persons.keys),
        }
        assert 3 == len(store.held._surrogates._people)


def test_an_index_forgets_what_is_dropped(store: HeldStore, plain: SqlStore) -> None:
    """A company of which many ask is dropped as one of which nobody does, and leaves nothing."""
    questions = [about(actor=Cpf(f"{number:011}")) for number in range(50)]
    store.held.gather(questions, NOON)
    plain.registry.save_bond(Bond(FILIAL, COMPANY, "SEI", NOON), untold)
    store.held.look()
    assert 50 == len(store.held._shelf.entries)
    plain.registry.save_bond(Bond(COMPANY, Cnpj("52420282000341"), "SEI", NOON), untold)
    store.held.look()
    shelf = store.held._shelf

    assert (0, 0, 0) == (
        len(shelf.entries),
        len(shelf._companies.keys),
        len(shelf._persons.keys),
    )


# Names


def test_an_erased_persons_name_is_gone(store: HeldStore, plain: SqlStore) -> None:
    """When the call that erases has returned, the old name is nowhere, and a new one is new."""
    old = store.held.surrogates([MEMBER, REPRESENTATIVE])
    plain.personal_data.erase(MEMBER, untold)

    assert store.held.known(MEMBER) is None
    new = store.held.surrogates([MEMBER, REPRESENTATIVE])
    assert old[MEMBER] != new[MEMBER]
    assert old[REPRESENTATIVE] == new[REPRESENTATIVE]
    assert new == plain.surrogates.surrogates([MEMBER, REPRESENTATIVE])


def test_names_of_all_kinds_are_held_apart(store: HeldStore, plain: SqlStore) -> None:
    """A login that looks like a CPF, and an entity, each have their own."""
    subjects: list[Subject] = [MEMBER, Login(MEMBER.digits), EntityName("user", MEMBER.digits)]
    names = store.held.surrogates(subjects)

    assert 3 == len(set(names.values()))
    assert names == store.held.surrogates(subjects) == plain.surrogates.surrogates(subjects)
    assert [names[one] for one in subjects] == [store.held.known(one) for one in subjects]
    assert {name: one for one, name in names.items()} == store.held.behind(names.values())


# Keys


def test_a_revoked_key_is_revoked_at_once(store: HeldStore, plain: SqlStore) -> None:
    """Another process revokes it: whoever looks finds it so; one that nobody knows is not held."""
    key = ClientKey("k1", "0" * 64, NOON)
    client = Client("bpm", frozenset({"decide"}), (key,))
    assert store.held.client_of_key("k1") is None
    plain.clients.save_client(client, untold)
    assert (client, key) == store.held.client_of_key("k1") == store.held.client_of_key("k1")

    revoked = replace(key, revoked_at=NOON)
    plain.clients.save_client(replace(client, keys=(revoked,)), untold)
    assert (replace(client, keys=(revoked,)), revoked) == store.held.client_of_key("k1")
    assert [replace(client, keys=(revoked,))] == store.held.clients()


# What cannot be told for certain


def test_a_revision_that_is_demanded(store: HeldStore, plain: SqlStore) -> None:
    """It is there once it is there, and an error before that."""
    there = store.held.look()
    with pytest.raises(StoreBehind):
        store.held.look(there + 1)

    assert there + 1 == plain.registry.save_person(Person(STRANGER), untold)
    assert there + 1 == store.held.look(there + 1) == store.held.look()


def _unnoted(store: SqlStore) -> None:
    """Write as a version does that notes no changes."""
    with store.database.engine.begin() as connection:
        connection.execute(update(people).values(registered_at=NOON - HOUR, confirmed_at=None))
        connection.execute(update(store_revision).values(value=store_revision.c.value + 1))


def _put_back(store: SqlStore) -> None:
    """Go back some revisions, as another history, and on to a later one than there was."""
    with store.database.engine.begin() as connection:
        connection.execute(update(people).values(registered_at=NOON - HOUR, confirmed_at=None))
        connection.execute(delete(changes).where(changes.c.revision > 3))
        connection.execute(update(store_revision).values(value=3))
    for _ in range(20):
        store.registry.save_person(Person(STRANGER), untold)


def _lower(store: SqlStore) -> None:
    """Go back to an earlier revision."""
    with store.database.engine.begin() as connection:
        connection.execute(update(people).values(registered_at=NOON - HOUR, confirmed_at=None))
        connection.execute(delete(surrogates))
        connection.execute(delete(changes).where(changes.c.revision > 3))
        connection.execute(update(store_revision).values(value=3))


def _many(store: SqlStore) -> None:
    """Write more than is looked at one by one."""
    with store.database.engine.begin() as connection:
        connection.execute(update(people).values(registered_at=NOON - HOUR, confirmed_at=None))
        [first] = connection.execute(select(store_revision.c.value)).scalars()
        numbers = range(first + 1, first + 1_101)
        rows = [{"revision": number, "at": NOON, "part": "clients"} for number in numbers]
        connection.execute(changes.insert(), rows)
        connection.execute(update(store_revision).values(value=numbers[-1]))


def _same_number(store: SqlStore) -> None:
    """Put another history in the place of this one, which has come to the same number."""
    with store.database.engine.begin() as connection:
        connection.execute(update(people).values(registered_at=NOON - HOUR, confirmed_at=None))
        connection.execute(update(changes).values(at=NOON - HOUR))
        connection.execute(update(store_revision).values(value=store_revision.c.value))


UNCERTAIN = {
    "same number": _same_number,
    "unnoted": _unnoted,
    "put back": _put_back,
    "lower": _lower,
    "many": _many,
}


@pytest.mark.parametrize("write", UNCERTAIN.values(), ids=UNCERTAIN)
def test_where_it_is_uncertain_what_changed_all_is_dropped(
    store: HeldStore, plain: SqlStore, write: Callable[[SqlStore], None]
) -> None:
    """A gap, another history, an earlier state, too much at once: nothing is held over it."""
    _same(store, plain)
    store.held.surrogates([MEMBER])
    write(plain)
    _same(store, plain)
    names = store.held.surrogates([MEMBER])

    assert names == plain.surrogates.surrogates([MEMBER])
    write(plain)
    _same(store, plain)


CATALOGUES = {
    "closed": [replace(P001, state=ProcessState.CLOSED)],
    "newer": [replace(P001, version=9)],
    "another of the code": [replace(P001, id=ProcessId("other"), title="Outro")],
    "of the name": [replace(P001, id=ProcessId("nothing"), code="NOTHING", title="Nada")],
}


@pytest.mark.parametrize("processes", CATALOGUES.values(), ids=CATALOGUES)
def test_a_changed_catalogue_counts(
    store: HeldStore, plain: SqlStore, processes: list[ProcessDefinition]
) -> None:
    """A process that is closed, that a name means, or means no longer: at once."""
    _same(store, plain)
    plain.catalogue.save_processes(processes, NOON, untold)
    _same(store, plain)
    plain.catalogue.save_processes([P001], NOON, untold)
    _same(store, plain)


def test_a_database_that_went_back_a_version_is_missed(store: HeldStore, plain: SqlStore) -> None:
    """What its tables do not hold any more is not told out of memory, then or later."""
    _same(store, plain)
    plain.downgrade("0001", untold)
    with pytest.raises(StoreUnavailable):
        store.held.gather(QUESTIONS, NOON)
    plain.upgrade()
    _same(store, plain)


# The file


def test_a_restored_file_counts(tmp_path: Path) -> None:
    """A back-up in the place of the file, of an earlier revision: nothing of the later is told."""
    with closing(HeldStore(f"sqlite:///{tmp_path}/store.db")) as store:
        store.create()
        store.registry.save_person(Person(MEMBER), untold)
        store.backup(tmp_path / "backup.db", untold)
        before = store.held.gather([about(actor=MEMBER)], NOON)
        store.registry.save_person(Person(MEMBER, NOON), untold)
        store.held.gather([about(actor=MEMBER)], NOON)
        name = store.held.surrogates([MEMBER])[MEMBER]
        for end in ("-wal", "-shm"):
            file_of(store).with_name(f"store.db{end}").unlink()
        (tmp_path / "backup.db").replace(file_of(store))

        assert before == store.held.gather([about(actor=MEMBER)], NOON)
        assert name != store.held.surrogates([MEMBER])[MEMBER]


def test_a_restored_file_of_the_same_revision_counts(tmp_path: Path) -> None:
    """Names are no revisions: one that was made after the back-up is not in it, so not told."""
    with closing(HeldStore(f"sqlite:///{tmp_path}/store.db")) as store:
        store.create()
        store.registry.save_person(Person(MEMBER), untold)
        store.backup(tmp_path / "backup.db", untold)
        name = store.held.surrogates([MEMBER])[MEMBER]
        for end in ("-wal", "-shm"):
            file_of(store).with_name(f"store.db{end}").unlink()
        (tmp_path / "backup.db").replace(file_of(store))

        assert store.held.known(MEMBER) is None
        assert name != store.held.surrogates([MEMBER])[MEMBER]


def test_a_file_that_is_gone_is_missed_and_found_again(tmp_path: Path) -> None:
    """Nothing is told of a file that is not there, though all of it would be held."""
    with closing(HeldStore(f"sqlite:///{tmp_path}/store.db")) as store:
        store.create()
        store.registry.save_person(Person(MEMBER, NOON), untold)
        held = store.held.gather([about(actor=MEMBER)], NOON)
        shutil.move(tmp_path / "store.db", tmp_path / "away.db")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="ENOENT"):
                store.held.gather([about(actor=MEMBER)], NOON)
        shutil.move(tmp_path / "away.db", tmp_path / "store.db")

        assert held == _told(store.held.gather([about(actor=MEMBER)], NOON))


def test_a_file_never_lags(tmp_path: Path) -> None:
    """A cheaper reading is refused where there is none."""
    with (
        closing(SqlStore(f"sqlite:///{tmp_path}/store.db")) as store,
        pytest.raises(InvalidInput, match=r"^freshness: "),
    ):
        store.hold(10, stale_seconds=1.0)


def test_a_closed_one_goes_on(store: HeldStore, plain: SqlStore) -> None:
    """What is asked after closing takes the pulse up anew, and sees what was written meanwhile."""
    _same(store, plain)
    store.held.close()
    plain.registry.save_person(Person(STRANGER, NOON), untold)
    _same(store, plain, NOON + TICK)


def test_it_tells_now_and_then_how_many_were_held(tmp_path: Path) -> None:
    """What was held is told of in large numbers, or with the next that was not; nothing twice."""
    store = SqlStore(f"sqlite:///{tmp_path / 'authz.db'}")
    store.create()
    told: list[tuple[int, int]] = []
    held = store.hold(10, None, lambda hits, misses: told.append((hits, misses)))
    one, other = (Question(who, "open", CompanyAsked(COMPANY)) for who in (MEMBER, STRANGER))
    held.gather([one], NOON)
    for _ in range(300):
        held.gather([one], NOON)
    held.gather([one, other], NOON)
    held.close()
    store.close()
    assert [(0, 1), (256, 0), (45, 1)] == told
