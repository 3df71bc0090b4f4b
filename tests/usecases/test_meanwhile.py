"""Acts of the desk while others write: decided anew on what is, or given up with a conflict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.decision import (
    NO_PERMIT,
    Decision,
    Question,
)
from authz_service.domain.delegation import Change, Delegation
from authz_service.domain.errors import ActRefused, Conflict
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.processes import ProcessState
from authz_service.usecases.acting import Validity
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.ports import Told
from tests.domain.document import (
    CATALOGUE,
    COMPANY,
    MEMBER,
    P001,
    P015,
    P018,
    REPRESENTATIVE,
    STRANGER,
)
from tests.domain.gathered import company_of
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.usecases.delegating import (
    ACTING,
    MEMBER_ACTING,
    PARTNER_ACTING,
    TODAY,
    asked,
    give,
    kinds,
    names,
    stored,
)
from tests.usecases.house import CALLER, House

TOMORROW = Validity(TODAY + timedelta(days=1))


class Interfered:
    """The house's delegations, with something that happens right before each write."""

    def __init__(self, house: House, *meanwhile: Callable[[], object]) -> None:
        """Let the acts of *meanwhile* happen, one before each write as long as there are any."""
        self._delegations = house.store.delegations
        self._meanwhile = list(meanwhile)
        self.find = self._delegations.find
        self.of_company = self._delegations.of_company

    def apply(self, change: Change, told: Told, unchanged: Callable[[], bool]) -> int:
        """Let the next thing happen, then write."""
        if self._meanwhile:
            self._meanwhile.pop(0)()
        return self._delegations.apply(change, told, unchanged)


class Late(Interfered):
    """The house's delegations, with something that happens right after the first reading."""

    def __init__(self, house: House, afterwards: Callable[[], object]) -> None:
        """Let *afterwards* happen once the member's delegations were read."""
        super().__init__(house)
        self._afterwards = [afterwards]
        self.of_company = self._read

    def _read(self, company: Cnpj, member: Cpf | None = None) -> list[Delegation]:
        found = self._delegations.of_company(company, member)
        if self._afterwards:
            self._afterwards.pop()()
        return found


class Gone(Interfered):
    """The house's delegations, in a store that is gone right after each write."""

    def __init__(self, house: House) -> None:
        """Break the store of *house*."""
        super().__init__(house)
        self._store = house.store

    def apply(self, change: Change, told: Told, unchanged: Callable[[], bool]) -> int:
        """Write, and be gone."""
        revision = super().apply(change, told, unchanged)
        self._store.broken = True
        return revision


def by_standing(question: Question, facts: Facts) -> Decision:
    """Let partners do anything, and members open."""
    if company_of(facts).standing.role == "socio" or question.action == "open":
        return Decision(allowed=True, reasons=("represents",))
    return Decision(allowed=False, reasons=(NO_PERMIT,))


def interfered(house: House, *meanwhile: Callable[[], object]) -> DelegationDesk:
    """Give a desk for which *meanwhile* happens between its decisions and its writes."""
    return replace(house.desk, delegations=Interfered(house, *meanwhile))


def appoint(house: House, role: Role) -> None:
    """Say what the representative is in the company from now on."""
    house.registrar.standing(COMPANY, REPRESENTATIVE, role, None, CALLER)


def elsewhere(house: House) -> Callable[[], object]:
    """Give an act that has nothing to do with the company."""
    return lambda: house.registrar.person(STRANGER, registered=True, confirmed=False, caller=CALLER)


def test_standing_that_ends_between_decision_and_write_ends_the_act(house: House) -> None:
    """The act is decided anew on what is now, and refused; nothing is granted."""
    house.policy.verdict = by_standing
    appoint(house, Role.SOCIO)
    desk = interfered(house, lambda: appoint(house, Role.COLABORADOR))
    with pytest.raises(ActRefused):
        desk.replace_set(ACTING, COMPANY, MEMBER, names((P001,)))
    assert {} == stored(house)
    assert [True, False] == [one.decision.allowed for one in house.decisions]
    assert ["standing.assert", "standing.assert"] == [one.act for one in house.administrative]


def test_a_revocation_on_standing_that_has_ended_is_not_done(house: House) -> None:
    """Ending a delegation rests on a decision as granting one does."""
    house.policy.verdict = by_standing
    appoint(house, Role.SOCIO)
    [given] = give(house, (P001,))
    desk = interfered(house, lambda: appoint(house, Role.CONTADOR))
    with pytest.raises(ActRefused):
        desk.revoke(ACTING, given.id)
    assert {P001.id: [given]} == stored(house)


def test_a_process_that_closes_meanwhile_is_not_in_all(house: House) -> None:
    """Selecionar Todos means what is open when it is written."""
    closed = replace(P015, state=ProcessState.CLOSED)
    desk = interfered(house, lambda: house.store.catalogue.save_processes([closed], NOON, untold))
    desk.replace_set(ACTING, COMPANY, MEMBER, None)
    assert {one.id for one in CATALOGUE if one != P015} == set(stored(house))


def test_what_has_nothing_to_do_with_an_act_does_not_stop_it(house: House) -> None:
    """The act is done as it was decided, once, however often others write about others."""
    desk = interfered(house, elsewhere(house))
    [given] = desk.replace_set(ACTING, COMPANY, MEMBER, names((P001,))).in_force
    assert {P001.id: [given]} == stored(house)
    assert 1 == len(house.decisions)
    revoked = interfered(house, elsewhere(house)).revoke(ACTING, given.id)
    assert 2 == len(house.decisions)
    assert {P001.id: [revoked]} == stored(house)
    done = ["delegation.replace", "delegation.revoke"]
    assert done == [one.act for one in house.administrative if one.act != "person.assert"]


@pytest.mark.parametrize("end", ["replace", "revoke", "renounce"])
def test_endless_interference_is_a_conflict(house: House, end: str) -> None:
    """After three tries the caller is told, and nothing is done or written down as done."""
    [given] = give(house, (P001,))
    before, acts, decided = stored(house), house.administrative, len(house.decisions)
    roles = (Role.SOCIO, Role.REPRESENTANTE_LEGAL, Role.CONTADOR)
    standings = [
        Standing(COMPANY, person, role, Evidence.GOVBR, NOON)
        for role in roles
        for person in (REPRESENTATIVE, MEMBER)
    ]

    def meanwhile() -> None:
        for _person in (REPRESENTATIVE, MEMBER):
            house.store.registry.save_standing(standings.pop(), untold)

    desk = interfered(house, meanwhile, meanwhile, meanwhile, pytest.fail)
    acts_of_the_desk: dict[str, Callable[[], object]] = {
        "replace": lambda: desk.replace_set(ACTING, COMPANY, MEMBER, names((P001,)), TOMORROW),
        "revoke": lambda: desk.revoke(ACTING, given.id),
        "renounce": lambda: desk.renounce(MEMBER_ACTING, given.id),
    }
    with pytest.raises(Conflict, match=r"^the store was changed meanwhile$"):
        acts_of_the_desk[end]()
    assert (before, acts) == (stored(house), house.administrative)
    assert 3 == len(house.decisions) - decided


def test_a_set_that_somebody_else_replaced_meanwhile_is_decided_anew(house: House) -> None:
    """What was decided on has to be what is changed, or a process would drop out unasked."""
    give(house, (P001,))
    allowed = Decision(allowed=True, reasons=("represents",))

    def meanwhile(_question: Question, _facts: Facts) -> Decision:
        house.policy.verdict = lambda _question, _facts: allowed
        give(house, (P018,), None, PARTNER_ACTING)
        return allowed

    house.policy.verdict = meanwhile
    house.log.records.clear()
    give(house, (P015,))
    counting = [one for ones in stored(house).values() for one in ones if one.in_force(NOON)]
    assert [P015.id] == [one.process for one in counting]
    assert [("delegate", "p015"), ("revoke", "p018")] == asked(house)[-2:]
    assert 2 == len(house.administrative)


def test_a_delegation_that_came_before_the_decision_is_seen(house: House) -> None:
    """What is granted after the set was read, but before it is decided, is decided on too."""
    late = Late(house, lambda: give(house, (P018,), None, PARTNER_ACTING))
    desk = replace(house.desk, delegations=late)
    desk.replace_set(ACTING, COMPANY, MEMBER, names((P015,)))
    assert ["granted", "revoked"] == kinds(stored(house)[P018.id][0])
    assert ("revoke", "p018") == asked(house)[-1]


def test_what_was_done_is_told_without_asking_the_store_again(house: House) -> None:
    """A store that fails after the write must not make a success look like a failure."""
    broken = Gone(house)
    desk = replace(house.desk, delegations=broken)
    [given] = desk.replace_set(ACTING, COMPANY, MEMBER, names((P001,))).in_force
    house.store.broken = False
    assert {P001.id: [given]} == stored(house)
    ended = desk.revoke(ACTING, given.id)
    house.store.broken = False
    assert {P001.id: [ended]} == stored(house)
