"""
A question, what is answered, and the line that is written down about it.

``Question`` names persons, companies and processes; it brings no facts about them.
``Decision`` is what the policy says. ``Record`` is one line of the decision log:
persons stand in it as surrogates, so it can be read and kept without a CPF.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from authz_service.domain.clients import Network
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.identifiers import CompanyId, Cpf, Login, ProcessId
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from authz_service.domain.sign_in import Proof

ACTIONS = ("open", "delegate", "revoke", "renounce", "read_delegations")
"""The actions this service knows; any other is a question like any other, and denied."""

OTHER_ACTION = "other"
"""What policies and metrics see of an action that is none of ``ACTIONS``: not the caller's text."""

POLICY_ERROR = "policy-error"
NO_PERMIT = "no-permit"
INVALID_IDENTIFIER = "invalid-identifier"
UNKNOWN_TYPE = "unknown-type"
BUILT_IN_REASONS = (POLICY_ERROR, INVALID_IDENTIFIER, UNKNOWN_TYPE, NO_PERMIT)
"""The reasons that the code gives itself; every policy has to have texts for them."""

Bag = Mapping[str, object]
"""Members that a caller asserts; rules may read them and find nil where there is none."""

Actor = Cpf | Login | Thing
"""Who acts: a person, the login of a foreign company's representative, or another's entity."""

Subject = Cpf | Login | EntityName
"""Who acts or is acted for, by name alone; each has a surrogate in the log."""


def subject_of(actor: Actor) -> Subject:
    """Give the name of who acts, without what is said about it."""
    return actor.name if isinstance(actor, Thing) else actor


@dataclass(frozen=True, slots=True)
class ProcessAsked:
    """
    A process requested in the name of a company.

    Attributes:
        name: the process as the caller names it.
        company: for which establishment.
    """

    name: ProcessName
    company: CompanyId


@dataclass(frozen=True, slots=True)
class CompanyAsked:
    """
    A company as a whole, as for reading its delegations.

    Attributes:
        company: which establishment.
    """

    company: CompanyId


Resource = ProcessAsked | CompanyAsked | Thing
"""What is acted on."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Question:
    """
    May this subject do this?

    Attributes:
        actor: who acts.
        action: the action's name, one of ``ACTIONS`` or any other text.
        resource: what is acted on.
        actor_evidence: how the service knows that it is this subject who acts.
        recipient: the other person of a ``delegate`` or ``revoke``, or None.
        context: AuthZEN's ``context``, as the caller sent it.
        properties: AuthZEN's action properties, as the caller sent them.
        sign_in: the handle of the sign-in that the person acts in, or None.
        proof: what a token proved that came with the question itself, or None.
    """

    actor: Actor
    action: str
    resource: Resource
    actor_evidence: Evidence = Evidence.ASSERTED
    recipient: Cpf | None = None
    context: Bag = field(default_factory=dict)
    properties: Bag = field(default_factory=dict)
    sign_in: str | None = field(default=None, repr=False)
    proof: Proof | None = None

    @property
    def subject(self) -> Subject:
        """Who acts, by name alone."""
        return subject_of(self.actor)


@dataclass(frozen=True, slots=True)
class Impossible:
    """
    A question about something that cannot exist, so that no policy needs to be asked.

    A malformed CPF is nobody's: the honest answer is no, not an error.

    Attributes:
        action: the action's name.
        reason: ``INVALID_IDENTIFIER`` or ``UNKNOWN_TYPE``.
    """

    action: str
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class Observation:
    """
    One thing that a rule saw.

    Attributes:
        test: what was looked at, such as ``process.delegation.state`` or a comparison.
        outcome: a value of a small declared domain, or whether the comparison held.
    """

    test: str
    outcome: str | bool | None


@dataclass(frozen=True, slots=True, order=True)
class RuleError:
    """
    A rule that could not be answered.

    Attributes:
        rule: its place, ``file:line``.
        cause: what went wrong, free of personal data.
    """

    rule: str
    cause: str


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What the policy answers.

    Attributes:
        allowed: yes or no.
        reasons: reason codes in their declared order; the first is the one shown.
        rules: the places of the rules that spoke for this outcome.
        evidence: what the rules saw, in the order of their tests.
        errors: the rules that erred; not empty only where the first reason is ``policy-error``.
    """

    allowed: bool
    reasons: tuple[str, ...]
    rules: tuple[str, ...] = ()
    evidence: tuple[Observation, ...] = ()
    errors: tuple[RuleError, ...] = ()

    @property
    def reason(self) -> str:
        """The first reason."""
        return self.reasons[0]


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Who calls this service.

    Attributes:
        name: the client's name.
        scopes: what it may do.
        address: the source address of the call, or None where there is no network in between.
        reasons: whether it is told the reasons of AuthZEN decisions.
        networks: from where the key that it showed may be used, empty if from anywhere; for
            bounds on what it gives others, never for a record.
        expires_at: until when that key may be used, or None; likewise.
    """

    name: str
    scopes: frozenset[str] = frozenset()
    address: str | None = None
    reasons: bool = False
    networks: tuple[Network, ...] = field(default=(), repr=False)
    expires_at: datetime | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A question as the record keeps it.

    Attributes:
        actor: the actor's surrogate, or None if nobody could be meant.
        actor_type: ``person``, ``login``, or the type of another's entity; None as above.
        action: the action's name, shortened to 64 characters.
        recipient: the recipient's surrogate, or None.
        company: the company, or None.
        entity: the type and the id, free of CPFs, of another's entity that was acted on, or None.
        process: the id of the process, or None if the catalogue has none for it.
        named: what the caller called the process, free of CPFs, or None.
        version: the version that was meant, the named one or else the newest, or None if
            that is unknown.
        delegation: the id of the delegation that bears on the question, or None; its history
            names grantor and confirmers.
        actor_evidence: how the actor is known, or None.
        sign_in: the id, not the handle, of the sign-in that was in force, or None.
    """

    action: str
    actor: str | None = None
    actor_type: str | None = None
    recipient: str | None = None
    company: CompanyId | None = None
    entity: tuple[str, str] | None = None
    process: ProcessId | None = None
    named: str | None = None
    version: int | None = None
    delegation: str | None = None
    actor_evidence: Evidence | None = None
    sign_in: str | None = None


class DecisionRecord(NamedTuple):
    """
    One decision, as the log keeps it for years. A tuple, since one is made with every decision.

    Attributes:
        id: the decision's own name, given to the caller.
        moment: the instant that the decision was made for, UTC.
        caller: the client that asked, and from where.
        asked: the question, persons as surrogates.
        decision: the answer with reasons, evidence and errors.
        policy_digest: which policy answered.
        store_revision: which state of the store the facts come from.
        latency_us: microseconds from question to decision, the log's own time apart.
        request_id: the id of the request that asked it, free of CPFs, or None without one.
        instance: Orquestra's number of the process instance that it was asked for, shortened to 64
            characters and free of CPFs, or None.
    """

    id: str
    moment: datetime
    caller: Caller
    asked: Asked
    decision: Decision
    policy_digest: str
    store_revision: int
    latency_us: int
    request_id: str | None = None
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class ActRecord:
    """
    One administrative act: keys, standing, catalogue, delegations.

    Attributes:
        id: the act's own name.
        moment: when it was written down, just before it took effect, UTC.
        caller: the client, or the operator's shell, and from where.
        act: what was done, such as ``client.add``.
        details: particulars without personal data; persons as surrogates.
        store_revision: the state of the store that it makes; of an act that changes nothing in
            it, such as a lookup, an export, a search or a back-up, one that was read.
    """

    id: str
    moment: datetime
    caller: Caller
    act: str
    details: Mapping[str, str | int | bool | tuple[str, ...] | None] = field(default_factory=dict)
    store_revision: int = 0


Record = DecisionRecord | ActRecord
"""One line of the decision log."""
