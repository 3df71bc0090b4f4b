"""A record beside the same decision made again: what of it differs, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.decision import Observation
from authz_service.usecases.replaying import (
    Case,
    Outcome,
    Replay,
    Replayed,
    asked_no_rule,
    before_rules,
    case_of,
    replay,
)

THEN, OTHER = "0" * 64, "1" * 64
QUESTION = {
    "actor_type": "person",
    "action": "open",
    "company": "52420282000180",
    "process": "p001",
    "named": "P001",
}
RECORD: dict[str, Any] = {
    "question": QUESTION,
    "decision": True,
    "reasons": ["represents", "delegated"],
    "rules": ["a.polar:1", "a.polar:9"],
    "evidence": [{"test": "process.state", "outcome": "open"}],
    "policy_digest": THEN,
}


class Policy:
    """A policy that answers as a test wants, and keeps what it was asked."""

    def __init__(self, answer: Replayed, digest: str = THEN) -> None:
        self.answer = answer
        self.digest = digest
        self.asked: list[Case] = []

    def replay(self, case: Case) -> Replayed:
        """Give the test's answer."""
        self.asked.append(case)
        return self.answer


REASONS = ("represents", "delegated")
RULES = ("a.polar:1", "a.polar:9")
OUTCOMES = {
    "the same": (Replayed(True, REASONS, RULES), THEN, Outcome.SAME, ()),
    "by another policy": (Replayed(True, REASONS, ("b.polar:1",)), OTHER, Outcome.SAME, ()),
    "a rule more": (Replayed(True, REASONS, (*RULES, "b")), THEN, Outcome.DIFFERS, ("rules",)),
    "a rule less": (Replayed(True, REASONS, RULES[:1]), THEN, Outcome.DIFFERS, ("rules",)),
    "a rule that may speak": (
        Replayed(True, REASONS, RULES[:1], RULES[1:]),
        THEN,
        Outcome.SAME,
        (),
    ),
    "another order": (Replayed(True, REASONS[::-1], RULES), THEN, Outcome.DIFFERS, ("reasons",)),
    "another decision": (
        Replayed(False, ("no-permit",)),
        OTHER,
        Outcome.DIFFERS,
        ("decision", "reasons"),
    ),
    "reasons unknown": (Replayed(True, None, (), RULES), THEN, Outcome.UNKNOWN, ()),
    "all unknown": (Replayed(None, None, (), RULES, ("x",)), THEN, Outcome.UNKNOWN, ()),
    "another decision, reasons unknown": (
        Replayed(False, None, (), RULES),
        THEN,
        Outcome.DIFFERS,
        ("decision",),
    ),
}


@pytest.mark.parametrize(
    ("answer", "digest", "outcome", "differing"), OUTCOMES.values(), ids=OUTCOMES.keys()
)
def test_what_differs_is_named(
    answer: Replayed, digest: str, outcome: Outcome, differing: tuple[str, ...]
) -> None:
    """What is not known does not differ; rules are compared under one policy alone."""
    policy = Policy(answer, digest)

    found = replay(RECORD, policy)

    assert Replay(outcome, digest, answer, differing) == found
    case = Case("person", "open", "process", (Observation("process.state", "open"),))
    assert [case] == policy.asked


KINDS = {
    "a process": ({}, ("person", "process")),
    "a company": ({"named": None, "process": None}, ("person", "company")),
    "an entity": ({"company": None, "named": None, "actor_type": "user"}, ("user", "entity")),
    "a login": ({"actor_type": "login"}, ("login", "process")),
    "nobody": ({"actor_type": None}, ("person", "process")),
}


@pytest.mark.parametrize(("other", "kinds"), KINDS.values(), ids=KINDS.keys())
def test_a_record_tells_what_was_asked(other: dict[str, object], kinds: tuple[str, str]) -> None:
    """Who acted and what was acted on, by their kinds."""
    case = case_of({**RECORD, "question": {**QUESTION, **other}})

    assert kinds == (case.actor, case.resource)


def test_in_old_records_a_person_acts() -> None:
    """They do not say so."""
    question = {name: one for name, one in QUESTION.items() if name != "actor_type"}

    assert "person" == case_of({**RECORD, "question": question}).actor


@pytest.mark.parametrize("reason", ["invalid-identifier", "unknown-type"])
def test_what_is_denied_before_any_rule_is_the_same_by_any_policy(reason: str) -> None:
    """No policy is asked, so none is named."""
    record = {**RECORD, "decision": False, "reasons": [reason]}

    assert (True, False) == (asked_no_rule(record), asked_no_rule(RECORD))
    assert Replay(Outcome.SAME, None, Replayed(False, (reason,))) == before_rules(record)
