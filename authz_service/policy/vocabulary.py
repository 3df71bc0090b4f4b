"""
What a rule may read: every entity and every fact, typed and explained.

A fact that is not listed here does not exist for a policy. Facts are *closed* (yes or no,
or one of a few words), *opaque* (compared, never taken apart), or lead to another entity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from authz_service.domain.decision import Bag
from authz_service.domain.delegation import DelegationState
from authz_service.domain.facts import (
    NONE,
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    StandingFacts,
)
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessState


@dataclass(frozen=True, slots=True)
class Flag:
    """A closed fact: ``true`` or ``false``."""

    meaning: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A closed fact: one of a few words."""

    meaning: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Opaque:
    """
    A text or number that can be compared; nil where there is none.

    Attributes:
        meaning: what it is.
        form: what a text in a rule has to look like to be ever equal to it, or None if it
            is a whole number.
        example: one that does.
    """

    meaning: str
    form: str | None
    example: str


@dataclass(frozen=True, slots=True)
class Link:
    """Another entity; nil only where that is said."""

    meaning: str
    entity: type
    may_be_nil: bool = False


@dataclass(frozen=True, slots=True)
class Members:
    """
    A bag of members that the CALLER asserts, under names of its own choice.

    An absent member is nil. A rule that trusts one trusts the caller.
    """

    meaning: str


Fact = Flag | Choice | Opaque | Link | Members


@dataclass(frozen=True, slots=True)
class Asserted:
    """
    A bag on its way into Polar.

    Attributes:
        members: what the caller sent.
    """

    members: Bag


@dataclass(frozen=True, slots=True)
class Entity:
    """
    One kind of thing that rules speak of.

    Attributes:
        name: its name in Polar.
        type: the class of the facts behind it.
        meaning: what it is.
        facts: what may be read from it.
    """

    name: str
    type: type
    meaning: str
    facts: Mapping[str, Fact]


def _words(*words: str) -> frozenset[str]:
    return frozenset(words)


_ENTITIES = (
    Entity(
        "Person",
        PersonFacts,
        "A person: who acts, or the recipient of a delegation.",
        {
            "cpf": Opaque(
                "The eleven digits, to tell whether two persons are the same.",
                "[0-9]{11}",
                '"00000000191"',
            ),
            "registered": Flag("Has signed up through GOV.BR."),
            "confirmed": Flag("Orquestra has confirmed the registration."),
        },
    ),
    Entity(
        "Standing",
        StandingFacts,
        "What a person is in a company (atuação).",
        {
            "role": Choice("The role; `none` without any.", _words(NONE, *Role)),
            "evidence": Choice("How it is known; `none` without any.", _words(NONE, *Evidence)),
            "in_force": Flag("Counts at the moment of the question."),
        },
    ),
    Entity(
        "Bond",
        BondFacts,
        "Recorded proof that the company is a filial of a matriz.",
        {
            "recorded": Flag("There is such a proof."),
            "in_force": Flag("It counts at the moment of the question."),
            "standing": Link("What the acting person is in the matriz.", StandingFacts),
        },
    ),
    Entity(
        "Delegation",
        DelegationFacts,
        "What the company delegated to the acting person for the process.",
        {
            "state": Choice("Where it stands; `none` if never given.", _words(*DelegationState)),
            "version": Opaque(
                "The newest version when it was granted; nil without one.", None, "3"
            ),
            "backing": Link(
                "The best standing in the company among grantor and confirmers.", StandingFacts
            ),
            "matriz_backing": Link("The same in the matriz of a recorded bond.", StandingFacts),
        },
    ),
    Entity(
        "Question",
        QuestionFacts,
        "The question's own particulars.",
        {
            "recipient": Link(
                "The other person of `delegate`, `revoke` or `read_delegations`.",
                PersonFacts,
                may_be_nil=True,
            ),
            "actor_evidence": Choice("How it is known that this person acts.", _words(*Evidence)),
            "context": Members("AuthZEN's `context`. ASSERTED BY THE CALLER."),
            "properties": Members("AuthZEN's action properties. ASSERTED BY THE CALLER."),
        },
    ),
    Entity(
        "Company",
        CompanyFacts,
        "A company's establishment, matriz or filial.",
        {
            "cnpj": Opaque("The fourteen characters.", "[0-9A-Z]{12}[0-9]{2}", '"52420282000180"'),
            "standing": Link("What the acting person is in it.", StandingFacts),
            "bond": Link("Its recorded bond to a matriz.", BondFacts),
            "question": Link("The question's own particulars.", QuestionFacts),
        },
    ),
    Entity(
        "Process",
        ProcessFacts,
        "A process of Orquestra, in the name of one company.",
        {
            "id": Opaque(
                "The process's own id, such as `p061-registro`; nil if unknown.",
                "[a-z0-9][a-z0-9-]*",
                '"p061-registro"',
            ),
            "code": Opaque(
                "Inmetro's code, such as `P061`, which several may share.",
                "[A-Z][A-Z0-9]*",
                '"P061"',
            ),
            "version": Opaque("The version that the CALLER names, else the newest.", None, "3"),
            "state": Choice(
                "Whether it takes requests; `unknown` if not in the catalogue.",
                _words("unknown", *ProcessState),
            ),
            "company": Link("In whose name.", CompanyFacts),
            "delegation": Link("What the company delegated to the person.", DelegationFacts),
            "question": Link("The question's own particulars.", QuestionFacts),
        },
    ),
)

VOCABULARY: Mapping[str, Entity] = MappingProxyType({one.name: one for one in _ENTITIES})
"""Every entity by its name in Polar."""

BY_TYPE: Mapping[type, Entity] = MappingProxyType({one.type: one for one in _ENTITIES})
"""Every entity by the class of its facts."""


def as_markdown() -> str:
    """Give the vocabulary as one Markdown table for each entity, for ``policies/README.md``."""
    return "\n\n".join(
        "\n".join(
            (
                f"**{entity.name}**: {entity.meaning}",
                "",
                "| fact | what it can be | meaning |",
                "|---|---|---|",
                *(
                    f"| `{name}` | {_possible(fact)} | {fact.meaning} |"
                    for name, fact in entity.facts.items()
                ),
            )
        )
        for entity in VOCABULARY.values()
    )


def _possible(fact: Fact) -> str:
    if isinstance(fact, Flag):
        return "`true` or `false`"
    if isinstance(fact, Choice):
        return ", ".join(f'`"{word}"`' for word in sorted(fact.words))
    if isinstance(fact, Link):
        return f"a {BY_TYPE[fact.entity].name}" + (" or `nil`" if fact.may_be_nil else "")
    if isinstance(fact, Members):
        return "members of any name; an absent one is `nil`"
    return f"such as `{fact.example}`, or `nil`"
