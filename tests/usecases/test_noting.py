"""What is noted on facts: what was decided on the very same, and how it was written down."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest

from authz_service.domain.brought import bringing
from authz_service.domain.decision import (
    ACTIONS,
    Asked,
    CompanyAsked,
    Decision,
    ProcessAsked,
    Question,
    Resource,
    RuleError,
    Subject,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj
from authz_service.domain.known import Known, facts_of
from authz_service.domain.processes import ProcessName
from authz_service.usecases.asked import asked_of
from authz_service.usecases.noting import asked_by, note_of
from tests.domain.document import COMPANY, MEMBER, P001, PARTNER, REPRESENTATIVE, STRANGER
from tests.fakes.clock import NOON
from tests.fakes.policies import ScriptedPolicy, deny_all

QUESTION = Question(MEMBER, "open", ProcessAsked(ProcessName("P001", 3), COMPANY))
OTHER = Cnpj.parse("11222333000181")
SUBJECTS: tuple[Subject, ...] = (
    MEMBER,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
    EntityName("user", "u1"),
)
NAMES = {one: f"{number:032x}" for number, one in enumerate(SUBJECTS, start=1)}


def of(resource: Resource) -> Question:
    """Give the question about another resource."""
    return replace(QUESTION, resource=resource)


def facts_for(question: Question = QUESTION) -> Facts:
    """Give facts that a store could hold for *question*."""
    return facts_of(question, Known(process=P001), NOON)


def deciding(question: Question, _facts: Facts) -> Decision:
    """Say which action was asked about, as an object of its own each time."""
    return Decision(allowed=True, reasons=(question.action,))


def written(question: Question, facts: Facts, policy: ScriptedPolicy) -> Asked:
    """Give *question* as a record keeps it, by what is noted on *facts*."""
    return asked_by(note_of(question, facts, policy), question, facts, NAMES)


VARIANTS: tuple[Callable[[Question], Question], ...] = (
    lambda one: replace(one, actor=PARTNER),
    lambda one: replace(one, actor=Thing(EntityName("user", "u1"))),
    lambda one: replace(one, action="delegate"),
    lambda one: replace(one, recipient=STRANGER),
    lambda one: replace(one, recipient=PARTNER),
    lambda _one: of(ProcessAsked(ProcessName("P001", 3), OTHER)),
    lambda _one: of(ProcessAsked(ProcessName("P001 - outra forma", 3), COMPANY)),
    lambda _one: of(CompanyAsked(COMPANY)),
    lambda _one: of(Thing(EntityName("record", "7"))),
    lambda one: replace(one, context={"channel": "x"}),
    lambda one: replace(one, properties={"level": 2}),
)


# What was decided


def test_a_policy_is_asked_once_about_the_same_facts() -> None:
    """What it said is given again, the very object, which the log and the counters know."""
    policy, facts = ScriptedPolicy(deciding), facts_for()
    first = note_of(QUESTION, facts, policy)
    assert Decision(allowed=True, reasons=("open",)) == first.decision
    again = [note_of(one, facts, policy) for one in (QUESTION, replace(QUESTION))]
    assert [True, True] == [one is first for one in again]


def test_each_action_is_decided_for_itself() -> None:
    """The facts are the same, whatever is to be done; what may be done is not."""
    policy, facts = ScriptedPolicy(deciding), facts_for()
    actions = ["open", "delegate", "open", "delegate"]
    said = [note_of(replace(QUESTION, action=one), facts, policy).decision for one in actions]
    assert [(one,) for one in actions] == [one.reasons for one in said]


def test_equal_facts_are_decided_on_for_themselves() -> None:
    """What is noted is noted on the very facts, and equal ones know nothing of it."""
    policy, one, other = ScriptedPolicy(deciding), facts_for(), facts_for()
    assert one == other
    first = note_of(QUESTION, one, policy)
    assert [first.decision, {}] == [note_of(QUESTION, other, policy).decision, facts_for().notes]
    assert first is not note_of(QUESTION, other, policy)


def test_another_policy_is_asked_anew() -> None:
    """Its digest tells it from the one before, and nobody goes back to what that one said."""
    facts, old, new = facts_for(), ScriptedPolicy(deciding), ScriptedPolicy(deny_all)
    new.digest = "1" * 64
    said = [note_of(QUESTION, facts, policy).decision for policy in (old, new, new, old)]
    allowed, denied = deciding(QUESTION, facts), deny_all(QUESTION, facts)
    assert [allowed, denied, denied, allowed] == said
    assert said[1] is said[2]


def test_what_has_erred_is_asked_again() -> None:
    """A rule that had no time says nothing about the next time."""
    errors = (RuleError("a.polar:1", "took too long"),)
    erred = Decision(allowed=False, reasons=("no-permit",), errors=errors)
    policy, facts = ScriptedPolicy(lambda *_: erred), facts_for()
    assert erred == note_of(QUESTION, facts, policy).decision
    assert {} == facts.notes
    policy.verdict = deciding
    assert deciding(QUESTION, facts) == note_of(QUESTION, facts, policy).decision


@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        of(CompanyAsked(COMPANY)),
        of(Thing(EntityName("record", "7"))),
    ],
    ids=["process", "company", "entity"],
)
def test_what_a_question_brings_is_decided_for_itself(question: Question) -> None:
    """Facts that were made of others with a context have none of what is noted on those."""
    policy = ScriptedPolicy(
        lambda _question, facts: Decision(bool(facts.question.context), reasons=("read",))
    )
    bare, brought = facts_for(question), replace(question, context={"inside": True})
    said = [
        note_of(question, bare, policy).decision.allowed,
        note_of(brought, bringing(bare, brought), policy).decision.allowed,
        note_of(question, bare, policy).decision.allowed,
    ]
    assert [False, True, False] == said


def test_nothing_of_a_request_is_noted() -> None:
    """The facts may be held for long; the question that they were asked for first is not."""
    question, facts = replace(QUESTION), facts_for()
    asked = weakref.ref(question)
    written(question, facts, ScriptedPolicy(deciding))
    del question
    gc.collect()
    assert ["open"] == list(facts.notes)
    assert asked() is None


def test_callers_texts_fill_no_memory() -> None:
    """Of whatever actions a caller makes up, none is noted: only the service's own are."""
    policy, facts = ScriptedPolicy(deciding), facts_for()
    for number in range(100):
        action = f"action {'x' * number}"
        asked = replace(QUESTION, action=action)
        assert (action,) == note_of(asked, facts, policy).decision.reasons
    assert {} == facts.notes
    for action in (*ACTIONS, "OPEN", *ACTIONS):
        said = note_of(replace(QUESTION, action=action), facts, policy).decision
        assert (action,) == said.reasons
    assert list(ACTIONS) == list(facts.notes)


# How it was written down


def test_the_same_question_on_the_same_facts_is_written_down_once() -> None:
    """What was made for it is given again, the very object, which the log knows."""
    policy, facts = ScriptedPolicy(deciding), facts_for()
    first = written(QUESTION, facts, policy)
    assert asked_of(QUESTION, facts, NAMES) == first
    assert written(replace(QUESTION), facts, policy) is first


@pytest.mark.parametrize("vary", VARIANTS)
def test_no_other_question_gets_its_record(vary: Callable[[Question], Question]) -> None:
    """Whatever differs in a question stands in its record, though the facts are the same."""
    policy, facts, other = ScriptedPolicy(deciding), facts_for(), vary(QUESTION)
    order = (QUESTION, other, QUESTION, other, other)
    assert [asked_of(one, facts, NAMES) for one in order] == [
        written(one, facts, policy) for one in order
    ]


def test_other_facts_are_others_even_if_they_are_equal() -> None:
    """What is compared is which facts they are; equal ones only cost one more record."""
    policy, facts = ScriptedPolicy(deciding), [facts_for() for _ in range(200)]
    records = [written(QUESTION, one, policy) for one in facts]
    assert 200 == len({id(one) for one in records})


def test_a_name_that_was_changed_is_changed_in_the_record() -> None:
    """A person who was erased and comes back is somebody else to the log."""
    facts = facts_for()
    note = note_of(QUESTION, facts, ScriptedPolicy(deciding))
    asked_by(note, QUESTION, facts, NAMES)
    new = NAMES | {MEMBER: "f" * 32}
    assert ["f" * 32, NAMES[MEMBER]] == [
        asked_by(note, QUESTION, facts, names).actor for names in (new, NAMES)
    ]


@pytest.mark.parametrize(
    "question",
    [
        of(Thing(EntityName("record", "7"), {})),
        replace(QUESTION, actor=Thing(EntityName("user", "u1"))),
        replace(QUESTION, recipient=STRANGER),
    ],
    ids=["resource", "actor", "recipient"],
)
def test_what_need_not_come_again_is_written_down_each_time(question: Question) -> None:
    """Ids of others' entities are callers' texts, and a recipient is one of many."""
    facts, policy = facts_for(question), ScriptedPolicy(deciding)
    first, second = (written(question, facts, policy) for _ in range(2))
    assert asked_of(question, facts, NAMES) == first == second
    assert first is not second


def test_what_a_question_asserts_in_vain_stands_in_no_record() -> None:
    """On facts that leave it out, since no rule reads it, it is asked as without it."""
    policy, facts = ScriptedPolicy(deciding), facts_for()
    first = written(QUESTION, facts, policy)
    assert written(replace(QUESTION, context={"x": 1}), facts, policy) is first
