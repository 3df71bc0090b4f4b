"""A decision at a glance is the one that the rules' own trees give, whatever the facts are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from authz_service.domain.decision import Decision, Question
from authz_service.domain.facts import Facts
from authz_service.policy.border.probes import (
    Asks,
    Compares,
    Constant,
    IsNil,
    Probe,
    Read,
    look,
)
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.bundle import build, collect
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import LoadedRule, RuleAnswer, combine
from authz_service.policy.diagrams.engine import Engine
from authz_service.policy.diagrams.glance import ABSENT, Glance, glance, nothing
from authz_service.policy.reading.reasons import FILE, read
from tests.policy.compiled import CODES, policy
from tests.policy.differential.answer import answer_of
from tests.policy.differential.facts import draw_action, draw_facts, shown
from tests.policy.differential.policies import draw_policy
from tests.policy.differential.test_differential import drawing, engine_of, evaluated
from tests.policy.facts import (
    ANA,
    BIA,
    FOREIGN,
    FROM_ABROAD,
    KNOWN,
    OPEN,
    SIGN_IN,
    asserting,
    facts,
    put,
    signed_in,
)

SHIPPED = Path(__file__).parents[2] / "policies"
QUESTIONS = 24


class Word(StrEnum):
    """Words that are equal to those of facts, and are none."""

    SOCIO = "socio"
    OPEN = "open"
    NONE = "none"
    CODE = "P001"


def walked(on: CompiledPolicy, question: Question, known: Facts) -> Decision | None:
    """Decide by walking the tree of every rule, or None where one does not lead to an answer."""
    engine = on._engine
    answers = []
    for tree in engine.trees(engine.head(question, known)):
        leaf = tree.diagram.find(known)
        if leaf is None:
            return None
        answers.append(RuleAnswer(tree.rule, leaf.answer, leaf.steps, leaf, tree.diagram))
    declared, _problems = read((SHIPPED / FILE).read_text())
    return combine(answers, {code: position for position, code in enumerate(declared)})


@pytest.mark.uncovered
def test_every_way_through_every_shipped_rule_is_seen_as_it_is_walked() -> None:
    """The same decision from the trees, when it is kept, and as one that is kept."""
    on = build(collect(SHIPPED))
    exploration = on.explore()
    asked = 0
    for rule in exploration.rules:
        question, situations = replace(OPEN, action=rule.head[1]), exploration.situations(rule.head)
        for leaf in rule.leaves():
            values = situations.find((step.probe, step.outcome) for step in leaf.steps)
            assert values is not None
            known = situations.facts(values)
            expected = walked(on, question, known)
            assert expected is not None
            first, second = (on.evaluate(question, known) for _ in range(2))
            assert (expected, True) == (first, first is second)
            asked += 1
    assert asked > 700


def test_whatever_else_differs_it_is_the_same_object() -> None:
    """What is remembered of a decision by its identity serves all who get the same."""
    on = build(collect(SHIPPED))
    on.explore()
    denied = replace(KNOWN, process=None)
    # Who asks is a partner, or nobody: of a process that is unknown it makes no difference.
    one, other = facts(known=denied), facts(known=replace(denied, standings=(), people=()))

    decisions = [on.evaluate(OPEN, each) for each in (one, other)]

    assert ("process-unknown",) == decisions[0].reasons
    assert decisions[0] is decisions[1]


@pytest.mark.uncovered
@pytest.mark.soak
def test_any_policy_decides_at_a_glance_as_without(request: pytest.FixtureRequest) -> None:
    """Explored only by chance, about facts that may not be together; a failure tells its seed."""
    soak = request.config.getoption("--soak")
    kept = 0
    for seed in range(1_500 if soak else 40):
        random = drawing(seed)
        drawn = draw_policy(random)
        settled, plain = engine_of(drawn), engine_of(drawn)
        questions = [
            (replace(OPEN, action=draw_action(random)), draw_facts(random))
            for _ in range(QUESTIONS)
        ]
        for question, known in questions[: QUESTIONS // 2]:
            evaluated(settled, question, known)
        settled.settle()
        for question, known in [*questions, *questions]:
            expected = answer_of(evaluated(plain, question, known))
            decision = evaluated(settled, question, known)
            assert expected == answer_of(decision), (seed, question.action, shown(known))
            kept += decision is evaluated(settled, question, known)
    assert kept > 40 * QUESTIONS


def paths(of: object) -> Iterator[str]:
    """Give the paths of all that stands in facts."""
    for one in fields(of):  # type: ignore[arg-type]  # it is a dataclass
        value = getattr(of, one.name)
        yield one.name
        if is_dataclass(value):
            yield from (f"{one.name}.{path}" for path in paths(value))


MISFITS: tuple[Any, ...] = (1, 0, None, "boarded-up", [], {}, object(), 7.0, *Word)


@pytest.mark.uncovered
@pytest.mark.parametrize(
    "known",
    [facts(), signed_in(), facts(FROM_ABROAD, FOREIGN), facts(asserting({"kind": "app"}))],
    ids=["usual", "signed-in", "from-abroad", "asserting"],
)
def test_facts_that_do_not_fit_are_decided_as_if_nothing_were_kept(known: Facts) -> None:
    """Whatever stands wherever: never the decision of facts that it is equal to."""
    more = 'forbid(_a, _action, r: Process, "process-closed") if r.question.context.kind = "web";'
    sources = collect(SHIPPED)
    first = next(one for one in sources if one.file == "processes.polar")
    sources = tuple(
        replace(one, content=one.content + more.encode()) if one is first else one
        for one in sources
    )
    on, plain = build(sources), build(sources)
    on.explore()
    on.evaluate(OPEN, known)
    asked = [
        put(known, path, value)
        for path in paths(known)
        if path.startswith(("actor.", "resource."))
        for value in MISFITS
    ]

    for one in asked:
        for _ in range(2):
            assert answer_of(plain.evaluate(OPEN, one)) == answer_of(on.evaluate(OPEN, one))
    assert len(asked) > 300


PROBES: dict[Probe, list[tuple[Facts, object]]] = {
    Read("process.state"): [(facts(), "open")],
    Read("process.question.sign_in.agent"): [(facts(), ABSENT), (signed_in(), False)],
    Read("process.question.recipient.confirmed"): [
        (facts(), ABSENT),
        (facts(replace(OPEN, recipient=BIA)), True),
    ],
    IsNil("process.question.sign_in"): [(facts(), True), (signed_in(), False)],
    IsNil("process.question.sign_in.cnpj"): [
        (facts(), ABSENT),
        (signed_in(), False),
        (signed_in(replace(SIGN_IN, certificate_company=None)), True),
    ],
    Compares("Eq", "process.code", Constant("str", "P001")): [
        (facts(), "P001"),
        (put(facts(), "resource.code", "P002"), None),
        (put(facts(), "resource.code", None), None),
    ],
    Compares("Neq", "process.question.sign_in.cnpj", Constant("str", "52420282000180")): [
        (facts(), ABSENT),
        (signed_in(), "52420282000180"),
        (signed_in(replace(SIGN_IN, certificate_company=None)), None),
    ],
    Compares("Leq", "process.company.standing.days", Constant("int", 7)): [
        (facts(), True),
        (put(facts(), "resource.company.standing.days", 8), False),
        (put(facts(), "resource.company.standing.days", None), "nil has no order"),
        (put(facts(), "resource.company.standing.days", 7.5), False),
    ],
    Compares("Lt", Constant("int", 7), "process.version"): [
        (facts(), False),
        (put(facts(), "resource.version", 8), True),
        (put(facts(), "resource.version", None), "nil has no order"),
    ],
    Compares("Lt", "process.question.sign_in.minutes", Constant("int", 7)): [
        (facts(), ABSENT),
        (signed_in(), True),
    ],
    Compares("Geq", "process.code", Constant("str", "P001")): [
        (facts(), True),
        (put(facts(), "resource.code", "P000"), False),
        (put(facts(), "resource.code", None), "nil has no order"),
    ],
    Compares("Eq", "process.version", "process.delegation.version"): [
        (facts(), False),
        (put(facts(), "resource.version", None), True),
        (put(facts(), "resource.delegation.version", 3), True),
    ],
    Compares("Neq", "process.version", "process.delegation.version"): [
        (facts(), True),
        (put(facts(), "resource.version", None), False),
    ],
    Compares("Lt", "process.version", "process.delegation.version"): [
        (facts(), "nil has no order"),
        (put(facts(), "resource.delegation.version", 4), True),
    ],
    Compares("Eq", "person.cpf", "process.question.recipient.cpf"): [
        (facts(), ABSENT),
        (facts(replace(OPEN, recipient=ANA)), True),
        (facts(replace(OPEN, recipient=BIA)), False),
    ],
    Compares("Eq", "process.version", Constant("float", 3.0)): [
        (facts(), True),
        (put(facts(), "resource.version", 4), False),
    ],
    Asks("process.question.context.kind"): [
        (facts(), "nil"),
        (facts(asserting({"kind": True})), True),
        (facts(asserting({"kind": "app"})), "opaque"),
    ],
    Compares("Eq", "process.question.context.kind", Constant("str", "app")): [
        (facts(), False),
        (facts(asserting({"kind": "app"})), True),
    ],
    Compares("Eq", "process.question.context.kind", "process.question.sign_in.cnpj"): [
        (facts(), ABSENT),
        (signed_in(question=asserting({"kind": "52420282000180"})), True),
        (signed_in(), False),
    ],
    IsNil("process.question.context"): [(facts(), False)],
    Compares("Eq", "person", Constant("int", 1)): [
        (facts(), "an entity is compared with nil only; compare what names it"),
    ],
}


@pytest.mark.parametrize(("probe", "seen"), PROBES.items(), ids=lambda one: str(one)[:60])
def test_what_comes_out_of_a_probe_is_seen(probe: Probe, seen: list[tuple[Facts, object]]) -> None:
    """Which one of the texts it is, where a fact is compared with texts; else its outcome."""
    given = glance("mark", [probe, probe])

    assert [("mark", outcome) for _known, outcome in seen] == [given(known) for known, _ in seen]
    for known, outcome in seen:
        if isinstance(outcome, bool):
            assert outcome is look(probe)(known)


def test_texts_that_one_fact_is_compared_with_are_one_look() -> None:
    """However many there are; what is none of them is all the same."""
    texts = [Constant("str", f"P{number:03}") for number in range(500)]
    given = glance(0, [Compares("Eq", "process.code", one) for one in texts])

    codes = ["P000", "P499", "P500", "", None]
    seen = [given(put(facts(), "resource.code", code)) for code in codes]

    assert [(0, "P000"), (0, "P499"), (0, None), (0, None), (0, None)] == seen


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("resource.state", Word.OPEN),
        ("resource.state", None),
        ("resource.code", Word.CODE),
        ("resource.code", 7),
        ("resource.company", None),
        ("resource.company.standing.in_force", 1),
        ("resource.question.sign_in.agent", 0),
        ("resource.question.sign_in.cnpj", 7),
        ("resource.question.sign_in", "there"),
    ],
)
def test_what_is_not_as_declared_is_not_seen(path: str, value: object) -> None:
    """A number is no yes, and a member of an Enum no word, though they are equal."""
    given = glance(
        0,
        [
            Read("process.state"),
            Compares("Eq", "process.code", Constant("str", "P001")),
            Compares("Eq", "process.question.sign_in.cnpj", Constant("str", "P001")),
            Read("process.company.standing.in_force"),
            Read("process.question.sign_in.agent"),
        ],
    )

    assert given(signed_in()) is not None
    assert given(put(signed_in(), path, value)) is None


def test_what_an_administrator_has_written_is_never_run() -> None:
    """Texts of rules come in as values, however they read."""
    text = '"); raise SystemExit(1) #'
    member = "process.question.context.x\n    raise SystemExit(1)"
    given = glance(
        0,
        [
            Compares("Eq", "process.code", Constant("str", text)),
            Compares("Gt", "process.code", Constant("str", text)),
            Asks(member),
        ],
    )

    assert (0, text, False, "nil") == given(put(facts(), "resource.code", text))


def test_of_no_rules_nothing_is_seen_but_the_head() -> None:
    """And before rules are explored nothing at all."""
    assert ("mark",) == glance("mark", [])(facts())
    unexplored: Glance = nothing
    assert unexplored(facts()) is None


def test_two_heads_are_never_taken_for_each_other() -> None:
    """Though their rules look at the same."""
    on = policy(
        'permit(p: Person, "open", _r: Process, "first") if p.confirmed;\n'
        'permit(p: Person, "revoke", _r: Process, "second") if p.confirmed;'
    )
    on.explore()

    asked = [replace(OPEN, action=action) for action in ("open", "revoke", "open", "revoke")]

    assert [("first",), ("second",)] * 2 == [on.evaluate(one, facts()).reasons for one in asked]


def settled(most: int) -> Engine:
    """Give an engine that keeps few decisions, of one rule that has been asked everything."""
    polar = GuardedPolar()
    polar.load([("a.polar", 'p_0001(_p: Person, _a, r: Process, "first") if r.state = "open";')])
    engine = Engine(polar, [LoadedRule("p_0001", "permit", "a.polar:1")], CODES, most=most)
    for state in ("open", "closed", "unknown"):
        engine.evaluate(OPEN, put(facts(), "resource.state", state))
    engine.settle()
    return engine


def test_the_oldest_decision_goes_where_one_more_comes() -> None:
    """A policy keeps no more than it may, and goes on deciding."""
    engine = settled(2)
    states = [put(facts(), "resource.state", one) for one in ("open", "closed", "unknown")]

    first = [engine.evaluate(OPEN, one) for one in states]
    kept, gone = engine.evaluate(OPEN, states[2]), engine.evaluate(OPEN, states[0])

    assert ([True, False, False], 3) == ([one.allowed for one in first], engine.runs)
    assert first[2] is kept
    assert first[0] == gone
    assert first[0] is not gone


def test_what_a_rule_has_not_looked_at_before_is_not_kept() -> None:
    """Where it was not explored to the end, two questions alike at a glance may not be alike."""
    polar = GuardedPolar()
    rule = 'p_0001(p: Person, _a, r: Process, "first") if r.state = "open" or p.confirmed;'
    polar.load([("a.polar", rule)])
    engine = Engine(polar, [LoadedRule("p_0001", "permit", "a.polar:1")], CODES)
    closed = put(facts(), "resource.state", "closed")
    asked = [closed, put(closed, "actor.confirmed", False)]
    engine.trees(engine.head(OPEN, facts()))
    engine.settle()

    assert [True, False] * 2 == [engine.evaluate(OPEN, one).allowed for one in asked * 2]


def test_facts_that_cannot_be_together_are_asked_of_oso_each_time() -> None:
    """What exploration has passed over is no way that is kept, nor a decision."""
    on = policy(
        'permit(p: Person, "open", _r: Process, "first") if p.confirmed and not p.registered;'
    )
    on.explore()
    known = put(facts(), "actor.registered", False)
    runs = on.runs

    decisions = [on.evaluate(OPEN, known) for _ in range(2)]

    assert (True, runs + 2) == (all(one.allowed for one in decisions), on.runs)
