"""What oso has answered once, nobody asks it again; nothing else is ever taken for an answer."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from authz_service.domain.decision import POLICY_ERROR, Decision, Observation, Question
from authz_service.domain.facts import Facts, PersonFacts, ProcessFacts
from authz_service.policy.border.probes import OPAQUE, Asks, Outcome, Probe, Read
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import LoadedRule, RuleAnswer, Said
from authz_service.policy.diagrams.diagram import Diagram, Leaf, Node, Step, agreeing
from authz_service.policy.diagrams.engine import Engine
from tests.policy.compiled import CODES, policy
from tests.policy.facts import ANA, BIA, KNOWN, OPEN, asserting, facts

RULES = """
permit(p: Person, "open", r: Process, "first") if
    p.confirmed and r.company.standing.role in ["socio", "representante_legal"];
forbid(_p: Person, "open", r: Process, "second") if r.state = "closed";
"""
STATE = Read("process.state")


def ask(compiled: CompiledPolicy, about: Facts, question: Question = OPEN) -> Decision:
    """Ask about *facts*."""
    return compiled.evaluate(question, about)


def process(about: Facts) -> ProcessFacts:
    """Give the process that facts are about."""
    assert isinstance(about.resource, ProcessFacts)
    return about.resource


def in_state(state: str) -> Facts:
    """Give the facts of the usual question, about a process in *state*."""
    about = facts()
    return replace(about, resource=replace(process(about), state=state))


def step(probe: Read, outcome: str) -> Step:
    """Give a step of a way."""
    return Step(probe, outcome, Observation(probe.path, outcome))


def test_a_way_that_was_taken_never_enters_oso_again() -> None:
    """Another company, another person, another process: what is observed is the same."""
    compiled = policy(RULES)
    compiled.explore()
    first, runs = ask(compiled, facts()), compiled.runs
    other = facts()
    other = replace(other, resource=replace(process(other), id="p099", code="P099", version=7))

    second = ask(compiled, other)

    # Not only alike: nothing was put together anew.
    assert first is second
    assert 0 < runs == compiled.runs


def test_what_is_seen_anew_is_asked_of_the_rules_that_see_it_alone() -> None:
    """Of two rules, the one whose way is known is not asked."""
    compiled = policy(RULES)
    ask(compiled, facts())
    runs = compiled.runs

    decision = ask(compiled, in_state("closed"))

    assert ((False, ("second",)), runs + 1) == (
        (decision.allowed, decision.reasons),
        compiled.runs,
    )


def test_an_error_that_will_come_again_is_learned() -> None:
    """A rule that reads from nil errs for everybody who has nil there, without oso."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.question.recipient.confirmed;'
    )
    first, runs = ask(compiled, facts()), compiled.runs
    again = ask(compiled, facts(replace(OPEN, actor=BIA)))
    there = facts(replace(OPEN, recipient=BIA))

    allowed = ask(compiled, there)

    assert ((POLICY_ERROR,), first, 1) == (first.reasons, again, runs)
    assert allowed.allowed


def test_a_fact_out_of_its_bounds_teaches_nothing() -> None:
    """The rule errs, and answers the next question as if that one had never been."""
    compiled = policy(RULES)
    strange = ask(compiled, in_state("boarded-up"))

    usual = ask(compiled, facts())

    assert ((POLICY_ERROR,), ("first",)) == (strange.reasons, usual.reasons)
    assert (POLICY_ERROR,) == ask(compiled, in_state("boarded-up")).reasons


def test_one_is_not_true() -> None:
    """A number where a yes or no belongs is out of bounds, whether oso or a diagram is asked."""
    compiled = policy('permit(p: Person, "open", _r: Process, "first") if p.confirmed;')
    about = facts()
    number = replace(about, actor=PersonFacts(ANA.digits, registered=True, confirmed=1))  # type: ignore[arg-type]  # as it must not be

    answers = [ask(compiled, one).reasons for one in (about, number, about, number)]

    assert [("first",), (POLICY_ERROR,), ("first",), (POLICY_ERROR,)] == answers


def test_a_time_out_is_not_learned() -> None:
    """Whoever asks next may be luckier: the rule is asked again."""
    # Each helper asks the next one twice: 2 to the 30th ways, which no policy may have.
    helpers = "".join(f"h{n}(x) if h{n + 1}(x) and h{n + 1}(x);\nh{n}(_x);\n" for n in range(30))
    polar = GuardedPolar()
    polar.load([("a.polar", f'p_0001(p: Person, _a, _r, "first") if h0(p);\n{helpers}h30(_x);')])
    engine = Engine(polar, [LoadedRule("p_0001", "permit", "a.polar:1")], CODES)

    first = engine.evaluate(OPEN, facts())
    runs = engine.runs
    engine.evaluate(OPEN, facts())

    assert ((POLICY_ERROR,), 2) == (first.reasons, engine.runs)
    assert 1 == runs


def test_facts_of_another_form_are_asked_of_oso() -> None:
    """What is not as the vocabulary says is out of bounds, also where the way is known."""
    compiled = policy(RULES)
    usual = ask(compiled, facts())
    about = facts()
    nobody = replace(about, resource=replace(process(about), company=None))  # type: ignore[arg-type]  # as it must not be

    assert ((POLICY_ERROR,), usual) == (ask(compiled, nobody).reasons, ask(compiled, facts()))


def test_what_could_not_be_compared_is_evidence() -> None:
    """A list and a text are both no nil; that one could not be compared tells them apart."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.question.context.kind != nil;'
    )
    kind = "process.question.context.kind"

    evidence = [ask(compiled, facts(asserting({"kind": one}))).evidence for one in ("a", ["a"])]

    asserted, there = Observation(kind, "opaque"), Observation(f"{kind} = nil", False)
    incomparable = Observation(f"{kind} != nil", None)
    assert [(asserted, there), (asserted, incomparable)] == evidence


def test_what_a_caller_asserts_reads_as_a_rule_would_ask_for_it() -> None:
    """Whatever it is, if it is neither true, false nor nil."""
    path = "process.question.context.kind"

    told = Step(Asks(path), OPAQUE, Observation(path, OPAQUE))

    assert f"{path} != nil" == told.condition


def test_a_list_beside_nil_errs_whoever_asked_before() -> None:
    """What a caller asserts is not nil, and yet cannot be compared with it if it is a list."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.question.context.kind != nil;'
    )
    sent = ("a", ["a"], "a", {"a": 1}, None)

    answers = [ask(compiled, facts(asserting({"kind": one}))).reasons for one in sent]

    error = (POLICY_ERROR,)
    assert [("first",), error, ("first",), error, ("no-permit",)] == answers


def test_a_reason_out_of_a_fact_is_never_kept() -> None:
    """Another caller asserts another, and no text of one is ever shown to another."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, why) if why = r.question.context.kind;'
    )
    sent = ("first", "second", "52998224725", ["first"])

    decisions = [ask(compiled, facts(asserting({"kind": one}))) for one in sent]

    error = (POLICY_ERROR,)
    assert [("first",), ("second",), error, error] == [one.reasons for one in decisions]
    cause = "unknown-reason: gives as its reason a fact, which is not declared"
    assert [cause, cause] == [one.errors[0].cause for one in decisions[2:]]


ENTITIES = {
    "who acts": ("p = 1", "an entity is compared with nil only; compare what names it"),
    "a bag": ('r.question.context = "x"', "an entity is compared with nil only"),
    "constants": ('not nil = "x" and nil < 1', "nil has no order"),
}


@pytest.mark.parametrize(("condition", "cause"), ENTITIES.values(), ids=ENTITIES.keys())
def test_what_has_no_answer_has_none_the_second_time(condition: str, cause: str) -> None:
    """What no reader would let pass errs the same way from oso and from a diagram."""
    polar = GuardedPolar()
    head = 'p_0001(p: Person, _a, r: Process, "first")'
    polar.load([("a.polar", f"{head} if there(p, r) and {condition};\nthere(_p, _r);")])
    engine = Engine(polar, [LoadedRule("p_0001", "permit", "a.polar:1")], CODES)

    first, second = (engine.evaluate(OPEN, facts()) for _ in range(2))

    assert (first, 1) == (second, engine.runs)
    assert cause in first.errors[0].cause


@pytest.mark.parametrize("value", ["text", 7, 7.5, ["list"], {"a": 1}], ids=str)
def test_what_a_caller_sends_grows_nothing(value: object) -> None:
    """A thousand different values are one way, or as few as rules can tell apart."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.question.context.channel = "app";'
    )
    ask(compiled, facts(asserting({"channel": value})))
    runs = compiled.runs

    for number in range(1000):
        sent = f"text {number}" if isinstance(value, str) else value
        ask(compiled, facts(asserting({"channel": sent, f"other{number}": number})))

    assert runs == compiled.runs


def test_an_action_of_a_caller_grows_nothing() -> None:
    """Whatever it is called, what no rule speaks of is one action."""
    compiled = policy('permit(_p: Person, action, _r: Process, "first") if action = "open";')
    ask(compiled, facts(), replace(OPEN, action="dance"))
    runs = compiled.runs

    for number in range(100):
        ask(compiled, facts(), replace(OPEN, action=f"dance {number}"))

    assert runs == compiled.runs


def test_a_comparison_without_an_answer_is_kept_by_its_cause() -> None:
    """A text among numbers errs, a number is compared: each its own way, neither asked twice."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.question.context.amount < 10;'
    )
    sent = (9, 10, "9", None, ["9"], 9.5)

    first = [ask(compiled, facts(asserting({"amount": one}))).reasons for one in sent]
    runs = compiled.runs
    again = [ask(compiled, facts(asserting({"amount": one}))).reasons for one in sent]

    error = (POLICY_ERROR,)
    assert [("first",), ("no-permit",), error, error, error, ("first",)] == first
    assert (first, runs) == (again, compiled.runs)


def test_one_entity_by_two_paths_is_one() -> None:
    """The company's question is the process's, whichever way a rule gets there."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, "first") if '
        "same(r.question.recipient, r.company.question.recipient);\n"
        "same(one: Person, other: Person) if one.cpf = other.cpf;"
    )
    both = facts(replace(OPEN, recipient=BIA))

    assert [True, True] == [ask(compiled, both).allowed for _ in range(2)]


def test_a_full_diagram_goes_on_answering() -> None:
    """It learns no more, and knows what it knew."""
    diagram = Diagram[str](most=1)
    kept = diagram.learn([step(STATE, "open")], "yes")

    assert diagram.learn([step(STATE, "closed")], "no") is None
    assert kept is diagram.find(in_state("open"))
    assert diagram.find(in_state("closed")) is None


def test_an_answer_that_leads_elsewhere_is_not_hung_up() -> None:
    """What does not begin as the tree does was not oso's answer to the same rule."""
    diagram = Diagram[str]()
    diagram.learn([step(STATE, "open")], "yes")

    assert diagram.learn([step(Read("process.code"), "P001")], "other") is None
    assert diagram.learn([], "sooner") is None
    assert diagram.learn([step(STATE, "open"), step(STATE, "open")], "later") is None
    assert ["yes"] == [leaf.answer for leaf in diagram.every_leaf()]


def test_who_learns_second_gets_what_the_first_has_learned() -> None:
    """Two threads that ask at once keep one answer."""
    diagram = Diagram[str]()
    first = diagram.learn([step(STATE, "open")], "yes")

    assert first is diagram.learn([step(STATE, "open")], "yes")
    assert 1 == diagram.leaves


def test_what_was_seen_leaves_answers_possible() -> None:
    """An answer agrees with what was seen unless it was given on other grounds."""
    diagram = Diagram[str]()
    diagram.learn([step(STATE, "open")], "yes")
    diagram.learn([step(STATE, "closed")], "no")
    root = diagram.root
    assert isinstance(root, Node)

    seen: list[dict[Probe, Outcome]] = [
        {STATE: "open"},
        {STATE: "unknown"},
        {Read("process.code"): "P001"},
    ]
    assert [["yes"], [], ["no", "yes"]] == [
        sorted(leaf.answer for leaf in agreeing(root, one)) for one in seen
    ]
    assert list(Diagram[str]().every_leaf()) == []
    assert isinstance(root.behind("open"), Leaf)


def test_many_threads_learn_what_one_would() -> None:
    """Whoever is first: every answer is right, and each way is kept once."""
    compiled = policy(RULES)
    about = [in_state(state) for state in ("open", "closed", "unknown")]
    about += [facts(replace(OPEN, actor=BIA)), facts(known=replace(KNOWN, people=()))]
    expected = [ask(policy(RULES), one) for one in about]
    found: list[list[Decision]] = []

    def work() -> None:
        found.append([ask(compiled, one) for _ in range(50) for one in about])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [expected * 50] * 4 == found


def test_every_other_fact_may_differ_where_the_evidence_is_the_same() -> None:
    """The evidence of an explored policy leaves out what the answer does not depend on."""
    compiled = policy(
        'permit(p: Person, "open", r: Process, "first") if p.confirmed and r.state = "open";'
    )
    closed = in_state("closed")
    before = ask(compiled, closed)
    compiled.explore()

    decision = ask(compiled, closed)

    # Confirmed or not: a closed process is enough.
    assert (Observation("process.state", "closed"),) == decision.evidence
    assert 2 == len(before.evidence)


def test_where_not_every_way_is_known_all_that_was_looked_at_is_the_ground() -> None:
    """An answer that is kept nowhere, and one of which it is not known what else there is."""
    rule = LoadedRule("p_0001", "permit", "a.polar:1")
    said, steps = Said(frozenset(("first",))), (step(STATE, "open"),)
    diagram = Diagram[Said]()
    leaf = diagram.learn(steps, said)
    unknown, known = Diagram[Said](), diagram
    known.complete = unknown.complete = True

    answers = [
        RuleAnswer(rule, said, steps),
        RuleAnswer(rule, said, steps, None, known),
        RuleAnswer(rule, said, steps, leaf, None),
        RuleAnswer(rule, said, steps, leaf, unknown),
    ]

    assert [steps] * 4 == [one.same() for one in answers]
    # There is no other way, so whatever was looked at, it is the answer.
    assert () == RuleAnswer(rule, said, steps, leaf, known).same()


def test_what_is_not_possible_teaches_an_explored_policy_nothing() -> None:
    """Whoever asks about facts that nobody has, as a search may, spoils no ground of others."""
    compiled = policy(
        'permit(_p: Person, "open", r: Process, "first") if '
        'r.company.standing.role = "socio" and r.company.standing.days <= 7;'
    )
    compiled.explore()
    about = facts(replace(OPEN, actor=BIA))
    before = ask(compiled, about)
    company = process(about).company
    strange = replace(company, standing=replace(company.standing, role="socio"))
    for _again in range(2):
        asked = ask(compiled, replace(about, resource=replace(process(about), company=strange)))
        assert (POLICY_ERROR,) == asked.reasons

    assert [0] == [
        sum(leaf.answer.error is not None for leaf in rule.leaves())
        for rule in compiled.explore().rules
    ]
    assert before == ask(compiled, about)


CONDITIONS: dict[str, tuple[Observation, str | None]] = {
    "a word": (Observation("process.state", "open"), 'process.state = "open"'),
    "a flag": (Observation("person.confirmed", outcome=True), "person.confirmed"),
    "its opposite": (Observation("person.confirmed", outcome=False), "not person.confirmed"),
    "a comparison": (Observation("process.version = 3", outcome=True), "process.version = 3"),
    "its denial": (Observation("process.version = 3", outcome=False), "process.version != 3"),
    "an order": (Observation("process.version < 3", outcome=False), "not process.version < 3"),
    "what had no answer": (Observation("process.version < 3", outcome=None), None),
}


@pytest.mark.parametrize(("told", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_what_was_seen_reads_as_a_rule_asks_for_it(told: Observation, expected: str | None) -> None:
    """Who reads of it can write it into a rule."""
    assert expected == Step(STATE, "open", told).condition


@pytest.mark.parametrize("actor", [ANA, BIA], ids=["ana", "bia"])
def test_an_explored_policy_asks_oso_no_more(actor: object) -> None:
    """Whatever is asked afterwards, a diagram knows."""
    compiled = policy(RULES)
    compiled.explore()
    runs = compiled.runs

    for state in ("open", "closed", "unknown"):
        about = in_state(state)
        ask(compiled, about, replace(OPEN, actor=actor))  # type: ignore[arg-type]  # both are persons
        ask(compiled, replace(about, actor=facts(replace(OPEN, actor=BIA)).actor))

    assert runs == compiled.runs
