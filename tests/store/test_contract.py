"""
What any store promises, whatever it keeps things in.

Every test runs on the store in memory, on SQLite in a real file, and on a real PostgreSQL.
Bonds have no port that gives them back; what became of them, and of persons and standing, is
asked as facts.
``test_sign_ins`` and ``test_privacy`` ask for what sign-ins and the persons' rights add.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from authz_service.domain.clients import Client, ClientKey
from authz_service.domain.decision import CompanyAsked, ProcessAsked, Question
from authz_service.domain.delegation import Change, Delegation, Event, EventKind
from authz_service.domain.errors import (
    Conflict,
    InvalidInput,
    LogUnavailable,
    StoreUnavailable,
)
from authz_service.domain.facts import CompanyFacts, Facts, PersonFacts, ProcessFacts, StandingFacts
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import Ambiguous, ProcessDefinition, ProcessName, ProcessState
from authz_service.usecases.ports import Told
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    P004,
    P015,
    P061_CADASTRO,
    P061_REGISTRO,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.domain.gathered import company_of, gather, person_of
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import Store, answer, keep, sign_in

TICK = timedelta(microseconds=1)
EXACT = datetime(2026, 7, 31, 23, 59, 59, 999_999, tzinfo=UTC)
IN_BRASILIA = datetime(2026, 7, 31, 20, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-3)))
ALPHANUMERIC = Cnpj("12ABC34501DE35")
NOBODY_THERE = StandingFacts(role="none", evidence="none", in_force=False)


def _event(
    kind: EventKind = EventKind.GRANTED,
    actor: Cpf = REPRESENTATIVE,
    at: datetime = NOON,
    last_day: date | None = None,
) -> Event:
    return Event(kind, at, actor, "orquestra", None, last_day)


def _delegation(
    name: str,
    process: ProcessDefinition = P001,
    company: Cnpj = COMPANY,
    member: Cpf = MEMBER,
    *later: Event,
) -> Delegation:
    return Delegation(name, company, member, process.id, process.version, (_event(), *later))


def _revision(store: Store) -> int:
    return store.facts.gather([], NOON).revision


def _grant(store: Store, *granted: Delegation) -> int:
    """Write delegations of one member, whatever there is already."""
    company, member = granted[0].company, granted[0].member
    seen = tuple(store.delegations.of_company(company, member))
    return store.delegations.apply(Change(company, member, _revision(store), seen, granted), untold)


def _happen(store: Store, delegation: str, event: Event) -> int:
    found = store.delegations.find(delegation)
    assert found is not None
    seen = tuple(store.delegations.of_company(found.company, found.member))
    change = Change(
        found.company, found.member, _revision(store), seen, events=((delegation, event),)
    )
    return store.delegations.apply(change, untold)


def _standing(
    person: Cpf = REPRESENTATIVE,
    company: Cnpj = COMPANY,
    role: Role = Role.SOCIO,
    evidence: Evidence = Evidence.ASSERTED,
    ends_at: datetime | None = None,
) -> Standing:
    return Standing(company, person, role, evidence, NOON, ends_at)


def _about(
    company: Cnpj = COMPANY,
    actor: Cpf = REPRESENTATIVE,
    process: str | None = None,
    recipient: Cpf | None = None,
) -> Question:
    resource = (
        CompanyAsked(company) if process is None else ProcessAsked(ProcessName(process), company)
    )
    return Question(actor, "open", resource, recipient=recipient)


def _gathered(store: Store, question: Question, moment: datetime = NOON) -> Facts:
    [facts] = gather(store.facts, question, moment=moment)
    return facts


def _person(store: Store, cpf: Cpf) -> PersonFacts:
    return person_of(_gathered(store, _about(actor=cpf)))


def _company_facts(
    store: Store, company: Cnpj = COMPANY, actor: Cpf = REPRESENTATIVE, moment: datetime = NOON
) -> CompanyFacts:
    resource = _gathered(store, _about(company, actor), moment).resource
    assert isinstance(resource, CompanyFacts)
    return resource


def _process_facts(
    store: Store,
    process: str = "P001",
    company: Cnpj = COMPANY,
    actor: Cpf = MEMBER,
    moment: datetime = NOON,
) -> ProcessFacts:
    resource = _gathered(store, _about(company, actor, process), moment).resource
    assert isinstance(resource, ProcessFacts)
    return resource


# Catalogue


def test_an_empty_store_has_nothing(store: Store) -> None:
    """A new store answers every question about what it keeps with nothing, at revision zero."""
    assert [] == store.catalogue.processes()
    assert [] == store.clients.clients()
    assert [] == store.delegations.of_company(COMPANY)
    assert 0 == _revision(store)


def test_the_catalogue_comes_back_equal_by_code_and_title(store: Store) -> None:
    """The ten processes of the document, accents and all, come back in the order of the list."""
    store.catalogue.save_processes(CATALOGUE[::-1], NOON, untold)

    assert list(CATALOGUE) == store.catalogue.processes()


def test_saving_processes_replaces_by_id_and_keeps_the_others(store: Store) -> None:
    """A newer version replaces the one of the same id, and what is not mentioned stays."""
    store.catalogue.save_processes([P001, P004], NOON, untold)
    newer = replace(P001, title="Acreditação", version=4, state=ProcessState.CLOSED)
    store.catalogue.save_processes([newer, P015], NOON, untold)

    assert [newer, P004, P015] == store.catalogue.processes()


def test_processes_that_share_a_code_are_two(store: Store) -> None:
    """P061 stands for two processes, and each keeps its own row."""
    store.catalogue.save_processes([P061_REGISTRO, P061_CADASTRO], NOON, untold)

    assert [P061_CADASTRO, P061_REGISTRO] == store.catalogue.processes()


def test_titles_are_ordered_the_same_in_every_store(store: Store) -> None:
    """The order is that of code points, which no database's collation changes."""
    titles = ["Zinco", "abertura", "Álcool", "álcool"]
    processes = [
        ProcessDefinition(ProcessId(f"p{number}"), "P001", title, 1)
        for number, title in enumerate(titles)
    ]
    store.catalogue.save_processes(processes, NOON, untold)

    assert titles == [process.title for process in store.catalogue.processes()]


# Persons


@pytest.mark.parametrize(
    ("registered_at", "confirmed_at", "expected"),
    [
        (None, None, (False, False)),
        (EXACT, None, (True, False)),
        (EXACT, NOON, (True, True)),
    ],
)
def test_a_person_is_known_by_registration_and_confirmation(
    store: Store,
    registered_at: datetime | None,
    confirmed_at: datetime | None,
    expected: tuple[bool, bool],
) -> None:
    """Registered and confirmed are two facts, and both come back."""
    store.registry.save_person(Person(MEMBER, registered_at, confirmed_at), untold)

    actor = _gathered(store, _about(actor=MEMBER)).actor
    assert PersonFacts(MEMBER.digits, *expected) == actor


def test_the_last_word_about_a_person_counts(store: Store) -> None:
    """Saving a person replaces all that was said about the registration."""
    store.registry.save_person(Person(MEMBER, NOON, NOON), untold)
    store.registry.save_person(Person(MEMBER), untold)

    actor = _gathered(store, _about(actor=MEMBER)).actor
    assert PersonFacts(MEMBER.digits, registered=False, confirmed=False) == actor


def test_the_recipient_is_read_as_well(store: Store) -> None:
    """The facts of a delegation speak of whom it is for."""
    store.registry.save_person(Person(MEMBER, NOON, NOON), untold)

    resource = _gathered(store, _about(recipient=MEMBER)).resource
    expected = PersonFacts(MEMBER.digits, registered=True, confirmed=True)
    assert expected == resource.question.recipient


def test_a_leading_zero_belongs_to_the_cpf(store: Store) -> None:
    """A CPF is text: eleven digits go in and eleven come out."""
    cpf = Cpf.parse("012.345.678-90")
    store.registry.save_person(Person(cpf, NOON), untold)
    store.catalogue.save_processes([P001], NOON, untold)
    granted = _delegation("one", P001, COMPANY, cpf)
    _grant(store, granted)

    assert "01234567890" == _person(store, cpf).cpf
    assert _person(store, cpf).registered
    assert granted == store.delegations.find("one")


# Standing


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("evidence", Evidence)
def test_every_role_and_evidence_comes_back(store: Store, role: Role, evidence: Evidence) -> None:
    """What a person is in a company, and how it is known, is kept as it was said."""
    store.registry.save_standing(_standing(role=role, evidence=evidence), untold)

    expected = StandingFacts(role.value, evidence.value, in_force=True, days=0)
    assert expected == _company_facts(store).standing


def test_a_standing_supersedes_the_one_of_the_same_evidence(store: Store) -> None:
    """Of several assertions the last one counts, even if it says less."""
    store.registry.save_standing(_standing(role=Role.SOCIO), untold)
    store.registry.save_standing(_standing(role=Role.CONTADOR), untold)

    expected = StandingFacts("contador", "asserted", in_force=True, days=0)
    assert expected == _company_facts(store).standing


def test_the_last_word_about_a_standing_counts(store: Store) -> None:
    """What is said last supersedes, even if it was observed earlier than what it replaces."""
    store.registry.save_standing(replace(_standing(), observed_at=NOON + TICK), untold)
    store.registry.save_standing(_standing(role=Role.CONTADOR), untold)

    expected = StandingFacts("contador", "asserted", in_force=True, days=0)
    assert expected == _company_facts(store).standing


def test_standings_of_different_evidence_stand_side_by_side(store: Store) -> None:
    """An assertion takes no place from what GOV.BR said, and the other way round."""
    store.registry.save_standing(_standing(role=Role.CONTADOR, evidence=Evidence.GOVBR), untold)
    store.registry.save_standing(_standing(role=Role.SOCIO), untold)
    store.registry.save_standing(_standing(role=Role.REPRESENTANTE_LEGAL), untold)

    expected = StandingFacts("contador", "govbr", in_force=True, days=0)
    assert expected == _company_facts(store).standing


@pytest.mark.parametrize(
    ("person", "company"), [(STRANGER, COMPANY), (REPRESENTATIVE, OTHER_COMPANY)]
)
def test_a_standing_is_superseded_by_nothing_else(store: Store, person: Cpf, company: Cnpj) -> None:
    """Other people, and the same person elsewhere, leave a standing alone."""
    store.registry.save_standing(_standing(), untold)
    store.registry.save_standing(_standing(person, company, Role.COLABORADOR), untold)

    assert (
        StandingFacts("socio", "asserted", in_force=True, days=0) == _company_facts(store).standing
    )
    expected = StandingFacts("colaborador", "asserted", in_force=True, days=0)
    assert expected == _company_facts(store, company, person).standing


@pytest.mark.parametrize("ends_at", [EXACT, IN_BRASILIA])
def test_a_standing_ends_to_the_microsecond(store: Store, ends_at: datetime) -> None:
    """The end is kept exactly, whatever zone it was given in."""
    observed = replace(_standing(ends_at=ends_at), observed_at=EXACT - TICK)
    store.registry.save_standing(observed, untold)

    assert _company_facts(store, moment=EXACT - TICK).standing.in_force
    assert not _company_facts(store, moment=EXACT).standing.in_force


# Bonds


def test_a_bond_brings_the_standing_in_the_matriz(store: Store) -> None:
    """For a filial with a bond the facts tell what the actor is in the matriz."""
    store.registry.save_standing(_standing(company=COMPANY), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "0052600.001234/2026-11", EXACT), untold)

    facts = _company_facts(store, FILIAL)
    assert facts.bond.recorded
    assert facts.bond.in_force
    assert StandingFacts("socio", "asserted", in_force=True, days=0) == facts.bond.standing
    assert NOBODY_THERE == facts.standing
    assert not _company_facts(store, COMPANY).bond.recorded


def test_the_last_day_of_a_bond_is_a_civil_day(store: Store) -> None:
    """A bond counts through its last day in Brasília, and is on record after it."""
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON, date(2026, 11, 20)), untold)

    last = datetime(2026, 11, 21, 2, 59, 59, 999_999, tzinfo=UTC)
    assert _company_facts(store, FILIAL, moment=last).bond.in_force
    over = _company_facts(store, FILIAL, moment=last + TICK).bond
    assert (True, False) == (over.recorded, over.in_force)


def test_a_bond_supersedes_the_one_that_the_filial_had(store: Store) -> None:
    """Of several bonds of a filial the last one counts, those of other filiais stay."""
    other_filial, other_matriz = Cnpj("52420282000341"), Cnpj("52420282000422")
    store.registry.save_standing(_standing(company=other_matriz), untold)
    store.registry.save_bond(Bond(other_filial, COMPANY, "prova", NOON), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON, date(2026, 1, 1)), untold)
    store.registry.save_bond(Bond(FILIAL, other_matriz, "prova", NOON), untold)

    facts = _company_facts(store, FILIAL).bond
    assert (True, "socio") == (facts.in_force, facts.standing.role)
    assert "none" == _company_facts(store, other_filial).bond.standing.role


# Identifiers


@pytest.mark.parametrize(
    "other", [Cnpj("12abc34501de35"), Cnpj("12ABC34501DE3"), Cnpj("12ABC34501DE35 "), COMPANY]
)
def test_a_cnpj_matches_byte_for_byte(store: Store, other: Cnpj) -> None:
    """Another case, a shorter form or a trailing space is another company."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_standing(_standing(company=ALPHANUMERIC), untold)
    granted = _delegation("one", P001, ALPHANUMERIC)
    _grant(store, granted)

    assert [granted] == store.delegations.of_company(ALPHANUMERIC)
    assert [] == store.delegations.of_company(other)
    assert "socio" == _company_facts(store, ALPHANUMERIC).standing.role
    assert NOBODY_THERE == _company_facts(store, other).standing
    assert "none" == _process_facts(store, company=other).delegation.state


@pytest.mark.parametrize(
    "other",
    ["AÇÃO", "Ação", "acao", "ação ", " ação", "açã", "", unicodedata.normalize("NFD", "ação")],
    ids=["upper", "title", "bare", "blank-after", "blank-before", "shorter", "empty", "decomposed"],
)
def test_ids_and_keys_match_byte_for_byte(store: Store, other: str) -> None:
    """Neither a delegation nor a key is found by what only looks like its id, nor stands for it."""
    store.catalogue.save_processes([P001, P004], NOON, untold)
    _grant(store, _delegation("ação"))
    store.clients.save_client(
        Client("bpm", frozenset({"decide"}), (ClientKey("ação", "0" * 64, NOON),)), untold
    )

    assert store.delegations.find(other) is None
    assert store.clients.client_of_key(other) is None

    _grant(store, _delegation(other, P004))
    found = [store.delegations.find(name) for name in ("ação", other)]
    assert ["ação", other] == [one.id for one in found if one is not None]


# Delegations


def test_a_delegation_comes_back_with_its_whole_history(store: Store) -> None:
    """Who, when, why and until when: every event comes back equal, in its order."""
    store.catalogue.save_processes([P061_REGISTRO], NOON, untold)
    history = (
        Event(EventKind.GRANTED, IN_BRASILIA, REPRESENTATIVE, "orquestra", None, None),
        Event(EventKind.CONFIRMED, EXACT, PARTNER, "portal", "férias; 'x' \"y\"", None),
        Event(EventKind.EXTENDED, EXACT, PARTNER, "portal", "", date(2028, 2, 29)),
        Event(EventKind.RENOUNCED, EXACT + TICK, MEMBER, "portal", None, date(2028, 2, 29)),
    )
    granted = Delegation("one", ALPHANUMERIC, MEMBER, P061_REGISTRO.id, 2, history)
    _grant(store, granted)

    assert granted == store.delegations.find("one")


def test_what_does_not_exist_is_not_found(store: Store) -> None:
    """A delegation that nobody granted is None, not an error."""
    assert store.delegations.find("nothing") is None


def test_delegations_are_listed_oldest_first(store: Store) -> None:
    """A company's delegations stand in the order of granting, of one act in the act's order."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    z, y = _delegation("z", P015), _delegation("y", P001)
    x, w = _delegation("x", P001, COMPANY, PARTNER), _delegation("w", P001, OTHER_COMPANY)
    a = _delegation("a", P004)
    _grant(store, z, y)
    _grant(store, x)
    _grant(store, w)
    _grant(store, a)

    assert [z, y, x, a] == store.delegations.of_company(COMPANY)
    assert [z, y, a] == store.delegations.of_company(COMPANY, MEMBER)
    assert [x] == store.delegations.of_company(COMPANY, PARTNER)
    assert [] == store.delegations.of_company(COMPANY, STRANGER)
    assert [w] == store.delegations.of_company(OTHER_COMPANY)


def test_a_change_ends_and_grants_at_once(store: Store) -> None:
    """One act may end a delegation and begin the next one of the same process."""
    store.catalogue.save_processes([P001], NOON, untold)
    old = _delegation("old")
    _grant(store, old)
    expired = _event(EventKind.EXPIRED, at=NOON + TICK, last_day=date(2026, 11, 19))
    new = _delegation("new")
    store.delegations.apply(
        Change(COMPANY, MEMBER, _revision(store), (old,), (new,), (("old", expired),)), untold
    )

    ended = replace(old, history=(*old.history, expired))
    assert [ended, new] == store.delegations.of_company(COMPANY, MEMBER)
    assert ended == store.delegations.find("old")


def test_two_events_of_one_change_keep_their_order(store: Store) -> None:
    """A delegation that is confirmed and extended by one act has both events in that order."""
    store.catalogue.save_processes([P001], NOON, untold)
    old = _delegation("one")
    _grant(store, old)
    events = (_event(EventKind.CONFIRMED, PARTNER), _event(EventKind.EXTENDED, PARTNER))
    change = Change(
        COMPANY, MEMBER, _revision(store), (old,), events=tuple(("one", event) for event in events)
    )
    store.delegations.apply(change, untold)

    expected = replace(old, history=(*old.history, *events))
    assert expected == store.delegations.find("one")


def test_what_was_seen_may_come_in_any_order(store: Store) -> None:
    """The order in which an act looked at the delegations makes no conflict."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    one, two, three = _delegation("a", P001), _delegation("b", P004), _delegation("c", P015)
    _grant(store, one, two)
    store.delegations.apply(Change(COMPANY, MEMBER, _revision(store), (two, one), (three,)), untold)

    assert [one, two, three] == store.delegations.of_company(COMPANY)


@pytest.mark.parametrize(
    "seen",
    [
        (),
        (_delegation("one"), _delegation("two", P004)),
        (_delegation("one", P001, COMPANY, MEMBER, _event(EventKind.CONFIRMED, PARTNER)),),
        (replace(_delegation("one"), version=2),),
    ],
    ids=["fewer", "more", "longer history", "other version"],
)
def test_a_change_of_what_has_changed_is_refused(
    store: Store, seen: tuple[Delegation, ...]
) -> None:
    """What an act was decided on must still be there, exactly, or nothing of it is done."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    revision = _grant(store, _delegation("one"))

    with pytest.raises(Conflict, match=r"^the delegations were changed meanwhile$"):
        store.delegations.apply(
            Change(COMPANY, MEMBER, _revision(store), seen, (_delegation("three", P015),)), untold
        )
    assert [_delegation("one")] == store.delegations.of_company(COMPANY)
    assert revision == _revision(store)


@pytest.mark.parametrize("behind", [-1, 1, 2])
def test_a_change_that_was_decided_on_another_state_is_refused(store: Store, behind: int) -> None:
    """Whatever was written since, the decision may rest on it; nothing is granted."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(_standing(), untold)
    revision = store.registry.save_standing(_standing(role=Role.CONTADOR), untold)
    change = Change(COMPANY, MEMBER, revision - behind, (), (_delegation("one"),))
    told: list[int] = []

    with pytest.raises(Conflict, match=r"^the store was changed meanwhile$"):
        store.delegations.apply(change, told.append)
    assert ([], []) == (told, store.delegations.of_company(COMPANY))
    assert revision == _revision(store)
    store.delegations.apply(replace(change, revision=revision), untold)


def test_a_new_surrogate_is_no_conflict(store: Store) -> None:
    """A decision is written down under new names before the act, and must not stop it."""
    store.catalogue.save_processes([P001], NOON, untold)
    change = Change(COMPANY, MEMBER, _revision(store), (), (_delegation("one"),))
    store.surrogates.surrogates([MEMBER, REPRESENTATIVE])

    assert 2 == store.delegations.apply(change, untold)


def test_delegations_of_others_are_no_conflict(store: Store) -> None:
    """Two members, and two companies, can be served at the same time."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    _grant(store, _delegation("one", P001, COMPANY, PARTNER))
    _grant(store, _delegation("two", P001, OTHER_COMPANY, MEMBER))
    store.delegations.apply(
        Change(COMPANY, MEMBER, _revision(store), (), (_delegation("three"),)), untold
    )

    assert _delegation("three") == store.delegations.find("three")


@pytest.mark.parametrize(
    "change",
    [
        Change(COMPANY, MEMBER, 0, (_delegation("one"),), (_delegation("two"),)),
        Change(COMPANY, MEMBER, 0, (_delegation("one"),), (_delegation("one", P004),)),
        Change(
            COMPANY,
            MEMBER,
            0,
            (_delegation("one"),),
            (_delegation("two", replace(P004, id=ProcessId("p999"))),),
        ),
        Change(
            COMPANY,
            MEMBER,
            0,
            (_delegation("one"),),
            events=(("other", _event(EventKind.REVOKED)),),
        ),
        Change(
            COMPANY,
            MEMBER,
            0,
            (_delegation("one"),),
            (_delegation("three", P004), _delegation("two", P001)),
            (("one", _event(EventKind.CONFIRMED, PARTNER)),),
        ),
    ],
    ids=["second open", "same id", "unknown process", "event of another", "late in the change"],
)
def test_a_change_that_cannot_be_is_refused_as_a_whole(store: Store, change: Change) -> None:
    """A contradiction anywhere in a change leaves the store as it was, revision and all."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    _grant(store, _delegation("other", P001, COMPANY, PARTNER))
    revision = _grant(store, _delegation("one"))
    before = store.delegations.of_company(COMPANY)

    with pytest.raises(Conflict):
        store.delegations.apply(replace(change, revision=revision), untold)
    assert before == store.delegations.of_company(COMPANY)
    assert revision == _revision(store)


@pytest.mark.parametrize("ending", [EventKind.REVOKED, EventKind.RENOUNCED, EventKind.EXPIRED])
def test_every_ending_makes_room_for_a_new_delegation(store: Store, ending: EventKind) -> None:
    """One delegation of a company, member and process is open; ended ones may be many."""
    store.catalogue.save_processes([P001], NOON, untold)
    for name in ("one", "two", "three"):
        _grant(store, _delegation(name))
        _happen(store, name, _event(ending))
    _grant(store, _delegation("four"))

    assert [ending, ending, ending, None] == [
        one.ended for one in store.delegations.of_company(COMPANY)
    ]


@pytest.mark.parametrize("kind", [EventKind.CONFIRMED, EventKind.EXTENDED])
def test_no_other_event_makes_room(store: Store, kind: EventKind) -> None:
    """A delegation that was confirmed or extended is as open as before."""
    store.catalogue.save_processes([P001], NOON, untold)
    _grant(store, _delegation("one"))
    _happen(store, "one", _event(kind, PARTNER))

    with pytest.raises(Conflict):
        _grant(store, _delegation("two"))


def test_a_delegation_that_was_ended_when_written_leaves_room(store: Store) -> None:
    """A history that comes in whole, as from a migration, counts like one that grew."""
    store.catalogue.save_processes([P001], NOON, untold)
    ended = _delegation("old", P001, COMPANY, MEMBER, _event(EventKind.REVOKED))
    _grant(store, ended)
    _grant(store, _delegation("new"))

    assert [ended, _delegation("new")] == store.delegations.of_company(COMPANY)


# Surrogates


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
    before = _revision(store)
    store.surrogates.surrogates([MEMBER])

    assert before == _revision(store)


# Clients

KEY = ClientKey("0a1b2c3d4e5f", "a" * 64, EXACT)
FULL_KEY = ClientKey(
    "ffffffffffff",
    "b" * 64,
    EXACT + TICK,
    expires_at=IN_BRASILIA + timedelta(days=1),
    revoked_at=EXACT + 2 * TICK,
    networks=(ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("2001:db8::/32")),
)
CLIENT = Client("orquestra", frozenset({"decide", "delegations"}), (KEY, FULL_KEY))


def test_clients_come_back_equal_by_name(store: Store) -> None:
    """Scopes, instants, networks: all of a client comes back, and clients by name."""
    other = Client("a.prometheus", frozenset({"metrics"}))
    store.clients.save_client(CLIENT, untold)
    store.clients.save_client(other, untold)

    assert [other, CLIENT] == store.clients.clients()


def test_a_key_tells_whose_it_is(store: Store) -> None:
    """By a key's id one finds the key and the client with all its keys."""
    store.clients.save_client(Client("other", frozenset({"metrics"})), untold)
    store.clients.save_client(CLIENT, untold)

    assert (CLIENT, FULL_KEY) == store.clients.client_of_key(FULL_KEY.id)
    assert store.clients.client_of_key("000000000000") is None


def test_keys_that_are_not_mentioned_stay(store: Store) -> None:
    """A client gets a further key, or other scopes, without losing the keys it has."""
    store.clients.save_client(replace(CLIENT, keys=(FULL_KEY,)), untold)
    store.clients.save_client(replace(CLIENT, keys=(KEY,)), untold)
    fewer = frozenset({"decide"})
    store.clients.save_client(Client("orquestra", fewer), untold)

    assert [replace(CLIENT, scopes=fewer)] == store.clients.clients()


def test_a_key_that_is_mentioned_is_replaced(store: Store) -> None:
    """Revoking is saving the key with its end; nothing else changes."""
    store.clients.save_client(CLIENT, untold)
    revoked = replace(KEY, revoked_at=NOON)
    store.clients.save_client(replace(CLIENT, keys=(revoked,)), untold)

    assert [replace(CLIENT, keys=(revoked, FULL_KEY))] == store.clients.clients()


def test_a_key_never_changes_hands(store: Store) -> None:
    """A client that brings a key of another's id is refused, and neither client changes."""
    store.clients.save_client(CLIENT, untold)
    thief = Client("thief", frozenset({"decide"}), (replace(KEY, digest="c" * 64),))

    with pytest.raises(Conflict):
        store.clients.save_client(thief, untold)
    assert [CLIENT] == store.clients.clients()


# Facts


def test_facts_of_what_nobody_knows(store: Store) -> None:
    """Unknown persons, companies and processes have facts too: absence has its names."""
    facts = _gathered(store, _about(actor=STRANGER, process="P999", recipient=PARTNER))
    resource = facts.resource
    assert isinstance(resource, ProcessFacts)

    assert PersonFacts(STRANGER.digits, registered=False, confirmed=False) == facts.actor
    assert facts.process is None
    assert (None, None, None, "unknown") == (
        resource.id,
        resource.code,
        resource.version,
        resource.state,
    )
    assert NOBODY_THERE == resource.company.standing
    assert not resource.company.bond.recorded
    assert "none" == resource.delegation.state
    assert PersonFacts(PARTNER.digits, False, False) == resource.question.recipient


@pytest.mark.parametrize(
    "name", ["p001", "P001", "p001 - acreditação  inicial de organismos"], ids=str
)
def test_a_process_is_found_by_its_names(store: Store, name: str) -> None:
    """A question names a process by id, code or label, and gets the facts of the catalogue."""
    store.catalogue.save_processes([P001, P004, P061_CADASTRO, P061_REGISTRO], NOON, untold)

    facts = _gathered(store, _about(process=name))
    assert isinstance(facts.resource, ProcessFacts)
    assert P001 == facts.process
    assert ("p001", "P001", 3, "open") == (
        facts.resource.id,
        facts.resource.code,
        facts.resource.version,
        facts.resource.state,
    )


def test_an_ambiguous_code_has_its_candidates_in_the_place_of_facts(store: Store) -> None:
    """P061 names two processes: its question hears which, and the others get their facts."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    clear, ambiguous = store.facts.gather(
        [_about(process="P001"), _about(process="P061")], NOON
    ).facts

    assert _gathered(store, _about(process="P001")) == clear
    assert Ambiguous((P061_CADASTRO.label, P061_REGISTRO.label)) == ambiguous


def test_a_delegation_shows_with_its_backers_standing(store: Store) -> None:
    """The facts tell the delegation's state and the best standing among those behind it."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(_standing(REPRESENTATIVE, role=Role.COLABORADOR), untold)
    store.registry.save_standing(_standing(PARTNER, evidence=Evidence.GOVBR), untold)
    _grant(store, _delegation("one"))
    before = _process_facts(store).delegation
    _happen(store, "one", _event(EventKind.CONFIRMED, PARTNER))
    after = _process_facts(store).delegation

    assert ("in_force", 3) == (before.state, before.version)
    assert StandingFacts("colaborador", "asserted", in_force=True, days=0) == before.backing
    assert NOBODY_THERE == before.matriz_backing
    assert StandingFacts("socio", "govbr", in_force=True, days=0) == after.backing


def test_backers_are_looked_up_in_the_matriz(store: Store) -> None:
    """Where a bond is on record, who stands behind a filial's delegation counts in the matriz."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(_standing(REPRESENTATIVE, COMPANY), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold)
    _grant(store, _delegation("one", P001, FILIAL))

    facts = _process_facts(store, company=FILIAL).delegation
    assert NOBODY_THERE == facts.backing
    assert StandingFacts("socio", "asserted", in_force=True, days=0) == facts.matriz_backing


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (EventKind.REVOKED, "revoked"),
        (EventKind.RENOUNCED, "renounced"),
        (EventKind.EXPIRED, "expired"),
    ],
)
def test_an_ended_delegation_shows_how_it_ended(store: Store, kind: EventKind, state: str) -> None:
    """The next question after an ending knows of it, and of the one that follows."""
    store.catalogue.save_processes([P001], NOON, untold)
    _grant(store, _delegation("one"))
    _happen(store, "one", _event(kind, at=NOON + TICK))
    assert state == _process_facts(store).delegation.state

    _grant(store, _delegation("two"))
    assert "in_force" == _process_facts(store).delegation.state


def test_of_ended_delegations_the_last_one_made_speaks(store: Store) -> None:
    """The state is that of the last delegation, though a clock was set back in between."""
    store.catalogue.save_processes([P001], NOON, untold)
    _grant(store, _delegation("one"))
    _happen(store, "one", _event(EventKind.REVOKED, at=NOON + 2 * TICK))
    _grant(store, _delegation("two"))
    _happen(store, "two", _event(EventKind.RENOUNCED, at=NOON + TICK))

    assert "renounced" == _process_facts(store).delegation.state
    assert "two" == _gathered(store, _about(COMPANY, MEMBER, "P001")).delegation


@pytest.mark.parametrize(
    ("process", "company", "actor"),
    [
        ("P004", COMPANY, MEMBER),
        ("P001", OTHER_COMPANY, MEMBER),
        ("P001", COMPANY, PARTNER),
        ("P001", FILIAL, MEMBER),
    ],
)
def test_a_delegation_counts_for_nothing_else(
    store: Store, process: str, company: Cnpj, actor: Cpf
) -> None:
    """Another process, company or person does not profit from a delegation, nor a filial."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold)
    _grant(store, _delegation("one"))

    assert "none" == _process_facts(store, process, company, actor).delegation.state
    assert "in_force" == _process_facts(store).delegation.state


def test_a_batch_is_answered_in_its_order(store: Store) -> None:
    """Each question of a batch gets the facts that it would get alone."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_person(Person(MEMBER, NOON, NOON), untold)
    store.registry.save_standing(_standing(), untold)
    store.registry.save_standing(_standing(PARTNER, OTHER_COMPANY, Role.CONTADOR), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold)
    _grant(store, _delegation("one"))
    _grant(store, _delegation("two", P001, FILIAL))
    questions = [
        _about(company, actor, process, recipient)
        for company in (COMPANY, FILIAL, OTHER_COMPANY, ALPHANUMERIC)
        for actor in (MEMBER, REPRESENTATIVE, PARTNER)
        for process in (None, "P001", "p061-registro", "P999")
        for recipient in (None, MEMBER)
    ]

    alone = tuple(_gathered(store, question) for question in questions)
    assert alone == store.facts.gather(questions, NOON).facts
    assert len(set(map(repr, alone))) > 30


def test_a_thousand_questions_are_one_batch(store: Store) -> None:
    """A large batch is answered like a small one."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_standing(_standing(), untold)
    questions = [
        Question(
            Cpf(f"{number:011}"), "open", ProcessAsked(ProcessName("P001"), Cnpj(f"{number:014}"))
        )
        for number in range(1000)
    ]
    *first, last = gather(store.facts, *questions, _about())

    assert [f"{number:011}" for number in range(1000)] == [person_of(one).cpf for one in first]
    assert "socio" == company_of(last).standing.role


# Revision


Write = Callable[[Store, Told], int | None]


def _confirm(store: Store, told: Told) -> int:
    store.registry.confirm(MEMBER, EXACT, told)
    return _revision(store)


WRITES: dict[str, Write] = {
    "processes": lambda store, told: store.catalogue.save_processes([P004], NOON, told),
    "no processes": lambda store, told: store.catalogue.save_processes([], NOON, told),
    "person": lambda store, told: store.registry.save_person(Person(MEMBER, NOON, NOON), told),
    "standing": lambda store, told: store.registry.save_standing(_standing(), told),
    "bond": lambda store, told: store.registry.save_bond(
        Bond(FILIAL, COMPANY, "prova", NOON), told
    ),
    "delegations": lambda store, told: store.delegations.apply(
        Change(
            COMPANY,
            MEMBER,
            _revision(store),
            (_delegation("one"),),
            (_delegation("two"),),
            (("one", _event(EventKind.REVOKED)),),
        ),
        told,
    ),
    "client": lambda store, told: store.clients.save_client(CLIENT, told),
    "confirmation": _confirm,
    "sign-in": lambda store, told: keep(
        store, sign_in("one"), answer(_standing(evidence=Evidence.GOVBR)), told, confirm=True
    ),
    "erasure": lambda store, told: store.personal_data.erase(MEMBER, told),
}


def _everything(store: Store) -> list[object]:
    """Give all that the ports give back of what ``WRITES`` write."""
    questions = [_about(actor=MEMBER), _about(), _about(FILIAL), _about(process="P001")]
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
    _grant(store, _delegation("one"))
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


@pytest.mark.parametrize(
    "failure",
    [
        LogUnavailable("the decision log cannot be written"),
        StoreUnavailable("another one"),
        Conflict("of something else"),
        InvalidInput("field", "cannot be"),
        ValueError("a defect"),
        LookupError("another defect"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_cannot_be_told_is_not_written(
    store: Store, write: Write, failure: BaseException
) -> None:
    """Nothing of it is kept, the revision stays, and the failure comes out as what it is."""
    _filled(store)
    before = _everything(store)
    failure.__cause__ = OSError("disk full")

    def _refuse(_revision: int) -> None:
        raise failure

    with pytest.raises(type(failure)) as caught:
        write(store, _refuse)
    assert failure is caught.value
    assert "disk full" == str(caught.value.__cause__)
    assert before == _everything(store)
    assert 4 == write(store, untold)


def test_every_write_is_a_new_revision(store: Store) -> None:
    """Whatever is written counts by one, and the facts say which state they come from."""
    writes: list[Callable[[], int | None]] = [
        lambda: store.catalogue.save_processes([P001], NOON, untold),
        lambda: store.catalogue.save_processes([], NOON, untold),
        lambda: store.registry.save_person(Person(MEMBER, NOON), untold),
        lambda: store.registry.save_standing(_standing(), untold),
        lambda: store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold),
        lambda: _grant(store, _delegation("one")),
        lambda: _happen(store, "one", _event(EventKind.REVOKED)),
        lambda: store.clients.save_client(CLIENT, untold),
        lambda: keep(store, sign_in("one")),
        lambda: _confirm(store, untold),
        lambda: store.personal_data.erase(MEMBER, untold),
    ]
    for expected, write in enumerate(writes, start=1):
        assert expected == write()
        assert expected == store.facts.gather([_about()], NOON).revision


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

    assert 1 == store.facts.gather([_about()], NOON).revision


# Health


def test_a_store_that_is_well_says_nothing(store: Store) -> None:
    """A ping without an ailment is None, and creating again changes nothing."""
    store.registry.save_person(Person(MEMBER, NOON), untold)
    store.create()

    assert store.ping() is None
    assert _person(store, MEMBER).registered


@pytest.mark.parametrize("same", [True, False])
def test_a_change_on_a_store_that_moved_on_asks_whether_its_ground_is_the_same(
    store: Store, same: bool
) -> None:
    """Facts can be gathered while the writer holds the store, and decide whether it goes on."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(_standing(), untold)
    question = Question(REPRESENTATIVE, "delegate", ProcessAsked(ProcessName("P001"), COMPANY))
    ground = store.facts.gather([question], NOON)
    other = _standing(role=Role.CONTADOR, company=OTHER_COMPANY if same else COMPANY)
    store.registry.save_standing(other, untold)
    change = Change(COMPANY, MEMBER, ground.revision, (), (_delegation("one"),))

    def unchanged() -> bool:
        return store.facts.gather([question], NOON).facts == ground.facts

    if same:
        assert ground.revision + 2 == store.delegations.apply(change, untold, unchanged)
    else:
        with pytest.raises(Conflict, match=r"^the store was changed meanwhile$"):
            store.delegations.apply(change, untold, unchanged)
    assert same is (store.delegations.find("one") is not None)
