"""Remembering how a question was written down: only where the very same is asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from authz_service.domain.decision import (
    CompanyAsked,
    ProcessAsked,
    Question,
    Resource,
    Subject,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj
from authz_service.domain.known import Known, facts_of
from authz_service.domain.processes import ProcessName
from authz_service.usecases.asked import AskedBefore, asked_of
from tests.domain.document import COMPANY, MEMBER, P001, PARTNER, REPRESENTATIVE, STRANGER
from tests.fakes.clock import NOON

QUESTION = Question(MEMBER, "open", ProcessAsked(ProcessName("P001", 3), COMPANY))
OTHER = Cnpj.parse("11222333000181")
NAMES: dict[Subject, str] = {
    one: f"{number:032x}"
    for number, one in enumerate((MEMBER, PARTNER, REPRESENTATIVE, STRANGER), start=1)
}


def of(resource: Resource) -> Question:
    """Give the question about another resource."""
    return replace(QUESTION, resource=resource)


def facts_for(question: Question = QUESTION) -> Facts:
    """Give facts that a store could hold for *question*."""
    return facts_of(question, Known(process=P001), NOON)


VARIANTS: tuple[Callable[[Question], Question], ...] = (
    lambda one: replace(one, actor=PARTNER),
    lambda one: replace(one, action="delegate"),
    lambda one: replace(one, recipient=STRANGER),
    lambda one: replace(one, recipient=PARTNER),
    lambda _one: of(ProcessAsked(ProcessName("P001", 3), OTHER)),
    lambda _one: of(ProcessAsked(ProcessName("P001 - outra forma", 3), COMPANY)),
    lambda _one: of(CompanyAsked(COMPANY)),
    lambda one: replace(one, instance="4711"),
    lambda one: replace(one, context={"channel": "x"}),
    lambda one: replace(one, properties={"level": 2}),
    lambda one: replace(one, instance="4712"),
)


def test_the_same_question_on_the_same_facts_is_written_down_once() -> None:
    """What was made for it is given again, the very object, which the log knows."""
    before, facts = AskedBefore(), facts_for()
    first = before.asked_of(QUESTION, facts, NAMES)
    assert first == asked_of(QUESTION, facts, NAMES)
    assert before.asked_of(replace(QUESTION), facts, NAMES) is first


@pytest.mark.parametrize("vary", VARIANTS)
def test_no_other_question_gets_its_record(vary: Callable[[Question], Question]) -> None:
    """Whatever differs in a question stands in its record, though the facts are the same."""
    before, facts, other = AskedBefore(), facts_for(), vary(QUESTION)
    asked = [before.asked_of(one, facts, NAMES) for one in (QUESTION, other, QUESTION, other)]
    assert [asked_of(one, facts, NAMES) for one in (QUESTION, other, QUESTION, other)] == asked


def test_other_facts_are_others_even_if_they_are_equal() -> None:
    """What is compared is which facts they are; equal ones only cost one more record."""
    before = AskedBefore()
    facts = [facts_for() for _ in range(200)]
    records = [before.asked_of(QUESTION, one, NAMES) for one in facts]
    assert 200 == len({id(one) for one in records})


def test_a_name_that_was_changed_is_changed_in_the_record() -> None:
    """A person who was erased and comes back is somebody else to the log."""
    before, facts = AskedBefore(), facts_for()
    before.asked_of(QUESTION, facts, NAMES)
    assert "f" * 32 == before.asked_of(QUESTION, facts, NAMES | {MEMBER: "f" * 32}).actor


def test_what_is_said_of_others_entities_is_written_down_each_time() -> None:
    """Their ids are the caller's own texts, and need not come again."""
    thing = of(Thing(EntityName("record", "7"), {}))
    facts, before = facts_of(thing, Known(), NOON), AskedBefore()
    first, second = (before.asked_of(thing, facts, NAMES) for _ in range(2))
    assert first == second
    assert first is not second


def test_what_is_remembered_of_facts_goes_with_them() -> None:
    """Facts that nobody holds any more are not kept alive, nor is anything about them."""
    before = AskedBefore()
    kept = [facts_for() for _ in range(3)]
    for one in kept:
        before.asked_of(QUESTION, one, NAMES)
    before.asked_of(QUESTION, facts_for(), NAMES)
    assert 3 == len(before)
    one = kept.pop()
    del one
    assert 2 == len(before)


def test_nothing_is_remembered_of_a_question_that_brings_something() -> None:
    """Its facts are its own and do not come again."""
    before, facts = AskedBefore(), facts_for()
    for one in (replace(QUESTION, context={"x": 1}), replace(QUESTION, properties={"x": 1})):
        before.asked_of(one, facts, NAMES)
    assert 0 == len(before)


def test_callers_texts_fill_no_memory() -> None:
    """Whatever actions a caller makes up about the same facts, few are remembered."""
    before, facts = AskedBefore(), facts_for()
    first = before.asked_of(QUESTION, facts, NAMES)
    for number in range(40):
        action = f"action {'x' * number}"
        asked = before.asked_of(replace(QUESTION, action=action), facts, NAMES)
        assert action == asked.action
    again = before.asked_of(QUESTION, facts, NAMES)
    assert first == again
    assert first is not again
