"""Decision tables say what the policy does: nothing else, all of it, and in few words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from authz_service.domain.decision import (
    ACTIONS,
    BUILT_IN_REASONS,
    OTHER_ACTION,
    ProcessAsked,
    Question,
)
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
from authz_service.policy.border.probes import paths_of
from authz_service.policy.bundle import collect, digest_of, examined, policy_of
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.engine import Head
from authz_service.policy.diagrams.exploring import Exploration
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.showing.decision_tables import Answer, DecisionTable, columns, tables_of
from tests.policy.compiled import CODES, policy
from tests.policy.differential.facts import draw_facts
from tests.policy.differential.policies import draw_policy
from tests.policy.facts import OPEN
from tests.policy.reading_tables import read, read_of, table_for

POLICIES = Path(__file__).parents[2] / "policies"
ALL_CODES = (*BUILT_IN_REASONS, *CODES)
PERSON_ON_PROCESS = (PersonFacts, ProcessFacts)


@cache
def shipped() -> tuple[CompiledPolicy, tuple[str, ...]]:
    """Give the policy that comes with the service, and its reasons in their order."""
    sources = collect(POLICIES)
    found = examined(sources)
    return policy_of(found, digest_of(sources)), tuple(found.reasons)


def shown(rules: str) -> tuple[DecisionTable, ...]:
    """Give the tables of *rules*."""
    return tables_of(policy(rules).explore().rules, ALL_CODES)


def the_one(rules: str) -> DecisionTable:
    """Give the table of *rules* for a person who opens a process."""
    table = table_for(shown(rules), "open", PERSON_ON_PROCESS)
    assert table is not None
    return table


def conditions(table: DecisionTable) -> list[dict[str, list[object]]]:
    """Give the conditions of each row: what a path or comparison may be."""
    return [
        {
            getattr(one.probe, "path", str(one.probe)): sorted(one.outcomes, key=repr)
            for one in row.conditions
        }
        for row in table.rows
    ]


def situations(exploration: Exploration, random: Random) -> Iterator[tuple[Head, Facts]]:
    """Give a situation for every way through every rule, and for pairs of ways of two rules."""
    for head in exploration.heads():
        finder = exploration.situations(head)
        ways = [
            # Two fixed values are compared in every situation alike.
            [(step.probe, step.outcome) for step in leaf.steps if paths_of(step.probe)]
            for rule in exploration.rules
            if rule.head == head
            for leaf in rule.leaves()
        ]
        mixed = [random.choice(ways) + random.choice(ways) for _ in ways]
        for wishes in [[], *ways, *mixed]:
            values = finder.find(wishes)
            if values is not None:
                yield head, finder.facts(values)


def asked(action: str) -> Question:
    """Give a question; what it is about is in its facts."""
    assert isinstance(OPEN.resource, ProcessAsked)
    return Question(OPEN.actor, action, OPEN.resource)


def drawing(seed: int) -> Random:
    """Give what draws the same again."""
    return Random(seed)  # noqa: S311 - it has to repeat itself, not to keep a secret


def agreeing(compiled: CompiledPolicy, codes: tuple[str, ...], seed: int) -> int:
    """Hold a policy's tables to its decisions, and give how many there were."""
    exploration, random = compiled.explore(), drawing(seed)
    tables = tables_of(exploration.rules, codes)
    compared = 0
    for (actor, action, resource), facts in situations(exploration, random):
        table = table_for(tables, action, (actor, resource))
        if table is not None and table.unexplored:
            continue
        decision = compiled.evaluate(asked(action), facts)
        assert read_of(decision) == read(table, facts, codes), (action, facts, decision)
        compared += 1
    for _ in range(200):
        facts = draw_facts(random)
        action = random.choice((*ACTIONS, "approve"))
        table = table_for(tables, action, (type(facts.actor), type(facts.resource)))
        if broken(facts) or (table is not None and table.unexplored):
            continue
        decision = compiled.evaluate(asked(action), facts)
        assert read_of(decision) == read(table, facts, codes), (action, facts, decision)
        compared += 1
    return compared


@pytest.mark.uncovered
def test_the_tables_of_the_shipped_policy_say_what_it_does() -> None:
    """Over every way through every rule, and mixtures, a reader finds the answer that is given."""
    compiled, codes = shipped()

    assert agreeing(compiled, codes, seed=1) > 1_000


@pytest.mark.uncovered
@pytest.mark.soak
def test_the_tables_of_any_policy_say_what_it_does(request: pytest.FixtureRequest) -> None:
    """Policies drawn at random, rules that err among them, and their tables agree everywhere."""
    compared = policies = 0
    for seed in range(400 if request.config.getoption("--soak") else 20):
        try:
            compiled = policy(draw_policy(drawing(seed)).as_written)
        except PolicyInvalid:
            continue
        policies += 1
        compared += agreeing(compiled, ALL_CODES, seed)

    assert policies > 10
    assert compared > 1_000


def test_forty_ways_are_two_rows() -> None:
    """A rule with two alternatives has a row for each, with what matters in it."""
    compiled, codes = shipped()
    table = table_for(tables_of(compiled.explore().rules, codes), "open", PERSON_ON_PROCESS)

    assert table is not None
    rows = [row for row in table.rows if row.reasons == ("delegated",)]
    assert [5, 6] == sorted(len(row.conditions) for row in rows)


def test_words_that_lead_to_the_same_are_one_cell() -> None:
    """A row takes all words that a rule treats alike."""
    table = the_one(
        'permit(_p: Person, "open", r: Process, "first") if r.state in ["open", "closed"];'
    )

    assert [{"process.state": ["closed", "open"]}] == conditions(table)


def test_what_no_answer_depends_on_is_left_out() -> None:
    """A condition that is looked at in vain has no column."""
    table = the_one(
        'permit(p: Person, "open", r: Process, "first") if\n'
        '    r.state = "open" and (p.confirmed or not p.confirmed);'
    )

    assert [{"process.state": ["open"]}] == conditions(table)


def test_a_row_that_others_make_superfluous_is_left_out() -> None:
    """Where two rows cover every way of a third, there is no third."""
    bond, standing = "r.company.bond.in_force", "r.company.standing.in_force"
    backing = "r.delegation.backing.in_force"
    table = the_one(
        'permit(_p: Person, "open", r: Process, "first") if\n'
        f"    ({bond} or not {bond}) and ({standing} or not {standing}) and\n"
        f"    (({backing} and {bond}) or (not {backing} and {standing}));"
    )

    backed = "process.delegation.backing.in_force"
    assert [
        {"process.company.bond.in_force": [True], backed: [True]},
        {"process.company.standing.in_force": [True], backed: [False]},
    ] == conditions(table)


def test_that_there_is_something_goes_without_saying() -> None:
    """Who asks what the recipient is need not ask whether there is one."""
    table = the_one(
        'permit(_p: Person, "open", r: Process, "first") if\n'
        "    r.question.recipient != nil and r.question.recipient.registered;"
    )

    assert [{"process.question.recipient.registered": [True]}] == conditions(table)


def test_that_there_is_something_is_said_where_it_matters() -> None:
    """Whether there is a recipient can be all that a rule asks."""
    table = the_one(
        'permit(_p: Person, "open", r: Process, "first") if r.question.recipient != nil;'
    )

    assert [{"process.question.recipient": [False]}] == conditions(table)


def test_ways_that_err_are_rows() -> None:
    """A nil on the way is an error, which stands before all else and says why."""
    table = the_one(
        'permit(_p: Person, "open", r: Process, "first") if r.company.standing.days <= 7;'
    )

    assert [Answer.ERROR, Answer.ALLOWED] == [row.answer for row in table.rows]
    assert [("comparison: nil has no order",), ()] == [row.errors for row in table.rows]


def test_a_rule_that_cannot_be_meant_errs_always() -> None:
    """Its row has no condition."""
    table = the_one('permit(p: Person, "open", _r: Process, "first") if p.registred;')

    assert [(Answer.ERROR, ())] == [(row.answer, row.conditions) for row in table.rows]


def test_what_denies_stands_first_and_reasons_in_their_order() -> None:
    """Rows follow the order in which answers count, whatever the order of the rules."""
    table = the_one(
        'permit(_p: Person, "open", _r: Process, "first");\n'
        'forbid(_p: Person, "open", _r: Process, "third");\n'
        'forbid(_p: Person, "open", _r: Process, "second");'
    )

    assert [("second",), ("third",), ("first",)] == [row.reasons for row in table.rows]
    assert [["second", "third"], ["first"]] == [
        [code for row in rows for code in row.reasons] for rows in table.blocks()
    ]


def test_several_reasons_stand_in_one_row() -> None:
    """A rule that gives two reasons at once has one row with both, in their order."""
    table = the_one('permit(_p: Person, "open", _r: Process, why) if why in ["second", "first"];')

    assert [("first", "second")] == [row.reasons for row in table.rows]


@pytest.mark.uncovered
def test_a_rule_with_too_many_ways_is_named() -> None:
    """A table that cannot hold a rule says so, and counts as one that may allow."""
    facts = (
        "company.standing.role",
        "company.bond.standing.role",
        "delegation.state",
        "delegation.backing.role",
        "delegation.matriz_backing.role",
    )
    both = " and ".join(f'(r.{name} = "none" or r.{name} != "none")' for name in facts)
    table = the_one(f'permit(_p: Person, "open", r: Process, "first") if {both};')

    assert ("rules.polar:1",) == table.unexplored
    assert () == table.rows
    assert table.allows


def test_what_is_the_same_is_one_table() -> None:
    """A rule for everybody, and for every action, is shown once."""
    tables = shown(
        'forbid(_a, _action, _r: Process, "first");\nforbid(_a, _action, _c: Company, "first");\n'
        'permit(_s: Subject, "open", _r: Resource, "first");'
    )
    [process, company] = [one for one in tables if not one.allows]

    assert (*ACTIONS, OTHER_ACTION) == process.actions == company.actions
    actors = (PersonFacts, LoginFacts, SubjectFacts)
    assert tuple((actor, ProcessFacts) for actor in actors) == process.kinds
    assert tuple((actor, CompanyFacts) for actor in actors) == company.kinds


def test_an_action_of_another_service_is_told_if_it_is_special() -> None:
    """One that is like any other is not named; one that alone is denied is."""
    rules = 'permit(_s: Subject, action, _r: Resource, "first") if action != "write";'
    kinds = (SubjectFacts, ResourceFacts)
    tables = [one for one in shown(rules) if kinds in one.kinds]

    assert [(*ACTIONS, OTHER_ACTION), ("write",)] == [one.actions for one in tables]
    assert [True, False] == [one.allows for one in tables]
    assert () == tables[1].rows


def test_a_rule_that_never_speaks_has_no_table() -> None:
    """What it is about is denied, as is all that no rule is about."""
    rules = 'permit(p: Person, "open", _r: Process, "first") if p.confirmed and not p.registered;'

    assert () == shown(rules)


def test_tables_come_in_the_same_order_always() -> None:
    """Two explorations of the same rules give equal tables, so that pages can be compared."""
    text = (POLICIES / "standing.polar").read_text() + (POLICIES / "opening.polar").read_text()
    codes = ("represents", "delegated")
    first, second = (
        tables_of(policy(text, codes).explore().rules, (*BUILT_IN_REASONS, *codes))
        for _ in range(2)
    )

    assert first == second


def test_columns_stand_as_the_vocabulary_has_them() -> None:
    """Facts of one thing stand together, comparisons of two facts last, and each once."""
    found = columns(
        row
        for row in the_one(
            'permit(p: Person, "open", r: Process, "first") if\n'
            "    r.version = r.delegation.version and r.company.standing.in_force and\n"
            '    r.question.context.soft = "x" and r.company.question.context.hard = "x" and\n'
            '    r.state = "open" and p.confirmed and r.company.standing.role = "socio";'
        ).rows
    )

    paths = [one.paths for one in found]
    assert [
        ("person.confirmed",),
        ("process.state",),
        ("process.company.standing.role",),
        ("process.company.standing.in_force",),
        ("process.question.context.hard",),
        ("process.question.context.soft",),
        ("process.delegation.version", "process.version"),
    ] == paths
    assert all(first != second for first, second in pairwise(paths))
