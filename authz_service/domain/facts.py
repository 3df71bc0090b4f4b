"""
What a policy may read about a question, and nothing else.

``known.facts_of`` makes these from records. Time has become facts (``in_force``), relations
facts of the question (``process.delegation``), absence has a name (``none``): most facts
have small closed domains, and a rule reads like a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from authz_service.domain.decision import Bag
from authz_service.domain.processes import ProcessDefinition

NONE = "none"
"""The name of absence in closed facts."""

UNKNOWN = "unknown"
"""The name of what GOV.BR or the catalogue did not tell."""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person: the actor, or the recipient of a delegation."""

    cpf: str = field(repr=False)
    registered: bool
    confirmed: bool


@dataclass(frozen=True, slots=True)
class LoginFacts:
    """The representative of a foreign company, as Orquestra knows it."""

    login: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """Who acts, of a type that this domain does not own; ``properties`` may be asserted."""

    type: str
    id: str = field(repr=False)
    properties: Bag = field(repr=False)


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """
    What somebody is in a company; role and evidence are ``none`` if nothing.

    ``days`` is the age of the observation, nil without one.
    """

    role: str
    evidence: str
    in_force: bool
    days: int | None = None
    cadastrador: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class BondFacts:
    """Whether a matriz is on record for the filial, and what the actor is in that matriz."""

    recorded: bool
    in_force: bool
    standing: StandingFacts


@dataclass(frozen=True, slots=True)
class DelegationFacts:
    """
    What the company delegated to the actor for the process.

    ``backing`` is the best standing in the company among grantor and confirmers,
    ``matriz_backing`` the same in the matriz of a recorded bond.
    """

    state: str
    version: int | None
    backing: StandingFacts
    matriz_backing: StandingFacts


@dataclass(frozen=True, slots=True)
class SignInFacts:
    """The sign-in that the actor acts in; words are ``none`` where no token told."""

    level: str
    method: str
    certificate: str
    cnpj: str | None
    second_factor: bool
    agent: bool
    minutes: int | None


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """The question's own particulars; ``context`` and ``properties`` are only asserted."""

    recipient: PersonFacts | None
    actor_evidence: str
    context: Bag
    properties: Bag
    sign_in: SignInFacts | None = None


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """
    A company, with what the actor is in it.

    ``validation`` is ``none`` for a national company, which needs none, and ``unknown`` for
    a foreign one that nobody has registered.
    """

    id: str
    cnpj: str | None
    origin: str
    validation: str
    standing: StandingFacts
    bond: BondFacts
    question: QuestionFacts


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """A process, in the name of one company."""

    id: str | None
    code: str | None
    version: int | None
    state: str
    company: CompanyFacts
    delegation: DelegationFacts
    question: QuestionFacts


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """What is acted on, of a type that this domain does not own; as ``SubjectFacts``."""

    type: str
    id: str = field(repr=False)
    properties: Bag = field(repr=False)
    question: QuestionFacts


ActorFacts = PersonFacts | LoginFacts | SubjectFacts
"""Who acts."""


@dataclass(frozen=True, slots=True)
class Facts:
    """
    All that a policy may know about one question.

    Attributes:
        actor: who acts.
        resource: what is acted on, with everything that hangs on it.
        process: the process that the question turned out to mean, or None.
        delegation: the id of the delegation that bears on the question, or None; for the
            record, no rule reads it.
        sign_in: the id of the kept sign-in in force that the actor acts in, or None; likewise.
        notes: what was worked out about these very facts, by the action that was asked about, for
            who works it out (``usecases.noting``); it goes with them.
    """

    actor: ActorFacts
    resource: ProcessFacts | CompanyFacts | ResourceFacts
    process: ProcessDefinition | None = None
    delegation: str | None = None
    sign_in: str | None = None
    notes: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def question(self) -> QuestionFacts:
        """The question's own particulars."""
        return self.resource.question
