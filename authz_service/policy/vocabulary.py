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
    UNKNOWN,
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    SignInFacts,
    StandingFacts,
)
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessState
from authz_service.domain.sign_in import Certificate, Level, Method


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


_CNPJ = "[0-9A-Z]{12}[0-9]{2}"
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
            "days": Opaque(
                "The whole days since it was observed or asserted; nil without any.", None, "7"
            ),
            "cadastrador": Choice(
                "Holds the company's certificate at GOV.BR, so may register collaborators there.",
                _words("yes", "no", UNKNOWN),
            ),
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
        "SignIn",
        SignInFacts,
        "The sign-in at GOV.BR that the acting person acts in.",
        {
            "level": Choice(
                "The level of the account; `none` if GOV.BR did not tell.", _words(NONE, *Level)
            ),
            "method": Choice(
                "How the person got in, the strongest way; `other` proves nothing.",
                _words(*Method),
            ),
            "certificate": Choice(
                "Where the key of the certificate that was used lies; `none` without one.",
                _words(NONE, *Certificate),
            ),
            "cnpj": Opaque(
                "The company whose certificate (e-CNPJ) was used in this sign-in; nil without. "
                "It proves that the certificate was there, no role.",
                _CNPJ,
                '"52420282000180"',
            ),
            "second_factor": Flag("GOV.BR asked for a second factor."),
            "agent": Flag("By power of attorney (Procuração Eletrônica): not the person's own."),
            "minutes": Opaque(
                "The whole minutes since the person really authenticated; nil if GOV.BR did not "
                "tell.",
                None,
                "5",
            ),
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
            "actor_evidence": Choice(
                "How it is known that this person acts: `govbr` where a sign-in of the person's "
                "own, not by power of attorney, proves it.",
                _words(*Evidence),
            ),
            "sign_in": Link(
                "The sign-in that the person acts in; nil without a handle or token of this person "
                "that has not ended.",
                SignInFacts,
                may_be_nil=True,
            ),
            "context": Members("AuthZEN's `context`. ASSERTED BY THE CALLER."),
            "properties": Members("AuthZEN's action properties. ASSERTED BY THE CALLER."),
        },
    ),
    Entity(
        "Company",
        CompanyFacts,
        "A company's establishment, matriz or filial.",
        {
            "cnpj": Opaque("The fourteen characters.", _CNPJ, '"52420282000180"'),
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
                _words(UNKNOWN, *ProcessState),
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
