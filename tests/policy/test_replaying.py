"""What a record tells is enough to decide again; of another policy is told what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from random import SystemRandom
from typing import Any

import pytest

from authz_service.domain.decision import Decision, Observation, Question
from authz_service.domain.errors import PolicyInvalid
from authz_service.domain.facts import (
    CompanyFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    ResourceFacts,
    SubjectFacts,
)
from authz_service.policy.border.probes import OPAQUE, Asks, Compares, Constant, IsNil, Read
from authz_service.policy.bundle import Source, build, collect
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.evidence import wish_of, with_constants
from authz_service.policy.diagrams.situations import Wish
from authz_service.policy.reading.constants import Constants
from authz_service.usecases.replaying import Case, Outcome, Replay, Replayed, replay
from tests.bench.shipped import asked_in
from tests.policy.compiled import policy
from tests.policy.differential.policies import draw_policy
from tests.policy.differential.test_differential import drawing
from tests.policy.facts import BIA, OPEN, asserting, facts, put, signed_in
from tests.policy.test_evidence import SHIPPED, Questions

ACTORS = {PersonFacts: "person", LoginFacts: "login", SubjectFacts: "record"}
RESOURCES = {ProcessFacts: "process", CompanyFacts: "company", ResourceFacts: "entity"}
Situation = tuple[Question, Facts]
SHARE = 11
"""One of how many situations is asked under each edit."""


def line(by: CompiledPolicy, about: Situation, decision: Decision) -> dict[str, Any]:
    """Give the record of a decision, as far as it matters here."""
    question, known = about
    process = isinstance(known.resource, ProcessFacts)
    company = not isinstance(known.resource, ResourceFacts)
    return {
        "question": {
            "actor_type": ACTORS[type(known.actor)],
            "action": question.action,
            "company": "52420282000180" if company else None,
            "named": "P001" if process else None,
        },
        "decision": decision.allowed,
        "reasons": list(decision.reasons),
        "rules": list(decision.rules),
        "evidence": [{"test": one.test, "outcome": one.outcome} for one in decision.evidence],
        "policy_digest": by.digest,
    }


def again(by: CompiledPolicy, about: Situation, under: CompiledPolicy) -> Replay:
    """Decide by one policy, and again by another from the record."""
    return replay(line(by, about, by.evaluate(*about)), under)


@cache
def situations() -> tuple[Situation, ...]:
    """Give what the shipped tests ask, and a situation for each way through each shipped rule."""
    exploration = build(collect(SHIPPED)).explore()
    found = []
    for path in sorted(SHIPPED.glob("*_test.toml")):
        found += [(asked.question, asked.facts) for asked, _allowed in asked_in(path)]
    for rule in exploration.rules:
        possible = exploration.situations(rule.head)
        for leaf in rule.leaves():
            values = possible.find((step.probe, step.outcome) for step in leaf.steps)
            assert values is not None
            found.append((replace(OPEN, action=rule.head[1]), possible.facts(values)))
    return tuple(found)


def decided(by: CompiledPolicy) -> Iterator[tuple[Situation, Decision]]:
    """Give every situation with its decision."""
    return ((one, by.evaluate(*one)) for one in situations())


def edited(file: str, old: str, new: str) -> CompiledPolicy:
    """Give the shipped policies with another text in one of the files."""
    sources = []
    for one in collect(SHIPPED):
        text = one.content.decode()
        assert one.file != file or text.count(old) == 1
        sources.append(
            Source(one.file, text.replace(old, new).encode()) if one.file == file else one
        )
    return build(sources)


@pytest.mark.uncovered
def test_every_shipped_decision_is_made_again_from_its_evidence() -> None:
    """By the same policy: the decision, all reasons in their order, and the rules that spoke."""
    by, after = build(collect(SHIPPED)), build(collect(SHIPPED))
    by.explore()

    # Many have the same record.
    records = {str(one): one for one in (line(by, *asked) for asked in decided(by))}

    told = [replay(one, after) for one in records.values()]

    assert {(Outcome.SAME, ()): len(records)} == Counter(
        (one.outcome, one.differing) for one in told
    )
    assert len(records) > 200


EDITS = {
    "a longer time": (("standing.polar", "days <= 7", "days <= 30"), {"same", "unknown"}),
    "a shorter time": (("standing.polar", "days <= 7", "days <= 3"), {"same", "unknown"}),
    "a fact that nobody looked at": (
        (
            "standing.polar",
            "    standing.in_force;",
            '    standing.in_force and\n    standing.cadastrador != "no";',
        ),
        {"same", "unknown"},
    ),
    "a role less": (
        ("standing.polar", '["socio", "representante_legal"]', '["representante_legal"]'),
        {"same", "differs", "unknown"},
    ),
    "closed processes are opened": (
        ("processes.polar", 'process.state = "closed"', 'process.state = "unknown"'),
        {"same", "differs", "unknown"},
    ),
    "a rule that errs": (
        ("standing.polar", "standing.days <= 7;", "standing.days <= 7 and standing.days > 0;"),
        {"same", "unknown"},
    ),
}


@pytest.mark.uncovered
@pytest.mark.parametrize(("edit", "outcomes"), EDITS.values(), ids=EDITS.keys())
def test_another_policy_is_told_to_differ_only_where_it_does(
    edit: tuple[str, str, str], outcomes: set[str]
) -> None:
    """Where it is told, it is what that policy decides about the very facts; else it is open."""
    by, under = build(collect(SHIPPED)), edited(*edit)
    by.explore()
    under.explore()
    found: Counter[str] = Counter()
    for one in situations()[::SHARE]:
        then, now = by.evaluate(*one), under.evaluate(*one)
        told = again(by, one, under)
        found[told.outcome.value] += 1
        if told.replayed.allowed is not None:
            assert now.allowed is told.replayed.allowed
        if told.replayed.reasons is not None:
            assert now.reasons == told.replayed.reasons
            expected = (then.allowed, then.reasons) == (now.allowed, now.reasons)
            assert (Outcome.SAME if expected else Outcome.DIFFERS) is told.outcome
        else:
            # What is asked for, or a rule that took too long on this machine to be explored.
            assert told.replayed.asks or told.replayed.others
    assert outcomes == set(found)
    assert found["same"] > len(situations()) / SHARE / 2


@pytest.mark.uncovered
@pytest.mark.soak
def test_any_decision_is_made_again_from_its_evidence(request: pytest.FixtureRequest) -> None:
    """Under rules that nobody would write, unless the record hides which CPF or login it was."""
    soak = request.config.getoption("--soak")
    first, policies = (SystemRandom().randrange(2**32), 600) if soak else (0, 25)
    found: Counter[str] = Counter()
    for seed in range(first, first + policies):
        random = drawing(seed)
        try:
            on = policy(draw_policy(random).as_written)
        except PolicyInvalid:
            continue
        known = [Questions(on, head, random) for head in on.explore().heads()]
        for questions in random.sample(known, 4):
            for _question in range(4):
                about = questions.any()
                decision = questions.decide(about)
                record = line(on, (questions.question, about), decision)
                told = replay(record, on)
                hides = any("[" in one.test for one in decision.evidence)
                assert told.outcome in (Outcome.SAME, Outcome.UNKNOWN), (seed, decision, told)
                assert told.outcome is Outcome.SAME or hides, (seed, decision, told)
                found[told.outcome.value] += 1
    assert found["same"] > 10 * policies


def case(*told: tuple[str, str | bool | None], action: str = "open", actor: str = "person") -> Case:
    """Give a case about a process with this evidence."""
    return Case(actor, action, "process", tuple(Observation(*one) for one in told))


STATE = "process.state"
CONFIRMED, REGISTERED = "person.confirmed", "person.registered"
TWO = (
    'permit(p: Person, "open", _r: Process, "first") if p.confirmed;\n'
    'permit(p: Person, "open", _r: Process, "second") if p.registered;\n'
)
FORBID = 'forbid(_p: Person, "open", r: Process, "third") if r.state = "closed";\n'
FORBIDS = f'{TWO}{FORBID}forbid(_p: Person, "open", r: Process, "second") if r.state = "unknown";\n'
ERRING = (
    f'{TWO}permit(_p: Person, "open", r: Process, "first") if r.question.recipient.confirmed;\n'
)
NIL = "process.question.recipient = nil"
LAST = ("rules.polar:3",)

ANSWERS: dict[str, tuple[str, Case, Replayed]] = {
    "all is known": (
        TWO,
        case((CONFIRMED, False), (REGISTERED, True)),
        Replayed(True, ("second",), ("rules.polar:2",)),
    ),
    "one follows from the other": (
        TWO,
        case((CONFIRMED, True)),
        Replayed(True, ("first", "second"), ("rules.polar:1", "rules.polar:2")),
    ),
    "allowed, but why is open": (
        TWO,
        case((REGISTERED, True)),
        Replayed(True, None, ("rules.polar:2",), ("rules.polar:1",), (CONFIRMED,)),
    ),
    "nothing is known": (
        TWO,
        case(),
        Replayed(None, None, (), ("rules.polar:1", "rules.polar:2"), (CONFIRMED, REGISTERED)),
    ),
    "nobody permits": (TWO, case((REGISTERED, False)), Replayed(False, ("no-permit",))),
    "no rule concerns it": (TWO, case(action="dance"), Replayed(False, ("no-permit",))),
    "nor anybody else": (TWO, case(actor="login"), Replayed(False, ("no-permit",))),
    "forbidden, whoever permits": (
        TWO + FORBID,
        case((STATE, "closed")),
        Replayed(False, ("third",), LAST),
    ),
    "forbidden or not": (
        TWO + FORBID,
        case((CONFIRMED, True)),
        Replayed(None, None, (), LAST, (STATE,)),
    ),
    "denied, but why is open": (
        TWO + FORBID,
        case((REGISTERED, False)),
        Replayed(False, None, (), LAST, (STATE,)),
    ),
    "one forbids, of the other it is open": (
        TWO + FORBID + 'forbid(p: Person, "open", _r, "second") if p.confirmed;',
        case((STATE, "closed")),
        Replayed(False, None, LAST, ("rules.polar:4",), (CONFIRMED,)),
    ),
    "one forbids, and it is open whether another does for the same reason": (
        TWO + FORBID + 'forbid(p: Person, "open", _r, "third") if p.confirmed;',
        case((STATE, "closed")),
        Replayed(False, ("third",), LAST, ("rules.polar:4",)),
    ),
    "a rule errs": (
        ERRING,
        case((NIL, True)),
        Replayed(False, ("policy-error",), LAST),
    ),
    "a rule errs, or permits": (
        ERRING,
        case((CONFIRMED, True)),
        Replayed(None, None, (), LAST, (NIL, f"{NIL[:-6]}.confirmed")),
    ),
    "of another version": (
        TWO,
        case(("person.sound", True), ("person.registered", "yes"), ("a.b = c", True)),
        Replayed(None, None, (), ("rules.polar:1", "rules.polar:2"), (CONFIRMED, REGISTERED)),
    ),
    "of a version to which it is impossible": (
        TWO,
        case((REGISTERED, False), (CONFIRMED, True)),
        Replayed(True, ("first",), ("rules.polar:1",)),
    ),
    "numbers between other numbers": (
        'permit(_p: Person, "open", r: Process, "first") if r.version <= 30;',
        case(("process.version <= 7", True)),
        Replayed(True, ("first",), ("rules.polar:1",)),
    ),
    "numbers on the other side": (
        'permit(_p: Person, "open", r: Process, "first") if r.version <= 30;',
        case(("process.version <= 7", False), ("process.version = 40", True)),
        Replayed(False, ("no-permit",)),
    ),
    "one text is no other": (
        'permit(_p: Person, "open", r: Process, "first") if r.code in ["P001", "P002"];',
        case(('process.code = "P003"', True)),
        Replayed(False, ("no-permit",)),
    ),
}


@pytest.mark.parametrize(("rules", "told", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_follows_from_evidence_is_told_and_no_more(
    rules: str, told: Case, expected: Replayed
) -> None:
    """Decision, reasons, rules, rules of which it is open, and what they also ask."""
    assert expected == policy(rules).replay(told)


def test_a_rule_that_was_not_explored_to_the_end_is_asked() -> None:
    """The way that the evidence tells of is gone, and found where it ends."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.code < "P050";\n'
        'permit(_p: Person, "open", r: Process, "second") if r.code > "P050";'
    )

    told = on.replay(case(('process.code < "P050"', True), ('process.code > "P050"', False)))
    half = on.replay(case(('process.code < "P050"', True)))

    assert Replayed(True, ("first",), ("rules.polar:1",)) == told
    assert (None, ("rules.polar:2",)) == (half.reasons, half.others)


def test_a_rule_that_gives_a_fact_as_its_reason_is_never_known() -> None:
    """It may speak in whatever case; that another one errs is enough for a denial."""
    gives = 'permit(_p: Person, "open", r: Process, why) if why = r.question.context.kind;\n'
    on = policy(gives)
    known = facts(asserting({"kind": "first"}))

    told = again(on, (OPEN, known), on)

    assert (Outcome.UNKNOWN, None) == (told.outcome, told.replayed.allowed)
    assert ("rules.polar:1",) == told.replayed.others


def test_why_two_values_could_not_be_compared_does_not_matter() -> None:
    """The record does not tell; the rule errs, whichever it was."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.question.context.amount < 10;'
    )

    for sent in (["9"], "9", None, 9, 11, True):
        assert Outcome.SAME is again(on, (OPEN, facts(asserting({"amount": sent}))), on).outcome


def test_what_a_caller_asserts_is_told_apart_from_what_is_not_nil() -> None:
    """A list is no nil, and cannot be compared with it."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.question.context.kind != nil;\n'
        'forbid(_p: Person, "open", r: Process, "second") if r.question.context.kind = true;'
    )

    for sent in (["9"], "9", None, 9, True, False):
        assert Outcome.SAME is again(on, (OPEN, facts(asserting({"kind": sent}))), on).outcome


def test_of_two_hidden_cpfs_it_cannot_be_told_which() -> None:
    """The record of a policy that names persons names none, so more than one is possible."""
    on = policy(
        'permit(p: Person, "open", _r: Process, "first") if p.cpf = "72268402517";\n'
        'permit(p: Person, "open", _r: Process, "second") if p.cpf = "18762794604";'
    )
    one = policy('permit(p: Person, "open", _r: Process, "first") if p.cpf = "72268402517";')

    assert Outcome.UNKNOWN is again(on, (OPEN, facts()), on).outcome
    assert Outcome.SAME is again(one, (OPEN, facts()), one).outcome
    assert Outcome.SAME is again(one, (OPEN, facts(replace(OPEN, actor=BIA))), one).outcome


def test_other_rules_are_a_difference_under_the_same_policy_alone() -> None:
    """A rule that is written elsewhere in another policy is still the same to who asked."""
    on = policy(TWO)
    moved = policy(f"\n\n{TWO}")
    record = line(on, (OPEN, facts()), on.evaluate(OPEN, facts()))

    assert (Outcome.SAME, ()) == (replay(record, moved).outcome, replay(record, moved).differing)
    told = replay({**record, "rules": ["rules.polar:1"]}, on)
    assert (Outcome.DIFFERS, ("rules",)) == (told.outcome, told.differing)
    told = replay({**record, "decision": False, "reasons": ["third"]}, moved)
    assert (Outcome.DIFFERS, ("decision", "reasons")) == (told.outcome, told.differing)


def test_another_decision_is_another_though_its_reasons_are_open() -> None:
    """That somebody permits is enough to know it."""
    on = policy(TWO)
    record = line(on, (OPEN, facts()), Decision(False, ("no-permit",)))
    record["evidence"] = [{"test": REGISTERED, "outcome": True}]

    told = replay(record, on)

    assert (Outcome.DIFFERS, ("decision", "rules")) == (told.outcome, told.differing)


WISHES: dict[str, tuple[Observation, Wish | None]] = {
    "a word": (Observation(STATE, "open"), (Read(STATE), "open")),
    "no word of today": (Observation(STATE, "boarded-up"), None),
    "a yes": (Observation(CONFIRMED, True), (Read(CONFIRMED), True)),
    "no yes or no": (Observation(CONFIRMED, "open"), None),
    "a text as a closed fact": (Observation("process.code", "P001"), None),
    "a member": (
        Observation("process.question.context.kind", OPAQUE),
        (Asks("process.question.context.kind"), OPAQUE),
    ),
    "a member's own word": (Observation("process.question.context.kind", "app"), None),
    "nil": (Observation(NIL, False), (IsNil("process.question.recipient"), False)),
    "a text": (
        Observation('process.code = "P = 1"', True),
        (Compares("Eq", "process.code", Constant("str", "P = 1")), True),
    ),
    "a text on the left": (
        Observation('"P <= 1" <= process.code', True),
        (Compares("Leq", Constant("str", "P <= 1"), "process.code"), True),
    ),
    "a number": (
        Observation("process.version > 3", False),
        (Compares("Gt", "process.version", Constant("int", 3)), False),
    ),
    "two facts": (
        Observation("person.cpf = process.question.recipient.cpf", True),
        (Compares("Eq", "person.cpf", "process.question.recipient.cpf"), True),
    ),
    "a hidden number": (Observation('person.cpf = "[cpf]"', True), None),
    "no outcome": (Observation("process.version > 3", None), None),
    "no comparison": (Observation("process.version is 3", True), None),
    "no value": (Observation("process.version = three", True), None),
    "no fact": (Observation("process.colour", "red"), None),
    "no entity": (Observation("colour.of", True), None),
    "no path": (Observation("colour", True), None),
    "a comparison with a word for an outcome": (Observation("process.version = 3", "yes"), None),
    "through a text": (Observation("process.code.length = 3", True), None),
    "no entity compared": (Observation("colour.of = 3", True), None),
}


@pytest.mark.parametrize(("told", "wish"), WISHES.values(), ids=WISHES.keys())
def test_what_was_told_is_read_back(told: Observation, wish: Wish | None) -> None:
    """What does not say it of a fact of today says nothing."""
    assert wish == wish_of(told)


def test_what_evidence_compares_with_tells_values_apart() -> None:
    """As the constants of rules do."""
    tests = ['process.code = "P001"', "3.5 < process.version", "person.confirmed", NIL]
    read = [wish for one in tests if (wish := wish_of(Observation(one, True))) is not None]
    both = wish_of(Observation("process.version = process.delegation.version", True))
    assert both is not None

    found = with_constants(Constants(frozenset({"a"}), frozenset({1.0})), read)

    assert Constants(frozenset({"a", "P001"}), frozenset({1.0, 3.5})) == found
    assert with_constants(Constants(), [both]).between
    assert with_constants(Constants(between=True), []).between


def test_what_was_seen_in_a_sign_in_is_evidence_as_well() -> None:
    """Through links that may be nil."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if\n'
        "    r.question.sign_in != nil and r.question.sign_in.minutes <= 30 and\n"
        "    r.question.sign_in.cnpj = r.company.cnpj;"
    )
    old = put(signed_in(), "resource.question.sign_in.minutes", 31)

    asked: Sequence[Situation] = [(OPEN, facts()), (OPEN, signed_in()), (OPEN, old)]

    assert [(Outcome.SAME, one) for one in (False, True, False)] == [
        (told.outcome, told.replayed.allowed) for told in each(on, asked)
    ]


def each(on: CompiledPolicy, asked: Sequence[Situation]) -> Iterator[Replay]:
    """Decide each of *asked* twice."""
    return (again(on, one, on) for one in asked)
