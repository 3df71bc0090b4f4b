"""
What stock oso says of the same rules and facts, this service says, from its diagrams as well.

A policy and its questions are drawn from one number, the seed. The short form always draws the
same ones, the long form others each time. A failure tells its seed; ``compare(seed)`` repeats it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random, SystemRandom

import pytest

from authz_service.domain.decision import BUILT_IN_REASONS, Decision, Question
from authz_service.domain.facts import (
    CompanyFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    SubjectFacts,
)
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.diagrams.combining import LoadedRule
from authz_service.policy.diagrams.engine import Engine
from authz_service.policy.reading.syntax import read
from tests.policy.differential.answer import Answer, answer_of
from tests.policy.differential.facts import REASONS, draw_action, draw_facts, shown
from tests.policy.differential.policies import FILE, Policy, Written, draw_policy
from tests.policy.differential.stock import Reference
from tests.policy.facts import OPEN, asserting, facts

QUESTIONS = 150
"""How many questions each policy is asked: enough for its diagrams to answer most of them."""
PARTS = 4
SHORT, LONG = 12, 850
"""How many policies each part draws."""
KIND = "what.question.context.kind"
# A condition and a reason, and two values of the member which must not share an answer.
ASSERTED: dict[str, tuple[str, str, object, object]] = {
    "text-list": (f"{KIND} != nil", '"first"', "a", ["a"]),
    "list-text": (f"{KIND} != nil", '"first"', ["a"], "a"),
    "object-number": (f"not {KIND} = nil", '"first"', {"a": 1}, 1),
    "list-bool": (f"not {KIND} = nil", '"first"', ["a"], True),
    "in-nil": (f"{KIND} in [nil, 3]", '"first"', ["a"], 3),
    "reason": (f"reason = {KIND}", "reason", "first", "second"),
    "reason-unknown": (f"reason = {KIND}", "reason", "first", "nowhere"),
    "reason-bool": (f"reason = {KIND}", "reason", "first", True),
    "reason-known": (f'{KIND} = "first" and reason = {KIND}', "reason", "first", "second"),
    "bool-number": (f"{KIND} = 1", '"first"', 1, True),
    "bool-beside-number": (f"not {KIND} = true and {KIND} = 1", '"first"', 1, 3),
    "number-text": (f"{KIND} = 1", '"first"', 1.0, "1"),
    "two-cpfs": (f'{KIND} in ["72268402517", "18762794604"]', '"first"', "72268402517", "0"),
    "cpf-written-otherwise": (f'{KIND} = "187.627.946-04"', '"first"', "18762794604", "x"),
    "order": (f"{KIND} < 3", '"first"', 2, "2"),
    "order-of-two": (f"what.version < {KIND}", '"first"', 5, 2),
    "order-turned": (f"3 < {KIND} or {KIND} < 3", '"first"', 5, 3),
    "large": (f"{KIND} > 9007199254740.5", '"first"', 2**63 - 1, -(2**63)),
}

_CLASSES: dict[str | None, type | None] = {
    None: None,
    "Person": PersonFacts,
    "Login": LoginFacts,
    "Subject": SubjectFacts,
    "Process": ProcessFacts,
    "Company": CompanyFacts,
    "Resource": ResourceFacts,
}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no query of either side time out because the machine is busy; oso reads it each time."""
    monkeypatch.setenv("POLAR_TIMEOUT_MS", "30000")


def evaluated(engine: Engine, question: Question, known: Facts) -> Decision:
    """Ask; once more if the machine was so busy that the time for a decision was over."""
    decision = engine.evaluate(question, known)
    if any(error.cause.startswith("deadline") for error in decision.errors):
        return engine.evaluate(question, known)
    return decision


def drawing(seed: int) -> Random:
    """Give what everything is drawn from."""
    return Random(seed)  # noqa: S311 - it has to repeat itself, not to keep a secret


def engine_of(policy: Policy) -> Engine:
    """Load a policy past the check of types, which would make its broken rules err unasked."""
    polar = GuardedPolar(re.findall('"([^"]*)"', policy.text))
    assert [] == polar.load([(FILE, policy.text)])
    rules = [
        LoadedRule(
            rule.name,
            rule.kind,
            rule.place,
            action=rule.action,
            by=_CLASSES[rule.actor],
            about=_CLASSES[rule.resource],
        )
        for rule in policy.rules
    ]
    return Engine(polar, rules, (*BUILT_IN_REASONS, *REASONS))


def compare(seed: int) -> tuple[list[Answer], int]:
    """
    Ask both sides everything that is drawn from *seed*, and fail where they differ.

    Returns:
        The answers, and how many of them oso was not asked for.
    """
    random = drawing(seed)
    policy = draw_policy(random)
    engine, reference = engine_of(policy), Reference(policy, REASONS)
    answers, from_diagrams = [], 0
    for number in range(QUESTIONS):
        known, action = draw_facts(random), draw_action(random)
        question = replace(OPEN, action=action)
        runs = engine.runs
        decision = evaluated(engine, question, known)
        from_diagrams += engine.runs == runs
        stock = reference.answer(action, known)
        ours = answer_of(decision)
        if stock != ours:
            at_once = answer_of(evaluated(engine_of(policy), question, known))
            pytest.fail(
                f"seed {seed}, question {number}: may do {action!r}?\n{policy.as_written}"
                f"{shown(known)}\nstock oso: {stock}\nours:      {ours}\n           "
                f"{decision.errors}\nours, if asked nothing before: {at_once}"
            )
        answers.append(ours)
    return answers, from_diagrams


@pytest.mark.uncovered
@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_that_of_stock_oso(part: int, request: pytest.FixtureRequest) -> None:
    """Whatever policies say and facts are, oso's answer is ours; most come from the diagrams."""
    soak = request.config.getoption("--soak")
    policies = LONG if soak else SHORT
    first = SystemRandom().randrange(2**32) if soak else part * SHORT

    answers: list[Answer] = []
    from_diagrams = 0
    for seed in range(first, first + policies):
        given, unasked = compare(seed)
        answers += given
        from_diagrams += unasked

    assert policies * QUESTIONS == len(answers)
    assert from_diagrams >= len(answers) / 2, (from_diagrams, len(answers))
    # A comparison of errors alone, or of silence alone, would show nothing.
    for reasons in (("policy-error",), ("no-permit",)):
        assert sum(one.reasons == reasons for one in answers) < len(answers) * 0.75
    spoke = [one for one in answers if one.rules and not one.erred]
    for said in (True, False):
        assert sum(one.allowed is said for one in spoke) > len(answers) / 100


def test_the_long_form_is_long() -> None:
    """The long form compares at least half a million answers."""
    assert PARTS * LONG * QUESTIONS >= 500_000


@pytest.mark.parametrize(
    ("condition", "reason", "first", "then"), ASSERTED.values(), ids=ASSERTED.keys()
)
def test_what_a_caller_asserts_is_never_taken_for_what_another_did(
    condition: str, reason: str, first: object, then: object
) -> None:
    """Two values of a caller that oso answers differently are answered differently here."""
    rest = f"(_who, _action, what, {reason}) if {condition};"
    policy = Policy((Written("permit", 1, None, None, None, rest),), ())
    engine, reference = engine_of(policy), Reference(policy, REASONS)
    for asserted in (first, then, first):
        asked = facts(asserting({"kind": asserted}))
        assert reference.answer("open", asked) == answer_of(engine.evaluate(OPEN, asked))


@pytest.mark.uncovered
@pytest.mark.parametrize("seed", range(0, 400, 100))
def test_what_is_drawn_could_have_been_written(seed: int) -> None:
    """The policies that are compared keep to the Polar that the service accepts."""
    for number in range(seed, seed + 100):
        assert [] == read(FILE, draw_policy(drawing(number)).as_written)[1]


def test_what_is_drawn_is_of_every_kind() -> None:
    """A few hundred policies hold every construct that is to be compared."""
    texts = [draw_policy(drawing(seed)).as_written for seed in range(300)]

    for construct in (
        r"not \(",
        r" or .* and .*\(.* or ",
        r"not helper\d\(",
        r"helper\d\(\"",
        r"helper\d\(\w+: [A-Z]",
        r" in \[\"",
        r" in \[\]",
        r"!= nil",
        r"= nil",
        r"recipient\.confirmed",
        r"(what|who)\.[a-z_.]+ = (what|who)\.",
        r"days <=? (what|who|x|y)\.",
        r"[<>]=? -?\d",
        r"\d\.\d",
        r"[<>]=? \"",
        r"!= \"",
        r"= (true|false)",
        r"helper\d\((\w[\w.]*), \1\)",
        r"x = y|y = x",
        r"action in \[",
        r"action (=|!=|<) \"",
        r"action, what: Resource",
        r", \"(read|approve)\", what: Resource",
        r"who: Login",
        r"who: Subject",
        r"what: Company",
        r", reason\)",
        r"\.(registred|stat|cpv|compnay|in_forse)\b",
        r"\.(context|properties)\.\w+ = ",
    ):
        assert any(re.search(construct, text) for text in texts), construct
