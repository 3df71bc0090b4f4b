"""Questions, decisions and records as values."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

import pytest

import authz_service.domain
from authz_service.domain.decision import (
    ACTIONS,
    BUILT_IN_REASONS,
    ActRecord,
    Asked,
    Caller,
    CompanyAsked,
    Decision,
    Observation,
    ProcessAsked,
    Question,
    RuleError,
)
from authz_service.domain.people import Evidence
from authz_service.domain.processes import ProcessName
from tests.domain.document import COMPANY, MEMBER
from tests.fakes.clock import NOON

MODULES = [
    importlib.import_module(f"{authz_service.domain.__name__}.{found.name}")
    for found in pkgutil.iter_modules(authz_service.domain.__path__)
]
NOUNS = [
    thing
    for module in MODULES
    for thing in vars(module).values()
    if inspect.isclass(thing)
    and thing.__module__ == module.__name__
    and dataclasses.is_dataclass(thing)
]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: str(noun.__qualname__))
def test_every_noun_is_frozen_and_has_no_room_for_more(noun: type) -> None:
    """A value that was checked when it was built stays what it was."""
    assert noun.__dataclass_params__.frozen  # type: ignore[attr-defined]  # dataclasses keep it there
    assert "__slots__" in vars(noun)


def test_the_nouns_are_found() -> None:
    """The test before this one looks at something."""
    assert {"Cpf", "Cnpj", "Delegation", "Decision", "Standing"} <= {one.__name__ for one in NOUNS}


def test_the_first_reason_is_the_reason() -> None:
    """A flat answer shows one reason, and the order of reasons chooses it."""
    decision = Decision(allowed=False, reasons=("process-closed", "no-permit"))
    assert "process-closed" == decision.reason
    assert ((), (), ()) == (decision.rules, decision.evidence, decision.errors)


def test_the_service_names_its_actions_and_its_own_reasons() -> None:
    """These names are in policies, in the log and with callers, so they do not change."""
    assert ("open", "delegate", "revoke", "renounce", "read_delegations") == ACTIONS
    assert ("policy-error", "invalid-identifier", "unknown-type", "no-permit") == BUILT_IN_REASONS


def test_a_question_brings_nothing_unless_told() -> None:
    """The actor is asserted, nobody is the recipient, and what the caller may add is empty."""
    question = Question(MEMBER, "open", CompanyAsked(COMPANY))
    assert Evidence.ASSERTED is question.actor_evidence
    assert (None, None) == (question.recipient, question.sign_in)
    assert ({}, {}) == (question.context, question.properties)


def test_a_record_without_particulars_says_so() -> None:
    """What an act or a question has not is None or empty, and is not shared between records."""
    asked = Asked("open")
    assert {None} == {
        getattr(asked, field.name) for field in dataclasses.fields(Asked) if field.name != "action"
    }
    one = ActRecord("1", NOON, Caller("shell"), "client.add")
    other = ActRecord("2", NOON, Caller("shell"), "client.add")
    assert ({}, 0) == (one.details, one.store_revision)
    assert one.details is not other.details
    assert (frozenset(), None) == (one.caller.scopes, one.caller.address)


def test_evidence_and_errors_have_an_order() -> None:
    """Records of equal decisions are equal texts, so what they hold can be sorted."""
    assert [Observation("a", "x"), Observation("b", "x")] == sorted(
        [Observation("b", "x"), Observation("a", "x")]
    )
    assert [RuleError("a:1", "x"), RuleError("a:2", "x")] == sorted(
        [RuleError("a:2", "x"), RuleError("a:1", "x")]
    )


def test_a_question_prints_no_cpf() -> None:
    """A question may end in a traceback."""
    asked = ProcessAsked(ProcessName("P001"), COMPANY)
    assert MEMBER.digits not in repr(Question(MEMBER, "open", asked, recipient=MEMBER))
