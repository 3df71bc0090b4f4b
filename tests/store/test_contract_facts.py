"""What any store promises of the facts that it gathers.

Asked of the store in memory, of SQLite in a real file, and of a real PostgreSQL.
"""

from __future__ import annotations

import pytest

from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.delegation import EventKind
from authz_service.domain.facts import PersonFacts, ProcessFacts, StandingFacts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Bond, Evidence, Person, Role
from authz_service.domain.processes import Ambiguous, ProcessName
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    P001,
    P004,
    P061_CADASTRO,
    P061_REGISTRO,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.domain.gathered import company_of, gather, person_of
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.asking import (
    ALPHANUMERIC,
    NOBODY_THERE,
    TICK,
    a_delegation,
    a_standing,
    about,
    an_event,
    gathered,
    grant,
    happen,
    process_facts,
)
from tests.store.records import Store


def test_facts_of_what_nobody_knows(store: Store) -> None:
    """Unknown persons, companies and processes have facts too: absence has its names."""
    facts = gathered(store, about(actor=STRANGER, process="P999", recipient=PARTNER))
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

    facts = gathered(store, about(process=name))
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
        [about(process="P001"), about(process="P061")], NOON
    ).facts

    assert gathered(store, about(process="P001")) == clear
    assert Ambiguous((P061_CADASTRO.label, P061_REGISTRO.label)) == ambiguous


def test_a_delegation_shows_with_its_backers_standing(store: Store) -> None:
    """The facts tell the delegation's state and the best standing among those behind it."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(a_standing(REPRESENTATIVE, role=Role.COLABORADOR), untold)
    store.registry.save_standing(a_standing(PARTNER, evidence=Evidence.GOVBR), untold)
    grant(store, a_delegation("one"))
    before = process_facts(store).delegation
    happen(store, "one", an_event(EventKind.CONFIRMED, PARTNER))
    after = process_facts(store).delegation

    assert ("in_force", 3) == (before.state, before.version)
    assert StandingFacts("colaborador", "asserted", in_force=True, days=0) == before.backing
    assert NOBODY_THERE == before.matriz_backing
    assert StandingFacts("socio", "govbr", in_force=True, days=0) == after.backing


def test_backers_are_looked_up_in_the_matriz(store: Store) -> None:
    """Where a bond is on record, who stands behind a filial's delegation counts in the matriz."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_standing(a_standing(REPRESENTATIVE, COMPANY), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold)
    grant(store, a_delegation("one", P001, FILIAL))

    facts = process_facts(store, company=FILIAL).delegation
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
    grant(store, a_delegation("one"))
    happen(store, "one", an_event(kind, at=NOON + TICK))
    assert state == process_facts(store).delegation.state

    grant(store, a_delegation("two"))
    assert "in_force" == process_facts(store).delegation.state


def test_of_ended_delegations_the_last_one_made_speaks(store: Store) -> None:
    """The state is that of the last delegation, though a clock was set back in between."""
    store.catalogue.save_processes([P001], NOON, untold)
    grant(store, a_delegation("one"))
    happen(store, "one", an_event(EventKind.REVOKED, at=NOON + 2 * TICK))
    grant(store, a_delegation("two"))
    happen(store, "two", an_event(EventKind.RENOUNCED, at=NOON + TICK))

    assert "renounced" == process_facts(store).delegation.state
    assert "two" == gathered(store, about(COMPANY, MEMBER, "P001")).delegation


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
    grant(store, a_delegation("one"))

    assert "none" == process_facts(store, process, company, actor).delegation.state
    assert "in_force" == process_facts(store).delegation.state


def test_a_batch_is_answered_in_its_order(store: Store) -> None:
    """Each question of a batch gets the facts that it would get alone."""
    store.catalogue.save_processes(CATALOGUE, NOON, untold)
    store.registry.save_person(Person(MEMBER, NOON, NOON), untold)
    store.registry.save_standing(a_standing(), untold)
    store.registry.save_standing(a_standing(PARTNER, OTHER_COMPANY, Role.CONTADOR), untold)
    store.registry.save_bond(Bond(FILIAL, COMPANY, "prova", NOON), untold)
    grant(store, a_delegation("one"))
    grant(store, a_delegation("two", P001, FILIAL))
    questions = [
        about(company, actor, process, recipient)
        for company in (COMPANY, FILIAL, OTHER_COMPANY, ALPHANUMERIC)
        for actor in (MEMBER, REPRESENTATIVE, PARTNER)
        for process in (None, "P001", "p061-registro", "P999")
        for recipient in (None, MEMBER)
    ]

    alone = tuple(gathered(store, question) for question in questions)
    assert alone == store.facts.gather(questions, NOON).facts
    assert len(set(map(repr, alone))) > 30


def test_a_thousand_questions_are_one_batch(store: Store) -> None:
    """A large batch is answered like a small one."""
    store.catalogue.save_processes([P001], NOON, untold)
    store.registry.save_standing(a_standing(), untold)
    questions = [
        Question(
            Cpf(f"{number:011}"), "open", ProcessAsked(ProcessName("P001"), Cnpj(f"{number:014}"))
        )
        for number in range(1000)
    ]
    *first, last = gather(store.facts, *questions, about())

    assert [f"{number:011}" for number in range(1000)] == [person_of(one).cpf for one in first]
    assert "socio" == company_of(last).standing.role
