"""What any store promises of its revisions, and says of its health.

Asked of the store in memory, of SQLite in a real file, and of a real PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authz_service.domain.delegation import Change, EventKind
from authz_service.domain.errors import (
    Conflict,
    InvalidInput,
    LogUnavailable,
    StoreUnavailable,
)
from authz_service.domain.people import Bond, Evidence, Person
from authz_service.usecases.ports import Told
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    P004,
    REPRESENTATIVE,
)
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import (
    CLIENT,
    EXACT,
    a_delegation,
    a_standing,
    about,
    an_event,
    grant,
    happen,
    person_facts,
    state_of,
)
from tests.store.records import Store, answer, keep, sign_in

Write = Callable[[Store, Told], int | None]


def _confirm(store: Store, told: Told) -> int:
    store.registry.confirm(MEMBER, EXACT, told)
    return state_of(store)


WRITES: dict[str, Write] = {
    "processes": lambda store, told: store.catalogue.save_processes([P004], NOON, told),
    "no processes": lambda store, told: store.catalogue.save_processes([], NOON, told),
    "person": lambda store, told: store.registry.save_person(Person(MEMBER, NOON, NOON), told),
    "standing": lambda store, told: store.registry.save_standing(a_standing(), told),
    "bond": lambda store, told: store.registry.save_bond(
        Bond(FILIAL, COMPANY, "prova", NOON), told
    ),
    "delegations": lambda store, told: store.delegations.apply(
        Change(
            COMPANY,
            MEMBER,
            state_of(store),
            (a_delegation("one"),),
            (a_delegation("two"),),
            (("one", an_event(EventKind.REVOKED)),),
        ),
        told,
    ),
    "client": lambda store, told: store.clients.save_client(CLIENT, told),
    "confirmation": _confirm,
    "sign-in": lambda store, told: keep(
        store, sign_in("one"), answer(a_standing(evidence=Evidence.GOVBR)), told, confirm=True
    ),
    "erasure": lambda store, told: store.personal_data.erase(MEMBER, told),
}


def _everything(store: Store) -> list[object]:
    """Give all that the ports give back of what ``WRITES`` write."""
    questions = [about(actor=MEMBER), about(), about(FILIAL), about(process="P001")]
    return [
        store.facts.gather(questions, NOON),
        store.catalogue.processes(),
        store.delegations.of_company(COMPANY),
        store.clients.clients(),
        store.sign_ins.of_digest(sign_in("one").digest),
        [store.registry.person(cpf) for cpf in (MEMBER, REPRESENTATIVE)],
        [store.personal_data.export(cpf) for cpf in (MEMBER, REPRESENTATIVE)],
    ]


def _filled(store: Store) -> None:
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_person(Person(MEMBER, NOON), untold)
    grant(store, a_delegation("one"))
    # A name is made before an act, and is no part of what it writes.
    store.surrogates.surrogates([MEMBER, REPRESENTATIVE])


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_is_told_once_before_anybody_sees_it(store: Store, write: Write) -> None:
    """Whoever writes it down hears of the very revision, while all others see the state before."""
    _filled(store)
    before = _everything(store)
    heard: list[int] = []
    meanwhile: list[list[object]] = []

    def _told(revision: int) -> None:
        heard.append(revision)
        meanwhile.append(_everything(store))

    assert [write(store, _told)] == heard == [4]
    assert [before] == meanwhile
    assert before != _everything(store)


FAILURES = (
    LogUnavailable("the decision log cannot be written"),
    StoreUnavailable("another one"),
    Conflict("of something else"),
    InvalidInput("field", "cannot be"),
    ValueError("a defect"),
    LookupError("another defect"),
    KeyboardInterrupt(),
)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_cannot_be_told_is_not_written(store: Store, write: Write) -> None:
    """
    Nothing of it is kept, the revision stays, and the failure comes out as what it is.

    Nor does a failure stand in the way of the next write, which comes as far.
    """
    _filled(store)
    before = _everything(store)
    for failure in FAILURES:
        failure.__cause__ = OSError("disk full")
        heard: list[int] = []

        def _refuse(
            revision: int, failure: BaseException = failure, heard: list[int] = heard
        ) -> None:
            heard.append(revision)
            raise failure

        with pytest.raises(type(failure)) as caught:
            write(store, _refuse)
        assert failure is caught.value
        assert "disk full" == str(caught.value.__cause__)
        assert [4] == heard
        assert before == _everything(store)
    assert 4 == write(store, untold)


def test_every_write_is_a_new_revision(store: Store) -> None:
    """Whatever is written counts by one, and the facts say which state they come from."""
    writes: list[Callable[[], int | None]] = [
        lambda: store.catalogue.save_processes([P001], NOON, untold),
        lambda: store.catalogue.save_processes([], NOON, untold),
        lambda: store.registry.save_person(Person(MEMBER, NOON), untold),
        lambda: store.registry.save_standing(a_standing(), untold),
        lambda: store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold),
        lambda: grant(store, a_delegation("one")),
        lambda: happen(store, "one", an_event(EventKind.REVOKED)),
        lambda: store.clients.save_client(CLIENT, untold),
        lambda: keep(store, sign_in("one")),
        lambda: _confirm(store, untold),
        lambda: store.personal_data.erase(MEMBER, untold),
    ]
    for expected, write in enumerate(writes, start=1):
        assert expected == write()
        assert expected == store.facts.gather([about()], NOON).revision


def test_reading_makes_no_revision(store: Store) -> None:
    """A state is read as often as one likes."""
    store.registry.save_person(Person(MEMBER), untold)
    store.catalogue.processes()
    store.clients.clients()
    store.clients.client_of_key("one")
    store.delegations.of_company(COMPANY)
    store.delegations.find("one")
    store.registry.person(MEMBER)
    store.registry.standing_of(MEMBER)
    store.sign_ins.of_digest("0" * 64)
    store.personal_data.export(MEMBER)

    assert 1 == store.facts.gather([about()], NOON).revision


# Health


def test_a_store_that_is_well_says_nothing(store: Store) -> None:
    """A ping without an ailment is None, and creating again changes nothing."""
    store.registry.save_person(Person(MEMBER, NOON), untold)
    store.create()

    assert store.ping() is None
    assert person_facts(store, MEMBER).registered
