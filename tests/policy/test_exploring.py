"""Exploration leaves no way through a rule unknown, and never takes one that is not possible."""

from __future__ import annotations

import pytest

from authz_service.domain.decision import ACTIONS, OTHER_ACTION
from authz_service.domain.facts import LoginFacts, PersonFacts, ProcessFacts, ResourceFacts
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import LoadedRule
from authz_service.policy.diagrams.engine import Engine, Head
from authz_service.policy.diagrams.exploring import MAX_WAYS, Exploration, ExploredRule
from authz_service.policy.reading.constants import Constants
from tests.policy.compiled import CODES, policy

HEAD = (PersonFacts, "open", ProcessFacts)


def explored(rules: str) -> Exploration:
    """Explore *rules*."""
    return policy(rules).explore()


def of(exploration: Exploration, head: Head = HEAD) -> list[ExploredRule]:
    """Give the rules that questions of a head concern."""
    return [one for one in exploration.rules if one.head == head]


def said(rule: ExploredRule) -> list[tuple[str, ...]]:
    """Give what a rule answers along its ways, in order."""
    return sorted(
        (*leaf.answer.reasons, *filter(None, [leaf.answer.error])) for leaf in rule.leaves()
    )


def test_every_way_is_known() -> None:
    """One leaf for each combination that a rule can tell apart."""
    [rule] = of(
        explored(
            'permit(p: Person, "open", r: Process, "first") if p.confirmed and r.state = "open";'
        )
    )

    assert [(), (), (), ("first",)] == said(rule)
    assert rule.complete


def test_what_cannot_be_together_is_never_asked() -> None:
    """Who is not registered is not confirmed: the rule speaks nowhere."""
    [rule] = of(
        explored(
            'permit(p: Person, "open", _r: Process, "first") if p.confirmed and not p.registered;'
        )
    )

    assert [(), ()] == said(rule)
    assert rule.complete


def test_errors_are_ways_as_well() -> None:
    """A nil on the way is found without anybody who has it."""
    [rule] = of(
        explored('permit(_p: Person, "open", r: Process, "first") if r.company.standing.days <= 7;')
    )

    assert [(), ("comparison: nil has no order",), ("first",)] == said(rule)


def test_a_rule_is_explored_for_everybody_whom_it_concerns() -> None:
    """A head without a class is about all actors, one with a class about those alone."""
    rules = explored(
        'permit(_login: Login, "open", _r: Process, "first");\nforbid(_a, "open", _r, "second");'
    )

    assert [1, 2] == [
        len(of(rules, (one, "open", ProcessFacts))) for one in (PersonFacts, LoginFacts)
    ]


def test_actions_of_other_services_are_those_that_rules_speak_of() -> None:
    """Of their resources alone; where a rule sees the action, any text may be what it is compared
    with.
    """
    rules = explored(
        'permit(_s: Subject, "read", _r: Resource, "first");\n'
        'permit(_s: Subject, action, _r: Resource, "first") if action = "write";\n'
        'permit(_s: Subject, _action, r: Resource, "first") if r.id = "none of them";\n'
    )

    theirs = {head[1] for head in rules.heads() if head[2] is ResourceFacts}
    own = {head[1] for head in rules.heads() if head[2] is ProcessFacts}
    assert {"read", "write", "first", "none of them"} == theirs - own


def test_rules_about_processes_speak_of_no_action_of_another_service() -> None:
    """Whatever they compare the action with; and a rule about one action speaks of that alone."""
    rules = explored(
        'permit(_s: Subject, "read", _r: Resource, "first");\n'
        'permit(_p: Person, action, _r: Process, "second") if action = "open";'
    )

    theirs = {head[1] for head in rules.heads() if head[2] is ResourceFacts}
    assert {"read"} == theirs.difference(ACTIONS, [OTHER_ACTION])


def test_a_rule_that_does_not_see_the_action_is_asked_once() -> None:
    """Whatever the action, it is the same tree."""
    compiled = policy('forbid(_a, _action, r: Process, "first") if r.state = "closed";' + PERMIT)
    compiled.explore()
    trees = [
        rule.tree.diagram for rule in compiled.explore().rules if rule.tree.rule.kind == "forbid"
    ]

    assert 3 == len({id(tree) for tree in trees})
    assert 18 == len(trees)


PERMIT = '\npermit(_p: Person, "open", _r: Process, "second");'


def test_a_rule_with_too_many_ways_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is explored as far as the bound, and says that it is not complete."""
    # Of thousands of questions none may time out because the machine is busy; oso reads it each
    # time.
    monkeypatch.setenv("POLAR_TIMEOUT_MS", "30000")
    facts = (
        "company.standing.role",
        "company.bond.standing.role",
        "delegation.state",
        "delegation.backing.role",
        "delegation.matriz_backing.role",
    )
    both = " and ".join(f'(r.{name} = "none" or r.{name} != "none")' for name in facts)
    [rule] = of(explored(f'permit(_p: Person, "open", r: Process, "first") if {both};'))

    assert (MAX_WAYS, False) == (rule.tree.diagram.leaves, rule.complete)


@pytest.mark.parametrize("condition", ["h0(p) and h0(r)", 'r.state = "open" and h0(p)'])
def test_a_rule_that_takes_too_long_is_left_open(condition: str) -> None:
    """A time-out is no answer, and what is behind it is not known."""
    # Each helper asks the next one twice: 2 to the 30th ways, which no reader lets pass.
    helpers = "".join(f"h{n}(x) if h{n + 1}(x) and h{n + 1}(x);\nh{n}(_x);\n" for n in range(30))
    polar = GuardedPolar()
    rule = f'p_0001(p: Person, _a, r: Process, "first") if {condition};'
    polar.load([("a.polar", f"{rule}\n{helpers}h30(_x);")])
    loaded = LoadedRule(
        "p_0001", "permit", "a.polar:1", None, "open", PersonFacts, ProcessFacts, sees_action=False
    )
    exploration = Exploration(Engine(polar, [loaded], CODES), Constants())

    exploration.run()

    assert [False] == [rule.complete for rule in exploration.rules]


def test_an_order_of_texts_is_left_open_where_a_value_may_be_missing() -> None:
    """No code below the lowest of its form is known, and nobody claims that there is none."""
    [rule] = of(explored('permit(_p: Person, "open", r: Process, "first") if r.code < "A";'))

    assert not rule.complete


def test_two_facts_above_a_number_are_told_apart() -> None:
    """Where rules compare facts with each other, the highest constant is not the highest value."""
    delegated, now = "r.delegation.version", "r.version"
    [rule] = of(
        explored(
            'permit(_p: Person, "open", r: Process, "first") if '
            f"{delegated} != nil and {now} != nil and {delegated} > 3 and {now} > {delegated};"
        )
    )

    assert ("first",) in said(rule)
    assert rule.complete


STRANGE = {
    "an asserted yes beside nil": ("r.question.context.soft != nil and p.confirmed", ""),
    "who acts beside nil": ('none(p) and r.state = "open"', "none(one) if one = nil;"),
    "two entities": ("same(p, r.question.recipient)", "same(one, other) if one = other;"),
    "an entity and a text": ("same(p, r.code)", "same(one, other) if one = other;"),
    "a bag": ("same(p.cpf, r.question.context)", "same(one, other) if one = other;"),
    "a company": (
        "same(r.company, r.company.cnpj) and p.confirmed",
        "same(one, other) if one = other;",
    ),
}


@pytest.mark.parametrize(("condition", "helper"), STRANGE.values(), ids=STRANGE.keys())
def test_what_is_strange_is_explored_as_well(condition: str, helper: str) -> None:
    """Whatever passes the reader has an end, and every way in it is a possible one."""
    compiled = policy(f'permit(p: Person, "open", r: Process, "first") if {condition};\n{helper}')

    assert all(rule.complete for rule in compiled.explore().rules)


def test_progress_is_told_for_each_rule() -> None:
    """Somebody may be waiting at a terminal."""
    heard: list[tuple[int, int]] = []
    compiled: CompiledPolicy = policy(PERMIT)

    compiled.explore(lambda done, all_of_them: heard.append((done, all_of_them)))
    compiled.explore(lambda done, all_of_them: heard.append((done, all_of_them)))

    assert [(1, 1)] == heard


@pytest.mark.parametrize("rules", [PERMIT, 'permit(_p, "open", _r: Process, "first");'])
def test_a_rule_without_conditions_has_one_way(rules: str) -> None:
    """It speaks, whatever the facts."""
    assert [1] == [rule.tree.diagram.leaves for rule in of(explored(rules))]
