"""
Deciding again what the log has kept, from nothing but what stands in the record.

The evidence of a record is sufficient: the policy that decided gives the same answer to whoever
has it. Another policy may ask what nobody looked at then; where its answer hangs on that, it
cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from authz_service.domain.decision import INVALID_IDENTIFIER, UNKNOWN_TYPE, Observation
from authz_service.usecases.records import Line

BEFORE_THE_RULES = (INVALID_IDENTIFIER, UNKNOWN_TYPE)
"""The reasons of questions that no rule is asked about."""


@dataclass(frozen=True, slots=True)
class Case:
    """
    What a record tells of a question, as far as rules can depend on it.

    Attributes:
        actor: ``person``, ``login``, or the type of another's entity.
        action: the action's name, as it was kept.
        resource: ``process``, ``company`` or ``entity``.
        evidence: what the rules saw.
    """

    actor: str
    action: str
    resource: str
    evidence: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """
    What a policy answers to all who have the same evidence.

    Attributes:
        allowed: yes or no, or None where the evidence leaves both possible.
        reasons: reason codes in their declared order, or None where it leaves others possible.
        rules: the places of the rules that are known to speak for it, or to err.
        others: those of rules of which the evidence leaves it open.
        asks: what the rules look at beside the evidence, where the answer hangs on it.
    """

    allowed: bool | None
    reasons: tuple[str, ...] | None
    rules: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


class Replays(Protocol):
    """
    A policy that can decide again.

    Attributes:
        digest: SHA-256 of its sources, hexadecimal.
    """

    digest: str

    def replay(self, case: Case) -> Replayed:
        """Give what follows from the evidence of a record alone."""


class Outcome(StrEnum):
    """What came of deciding again."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """The evidence does not tell."""


@dataclass(frozen=True, slots=True)
class Replay:
    """
    A decision beside itself, made again.

    Attributes:
        outcome: whether it is the same.
        digest: which policy was asked, or None where none is: an impossible question is denied
            before any rule.
        replayed: what that policy says.
        differing: what is not the same: ``decision``, ``reasons`` or ``rules``.
    """

    outcome: Outcome
    digest: str | None
    replayed: Replayed
    differing: tuple[str, ...] = ()


def asked_no_rule(record: Line) -> bool:
    """Tell whether a decision was made before any rule was asked, so by no policy."""
    return record["reasons"][0] in BEFORE_THE_RULES


def before_rules(record: Line) -> Replay:
    """Decide again what is denied before any rule is asked: it is the same by any policy."""
    again = Replayed(allowed=False, reasons=tuple(record["reasons"]))
    return Replay(Outcome.SAME, None, again)


def case_of(record: Line) -> Case:
    """Give what the record of a decision tells of its question."""
    question = record["question"]
    resource = "entity"
    if question["company"] is not None:
        # Each process was named somehow.
        resource = "company" if question["named"] is None else "process"
    return Case(
        # Lines of before foreign companies lack it: there it was a person.
        actor=question.get("actor_type") or "person",
        action=question["action"],
        resource=resource,
        evidence=tuple(Observation(one["test"], one["outcome"]) for one in record["evidence"]),
    )


def replay(record: Line, policy: Replays) -> Replay:
    """
    Decide again what *record*, one of a decision that rules have made, tells of.

    The rules that spoke are compared under the policy that decided then; another one has others.
    """
    found = policy.replay(case_of(record))
    differing = []
    if found.allowed not in (None, record["decision"]):
        differing.append("decision")
    if found.reasons not in (None, tuple(record["reasons"])):
        differing.append("reasons")
    if policy.digest == record["policy_digest"] and not _spoke(record["rules"], found):
        differing.append("rules")
    return Replay(_outcome(found, differing), policy.digest, found, tuple(differing))


def _spoke(then: Iterable[str], now: Replayed) -> bool:
    """Tell whether the rules that spoke *then* can be those that speak *now*."""
    return set(now.rules) <= set(then) <= {*now.rules, *now.others}


def _outcome(found: Replayed, differing: Sequence[str]) -> Outcome:
    if found.reasons is None and "decision" not in differing:
        return Outcome.UNKNOWN
    return Outcome.DIFFERS if differing else Outcome.SAME
