"""What stands in the rules, and whether any of them heeds what a caller only asserts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.decision import Bag, Decision, Question
from authz_service.domain.known import Known, facts_of
from authz_service.policy.bundle import build, collect
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.reading.constants import Constants, constants_of
from authz_service.policy.reading.syntax import Rule, read
from tests.policy.compiled import policy
from tests.policy.facts import ALICE, OPEN, READ_RECORD, facts
from tests.policy.test_properties import BASE, HELPER, many, rules, situations
from tests.policy.test_shipped import QUESTIONS, SHIPPED

PERMIT = 'permit(p: Person, "open", r: Process, "first") if p.registered and r.state = "open"'
BARE = f"{PERMIT};"


def rules_in(text: str) -> list[Rule]:
    """Give the rules of a text."""
    found, problems = read("rules.polar", text)
    assert [] == problems
    return found


def test_what_stands_in_rules_is_found() -> None:
    """Texts and numbers as they stand, with the actions on entities of other services."""
    text = (
        f"{PERMIT} and r.version < 3;\n"
        'permit(s: Subject, action, r: Resource, "second") if helper(s, action) and r.id = s.id;\n'
        'helper(_s: Subject, action) if action = "read";\n'
    )
    assert Constants(
        texts=frozenset({"open", "first", "second", "read"}),
        numbers=frozenset({3.0}),
        actions=frozenset({"open", "first", "second", "read"}),
        between=True,
        asserted=False,
    ) == constants_of(rules_in(text))


# What a caller asserts

ASSERTED: dict[str, tuple[str, Question]] = {
    "in a permit": (f"{PERMIT} and r.question.context.x = 1;", OPEN),
    "of the action": (f"{PERMIT} and r.question.properties.x = 1;", OPEN),
    "of the company": (f"{PERMIT} and r.company.question.context.x = 1;", OPEN),
    "not in a permit": (f"{PERMIT} and not r.question.context.x = 2;", OPEN),
    "in a forbid": (
        f'{BARE}\nforbid(_p: Person, "open", r: Process, "second") if r.question.context.x = 2;',
        OPEN,
    ),
    "in a helper": (
        f"{PERMIT} and helper(r);\nhelper(r: Process) if r.question.context.x = 1;",
        OPEN,
    ),
    "in a helper of a helper": (
        f"{PERMIT} and a(r);\na(r: Process) if b(r.question);\nb(q: Question) if q.context.x = 1;",
        OPEN,
    ),
    "of an entity": (
        'permit(_s: Subject, "read", r: Resource, "first") if r.question.context.x = 1;',
        READ_RECORD,
    ),
}


@pytest.mark.parametrize(("text", "question"), ASSERTED.values(), ids=ASSERTED)
def test_rules_that_read_what_is_asserted_heed_it(text: str, question: Question) -> None:
    """Wherever it stands, and whatever is asserted: the policy says so, and decides by it."""
    compiled = policy(text)
    assert compiled.heeds_asserted
    said = [
        compiled.evaluate(one, facts(one)).allowed
        for one in (
            replace(question, context={"x": 1}, properties={"x": 1}),
            replace(question, context={"x": 2}, properties={"x": 2}),
        )
    ]
    assert [True, False] == said


def test_what_is_said_of_an_actor_counts_as_asserted() -> None:
    """It has the same name, and may come with the request: the policy is on the safe side."""
    compiled = policy('permit(s: Subject, "open", _r: Process, "first") if s.properties.x = 1;')
    asked = [replace(OPEN, actor=replace(ALICE, properties={"x": one})) for one in (1, 2)]
    assert compiled.heeds_asserted
    assert [True, False] == [compiled.evaluate(one, facts(one)).allowed for one in asked]


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        f"# context and properties\n{BARE}",
        f'{PERMIT} and r.code != "context" and r.code != "properties";',
        f"{PERMIT} and context(r);\ncontext(_r: Process);",
        f"{PERMIT} and r.question.actor_evidence = {chr(34)}govbr{chr(34)};",
    ],
    ids=["none", "a remark", "a text", "a helper of the name", "another particular"],
)
def test_rules_that_do_not_read_it_need_not_have_it(text: str) -> None:
    """Nothing is decided by it: the decision is that of the question without."""
    compiled = policy(text)
    brought = replace(OPEN, context={"x": 1}, properties={"x": 1})
    said = [compiled.evaluate(brought, facts(one)) for one in (brought, OPEN)]
    assert [compiled.evaluate(OPEN, facts())] * 2 == said
    # A helper of that name is taken for the fact, which costs time and no decision.
    assert ("context(r)" in text) == compiled.heeds_asserted


@many
@given(st.lists(rules(), max_size=2), st.lists(situations(), min_size=1, max_size=4))
def test_what_is_not_heeded_changes_no_decision(
    given_rules: list[str], asked: list[tuple[Question, Known]]
) -> None:
    """Whatever the rules: who does not heed the context decides as without, to the evidence."""
    compiled = policy("\n".join([*given_rules, BASE, HELPER]))
    for question, known in asked:
        if compiled.heeds_asserted:
            assert any("context" in one for one in (*given_rules, HELPER))
            return
        bare = replace(question, context={}, properties={})
        expected = compiled.evaluate(bare, facts(bare, known))
        assert expected == compiled.evaluate(question, facts(question, known))
        assert expected == compiled.evaluate(question, facts(bare, known))


@pytest.fixture(name="shipped", scope="module")
def _shipped() -> CompiledPolicy:
    return build(collect(SHIPPED))


def test_the_shipped_rules_heed_nothing_asserted(shipped: CompiledPolicy) -> None:
    """So a context that every caller fills in otherwise costs none of them the memory."""
    assert not shipped.heeds_asserted


_BAGS = st.dictionaries(
    st.sampled_from(["x", "context", "state", "evidence", "é"]),
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.lists(st.integers()),
    max_size=3,
)
"""What callers put into contexts."""


@given(data=st.data(), context=_BAGS, properties=_BAGS)
def test_the_shipped_rules_decide_as_without_it(
    shipped: CompiledPolicy, data: st.DataObject, context: Bag, properties: Bag
) -> None:
    """Every question of the tests beside them, with any context: the same decision, all of it."""
    one, _facts = data.draw(st.sampled_from(QUESTIONS))
    brought = replace(one.question, context=context, properties=properties)

    def said(question: Question, about: Question) -> Decision:
        return shipped.evaluate(question, facts_of(about, one.known, one.moment))

    assert said(one.question, one.question) == said(brought, brought) == said(brought, one.question)
