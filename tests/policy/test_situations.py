"""A situation is possible in life, and in it every probe comes out as it was wished."""

from __future__ import annotations

import pytest

from authz_service.domain.facts import (
    CompanyFacts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    SubjectFacts,
)
from authz_service.policy.border.probes import (
    NIL,
    OPAQUE,
    Asks,
    IsNil,
    Outcome,
    Probe,
    Read,
    comparison,
    constant,
    look,
    outcome,
    paths_of,
)
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.diagrams.situations import Situations, Wish, once
from authz_service.policy.reading.constants import Constants

ACTORS = (PersonFacts, LoginFacts, SubjectFacts)
RESOURCES = (ProcessFacts, CompanyFacts, ResourceFacts)
STANDING = "process.company.standing"
SIGN_IN = "process.question.sign_in"
CHANNEL = "process.question.context.channel"


CONSTANTS = Constants(
    texts=frozenset({"P001", "app"}), numbers=frozenset({7.0, 365.0}), between=True
)


def situations(actor: type = PersonFacts, resource: type = ProcessFacts) -> Situations:
    """Give the situations for rules that speak of P001, of an app, and of 7 and 365."""
    return Situations(actor, resource, CONSTANTS)


def than(sign: str, left: str, right: object) -> Probe:
    """Compare a path with a constant, or with another path."""
    sides = right if isinstance(right, str) and "." in right else constant(right)
    return comparison(sign, left, sides)[0]


@pytest.mark.parametrize("actor", ACTORS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.__name__)
def test_without_wishes_there_is_a_plain_situation(actor: type, resource: type) -> None:
    """Whoever acts on whatever: some facts are possible."""
    found = situations(actor, resource)
    values = found.find([])

    assert values is not None
    about = found.facts(values)
    assert [] == broken(about)
    assert (actor, resource) == (type(about.actor), type(about.resource))
    # Nobody has signed in, so nothing of a sign-in shows in what is proven.
    assert (None, "asserted") == (about.question.sign_in, about.question.actor_evidence)


GRANTED: dict[str, list[Wish]] = {
    "a sócio seen a week ago": [
        (Read(f"{STANDING}.role"), "socio"),
        (Read(f"{STANDING}.in_force"), True),
        (than("Leq", f"{STANDING}.days", 7), True),
    ],
    "the same a day later": [
        (Read(f"{STANDING}.role"), "socio"),
        (than("Leq", f"{STANDING}.days", 7), False),
        (than("Leq", f"{STANDING}.days", 365), True),
    ],
    "without a role no days": [
        (Read(f"{STANDING}.role"), "none"),
        (than("Leq", f"{STANDING}.days", 7), "nil has no order"),
    ],
    "a certificate of this company": [
        (IsNil(SIGN_IN), False),
        (Read(f"{SIGN_IN}.agent"), False),
        (than("Eq", f"{SIGN_IN}.cnpj", "process.company.cnpj"), True),
        (IsNil("process.company.cnpj"), False),
    ],
    "a certificate of another": [
        (IsNil(SIGN_IN), False),
        (than("Eq", f"{SIGN_IN}.cnpj", "process.company.cnpj"), False),
        (IsNil(f"{SIGN_IN}.cnpj"), False),
    ],
    "an older version": [
        (Read("process.delegation.state"), "in_force"),
        (than("Lt", "process.delegation.version", "process.version"), True),
    ],
    "versions above each other and a number": [
        (IsNil("process.delegation.version"), False),
        (than("Gt", "process.delegation.version", 365), True),
        (than("Gt", "process.version", "process.delegation.version"), True),
    ],
    "days below each other and a number": [
        (than("Lt", "process.company.bond.standing.days", 7), True),
        (than("Lt", f"{STANDING}.days", "process.company.bond.standing.days"), True),
        (than("Lt", "process.delegation.backing.days", f"{STANDING}.days"), True),
    ],
    "the recipient acts": [
        (IsNil("process.question.recipient"), False),
        (than("Eq", "person.cpf", "process.question.recipient.cpf"), True),
        (Read("process.question.recipient.registered"), True),
    ],
    "a text that the caller asserts": [(Asks(CHANNEL), OPAQUE), (than("Eq", CHANNEL, "app"), True)],
    "a list that the caller asserts": [
        (Asks(CHANNEL), OPAQUE),
        (than("Eq", CHANNEL, "app"), "a list or object of the caller cannot be compared"),
    ],
    "nothing asserted": [(Asks(CHANNEL), NIL)],
    "an asserted yes": [(Asks(CHANNEL), True)],
    "a process by its code": [(than("Eq", "process.code", "P001"), True)],
    "over the company's question": [(IsNil("process.company.question.sign_in"), False)],
    "a fact and itself": [(than("Eq", "process.code", "process.code"), True)],
}

REFUSED: dict[str, list[Wish]] = {
    "a role without days": [
        (Read(f"{STANDING}.role"), "socio"),
        (IsNil(f"{STANDING}.days"), True),
    ],
    "confirmed and not registered": [
        (Read("person.confirmed"), True),
        (Read("person.registered"), False),
    ],
    "at most 7 days and more than 365": [
        (than("Leq", f"{STANDING}.days", 7), True),
        (than("Leq", f"{STANDING}.days", 365), False),
    ],
    "the two ways to one question at odds": [
        (IsNil("process.question.sign_in"), True),
        (IsNil("process.company.question.sign_in"), False),
    ],
    "a fact that is not itself": [(than("Eq", "process.code", "process.code"), False)],
    "an agent whose act is proven by another sign-in": [
        (IsNil(SIGN_IN), False),
        (Read(f"{SIGN_IN}.agent"), False),
        (Read("process.question.actor_evidence"), "asserted"),
    ],
}


@pytest.mark.parametrize("wishes", GRANTED.values(), ids=GRANTED.keys())
def test_what_is_possible_is_found(wishes: list[Wish]) -> None:
    """The facts break no constraint, and each probe looks at them and sees what was wished."""
    found = situations()
    values = found.find(wishes)

    assert values is not None
    about = found.facts(values)
    assert [] == broken(about)
    assert [wanted for _probe, wanted in wishes] == [look(probe)(about) for probe, _ in wishes]


@pytest.mark.parametrize("wishes", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_possible_is_not_found(wishes: list[Wish]) -> None:
    """Nobody is ever asked about it."""
    assert situations().find(wishes) is None


OUTCOMES: dict[str, tuple[Probe, set[Outcome]]] = {
    "a flag": (Read("person.confirmed"), {True, False}),
    "a choice": (Read(f"{SIGN_IN}.level"), {"none", "bronze", "silver", "gold"}),
    "a link": (IsNil(SIGN_IN), {True, False}),
    "an asserted member": (Asks(CHANNEL), {True, False, NIL, OPAQUE}),
    "an order": (than("Leq", f"{STANDING}.days", 7), {True, False, "nil has no order"}),
    "an entity that is always there": (IsNil("process.company"), {False}),
    "a bag": (
        than("Eq", "process.question.context", "x"),
        {"an entity is compared with nil only; compare what names it"},
    ),
    "two facts": (than("Eq", f"{SIGN_IN}.cnpj", "process.company.cnpj"), {True, False}),
}


@pytest.mark.parametrize(("probe", "expected"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_all_that_can_come_out_is_known(probe: Probe, expected: set[Outcome]) -> None:
    """Each outcome once, however often it is asked for."""
    found = situations()

    assert expected == set(found.outcomes(probe)) == set(found.outcomes(probe))


def test_between_two_texts_there_may_be_one_that_is_not_known() -> None:
    """Only of an order of texts can a value be missing that makes a difference."""
    found = situations()

    assert [False, True, True] == [
        found.exact(than("Lt", "process.code", "P001")),
        found.exact(than("Lt", f"{STANDING}.days", 7)),
        found.exact(than("Eq", "process.code", "P001")),
    ]


def test_a_probe_says_of_values_what_it_says_of_facts() -> None:
    """Looking at facts and at the values in them is one thing."""
    found = situations()
    for wishes in GRANTED.values():
        values = found.find(wishes)
        assert values is not None
        for probe, wanted in wishes:
            given = [values[once(path)] for path in paths_of(probe)]
            assert wanted == outcome(probe, given)
