"""Three classes act and three are acted on: no rule of one speaks of another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.domain.decision import (
    ACTIONS,
    Actor,
    CompanyAsked,
    Decision,
    ProcessAsked,
    Question,
    Resource,
)
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Login
from authz_service.domain.processes import ProcessName
from authz_service.policy.border.host import GuardedHost, Refused
from authz_service.policy.border.runner import GuardedPolar
from tests.policy.compiled import policy
from tests.policy.facts import (
    ACME,
    ALICE,
    ANA,
    FOREIGN,
    FROM_ABROAD,
    GMBH,
    KNOWN,
    OPEN,
    READ_RECORD,
    RECORD,
    WEBER,
    facts,
)

ACTORS: Mapping[str, Actor] = {"Person": ANA, "Login": WEBER, "Subject": ALICE}
RESOURCES: Mapping[str, Resource] = {
    "Process": ProcessAsked(ProcessName("P001"), ACME),
    "Company": CompanyAsked(ACME),
    "Resource": RECORD,
}
PAIRS = [*product(ACTORS, RESOURCES)]


def described(thing: Thing, **properties: object) -> Thing:
    """Give a thing of which *properties* are known."""
    return replace(thing, properties=properties)


def ask(text: str, question: Question, known: Facts | None = None) -> Decision:
    """Ask a policy whose first rule permits nothing that is asked here."""
    never = 'permit(_p: Person, "renounce", _c: Company, "third");'
    return policy(f"{never}\n{text}").evaluate(question, known or facts(question))


@pytest.mark.parametrize(("actor", "resource"), PAIRS)
@pytest.mark.parametrize("kind", ["permit", "forbid"])
def test_a_rule_speaks_of_the_classes_in_its_head_and_of_no_others(
    kind: str, actor: str, resource: str
) -> None:
    """Of nine kinds of question a rule with both classes answers one, and never errs."""
    compiled = policy(
        f'permit(_p, "open", _r, "first");\n{kind}(_p: {actor}, "open", _r: {resource}, "second");'
    )

    spoke = set()
    for one, other in PAIRS:
        question = Question(ACTORS[one], "open", RESOURCES[other])
        decision = compiled.evaluate(question, facts(question))
        assert () == decision.errors
        if "second" in decision.reasons:
            spoke.add((one, other))

    assert {(actor, resource)} == spoke


@pytest.mark.parametrize("actor", ACTORS)
def test_a_helper_hears_of_actors_of_its_class_only(actor: str) -> None:
    """What selects in a head of a permit selects in a helper as well."""
    text = (
        f'permit(p, "open", _r: Process, "first") if mine(p);\nmine(_x: {actor});\n'
        'permit(p, "open", _r: Process, "second") if anybody(p);\nanybody(_x);'
    )

    for name, one in ACTORS.items():
        question = replace(OPEN, actor=one)
        decision = ask(text, question)
        expected = ("first", "second") if name == actor else ("second",)
        assert (expected, ()) == (decision.reasons, decision.errors)


def test_a_rule_without_classes_speaks_of_everything() -> None:
    """Who leaves both classes out means everybody and everything."""
    for one, other in PAIRS:
        question = Question(ACTORS[one], "open", RESOURCES[other])
        assert ("second",) == ask('forbid(_p, _a, _r, "second");', question).reasons


def test_columns_stay_with_a_class_that_oso_keeps_for_itself() -> None:
    """`Resource` has another name in oso, and neither places nor messages show it."""
    text = (
        'permit(_s: Subject, "read", r: Resource, "first") if r.id;\n'
        "forbid(_s: Subject, _a, r: Resource, reason) if "
        "mine(r.properties.absent) and reason = reason;\nmine(_r: Resource);"
    )

    errors = ask(text, READ_RECORD).errors

    assert ["rules.polar:2", "rules.polar:3"] == [one.rule for one in errors]
    assert "`resource.id` isn't something that is true or false" in errors[0].cause
    assert "class: asks whether nil is a Resource" == errors[1].cause


BARRED = 'permit(_s, a, _r: Resource, "first") if not a in ["read", "list all"];'
NAMES = 'a in ["read", "list all"]'
ACTION_RULES = {
    "in a head": ('permit(_s, "list all", _r: Resource, "first");', "list all", True),
    "in another head": ('permit(_s, "read", _r: Resource, "first");', "list all", False),
    "in a comparison": ('permit(_s, a, _r: Resource, "first") if a = "read";', "read", True),
    "in a list": (f'permit(_s, a, _r: Resource, "first") if {NAMES};', "list all", True),
    "not in a list": (f'permit(_s, a, _r: Resource, "first") if {NAMES};', "write", False),
    "under not": (BARRED, "write", True),
    "under not, and meant": (BARRED, "read", False),
    "in a helper": (
        'permit(_s, a, _r: Resource, "first") if same(a, "read");\nsame(x, y) if x = y;',
        "read",
        True,
    ),
    "in the head of a helper": (
        'permit(_s, a, _r: Resource, "first") if mild(a);\nmild("list all");\nmild("read");',
        "list all",
        True,
    ),
    "an action of this house": (
        'permit(_s, a, _r: Resource, "first") if a = "open";',
        "open",
        True,
    ),
    "another in capitals": ('permit(_s, "read", _r: Resource, "first");', "Read", False),
    "whatever no rule names": ('permit(_s, "other", _r: Resource, "first");', "write", True),
    "what is called so": ('permit(_s, "other", _r: Resource, "first");', "other", True),
    "a fact of the same name": (
        'permit(_s, a, r: Resource, "first") if a = r.type;',
        "record",
        False,
    ),
}


@pytest.mark.parametrize(("text", "action", "allowed"), ACTION_RULES.values(), ids=ACTION_RULES)
def test_an_action_that_a_rule_names_is_itself(text: str, action: str, allowed: bool) -> None:
    """What the rules hold as a text reaches them, wherever it stands; all else is another."""
    decision = ask(text, replace(READ_RECORD, action=action))

    assert (allowed, ()) == (decision.allowed, decision.errors)


@pytest.mark.parametrize("action", ["write", "", "x" * 5000, "\ud800", "a\x00b", "__class__"])
def test_an_action_of_the_callers_invention_stands_nowhere(action: str) -> None:
    """Evidence and errors hold `other` for an action that no rule names."""
    text = 'permit(_s, a, r: Resource, "first") if a = r.type or a = r.properties.x or a < r.id;'

    decision = ask(text, replace(READ_RECORD, action=action))

    assert {'resource.type = "other"', 'resource.properties.x = "other"'} <= {
        one.test for one in decision.evidence
    }
    assert not action or action not in repr((decision.evidence, decision.errors))


@pytest.mark.parametrize("action", [*ACTIONS, "read", "other"])
def test_what_polar_may_see_of_an_action(action: str) -> None:
    """The house's actions always, the texts of the rules with them, and one name for the rest."""
    polar = GuardedPolar({"read"})

    assert action == polar.action(action)
    assert "other" == polar.action(f"{action} ")


def test_paths_begin_with_the_class() -> None:
    """Evidence says whose fact was read: a login's, a subject's, a resource's."""
    text = (
        'permit(l: Login, "open", r: Process, "first") if l.login != nil and r.id != nil;\n'
        'permit(s: Subject, "read", r: Resource, "first") if s.type = "user" and '
        's.properties.active and r.type = "record" and r.question.context.soft = nil;'
    )
    subject = described(ALICE, active=True)

    abroad = ask(text, FROM_ABROAD, facts(FROM_ABROAD, FOREIGN))
    theirs = ask(text, replace(READ_RECORD, actor=subject))

    assert ["login.login = nil", "process.id = nil"] == [one.test for one in abroad.evidence]
    assert {
        'subject.type = "user"': True,
        "subject.properties.active": True,
        'resource.type = "record"': True,
        "resource.question.context.soft = nil": True,
    } == {one.test: one.outcome for one in theirs.evidence}


HIDDEN = {
    "a login": ('l.login = "weber"', 'login.login = "[login]"', True),
    "another login": ('l.login in ["dupont"]', 'login.login = "[login]"', False),
    "a login in an order": ('"a" < l.login', '"[login]" < login.login', True),
    "a login in a helper": ('same(l.login, "weber")', 'login.login = "[login]"', True),
    "a login in the head of a helper": ("named(l.login)", 'login.login = "[login]"', True),
    "a login and nil": ("l.login = nil", "login.login = nil", False),
    "a login and a fact": ("l.login = r.id", "login.login = process.id", False),
    "no login": ('r.id = "p001"', 'process.id = "p001"', True),
}


@pytest.mark.parametrize(("body", "test", "outcome"), HIDDEN.values(), ids=HIDDEN)
def test_evidence_names_no_login(body: str, test: str, outcome: bool) -> None:
    """Not even one that a rule holds: the outcome would tell whose question it was."""
    text = (
        f'permit(l: Login, "open", r: Process, "first") if {body} and any(l, r);\n'
        'any(_l, _r);\nsame(x, y) if x = y;\nnamed("weber");'
    )

    decision = ask(text, FROM_ABROAD, facts(FROM_ABROAD, FOREIGN))

    assert () == decision.errors
    assert [(test, outcome)] == [(one.test, one.outcome) for one in decision.evidence]


def test_evidence_names_no_subject() -> None:
    """The id of a subject may be a person's, so constants beside it are hidden; a resource's no."""
    text = (
        'permit(s: Subject, "read", r: Resource, "first") if '
        's.id = "alice" and r.id = "record-1" and s.id != r.id;'
    )

    evidence = ask(text, READ_RECORD).evidence

    assert {
        'subject.id = "[id]"': True,
        'resource.id = "record-1"': True,
        "resource.id = subject.id": False,
    } == {one.test: one.outcome for one in evidence}


BYTE_FOR_BYTE = {
    "itself": ("alice", True),
    "another case": ("Alice", False),
    "a space": ("alice ", False),
    "an accent": ("alice\u0301", False),
    "somebody else's letters": ("аlice", False),
    "a byte that ends a C text": ("alice\x00", False),
}


@pytest.mark.parametrize(("given_id", "same"), BYTE_FOR_BYTE.values(), ids=BYTE_FOR_BYTE)
def test_ids_are_compared_byte_for_byte(given_id: str, same: bool) -> None:
    """What looks alike is not the same, for a constant of the rule as for another id."""
    text = (
        'permit(s: Subject, "read", _r: Resource, "first") if s.id = "alice";\n'
        'permit(s: Subject, "read", r: Resource, "second") if s.id = r.properties.owner;'
    )
    question = Question(
        Thing(EntityName("user", given_id)), "read", described(RECORD, owner="alice")
    )

    assert (("first", "second") if same else ("no-permit",)) == ask(text, question).reasons


def test_the_same_id_of_another_type_is_another() -> None:
    """A rule that asks the type as well does not take a robot for the user of the same id."""
    text = (
        'permit(s: Subject, "read", _r: Resource, "first") if s.type = "user" and s.id = "alice";'
    )
    robot = replace(READ_RECORD, actor=Thing(EntityName("robot", "alice")))

    assert ask(text, READ_RECORD).allowed
    assert not ask(text, robot).allowed


def test_a_request_describes_a_subject_and_never_a_person() -> None:
    """What a question says of others' entities counts; of persons and logins it says nothing."""
    text = (
        'permit(s: Subject, "open", _r: Process, "first") if s.properties.role = "admin";\n'
        'permit(p: Person, "open", _r: Process, "second") if p.registered;\n'
        'permit(l: Login, "open", _r: Process, "third") if l.login = "admin";'
    )
    admin = described(ALICE, role="admin", registered=True, login="admin")

    assert ("first",) == ask(text, replace(OPEN, actor=admin)).reasons
    assert ("no-permit",) == ask(text, replace(OPEN, actor=ALICE)).reasons
    asserted = {"role": "admin", "registered": True, "login": "admin"}
    for actor in (ANA, WEBER):
        question = replace(OPEN, actor=actor, context=asserted, properties=asserted)
        unknown = facts(question, replace(KNOWN, people=()))
        assert ("no-permit",) == ask(text, question, unknown).reasons


def nested(depth: int) -> object:
    """Give a list in a list, and so on."""
    value: object = "x"
    for _level in range(depth):
        value = [value]
    return value


SOFT: dict[str, tuple[object, bool, bool]] = {
    "true": (True, True, False),
    "false": (False, False, False),
    "the text": ("true", False, False),
    "one": (1, False, False),
    "not a number": (math.nan, False, False),
    "without end": (math.inf, False, False),
    "nil": (None, False, False),
    "huge": ("x" * 1_000_000, False, False),
    "a huge number": (10**4000, False, False),
    "half a character": ("\ud800", False, False),
    "a list": ([True], False, True),
    "an object": ({"soft": True}, False, True),
    "nested deeply": (nested(10_000), False, True),
}


@pytest.mark.parametrize(("value", "allowed", "erred"), SOFT.values(), ids=SOFT)
def test_true_is_true_and_nothing_else(value: object, allowed: bool, erred: bool) -> None:
    """A property that looks like true is not, and what is no value at all is an error."""
    rules = (
        'permit(_s: Subject, "read", r: Resource, "first") if r.properties.soft = true;',
        'permit(s: Subject, "read", _r: Resource, "first") if s.properties.soft = true;',
        'permit(_s, "read", r: Resource, "first") if r.question.properties.soft = true;',
    )
    question = Question(
        described(ALICE, soft=value),
        "read",
        described(RECORD, soft=value),
        properties={"soft": value},
    )

    for rule in rules:
        decision = ask(rule, question)
        assert (allowed, erred) == (decision.allowed, bool(decision.errors))


UNDERSCORED = ("__class__", "__dict__", "__init__", "_x")


@pytest.mark.parametrize("name", UNDERSCORED)
def test_a_property_with_a_name_of_python_is_a_property(name: str) -> None:
    """A bag gives what was sent under a name, and nil for what Python has under it."""
    sent = described(ALICE, **{name: "admin"})

    for actor, expected in ((sent, ["yes"]), (ALICE, [])):
        question = replace(READ_RECORD, actor=actor)
        polar = GuardedPolar()
        rule = f'rule(s, a, r, "yes") if s.properties.{name} = "admin" and all(s, a, r);'
        polar.load([("a.polar", f"{rule}all(_a, _b, _c);")])
        assert expected == polar.run("rule", facts(question), "read", polar.fresh_host())


@pytest.mark.parametrize(
    ("check", "body"),
    [
        ("unknown-fact", "s.__class__ != nil"),
        ("unknown-fact", "s.name != nil"),
        ("unknown-fact", "r.company != nil"),
        ("unknown-fact", "r.__slots__ != nil"),
        ("method", "s.properties()"),
        ("method", 's.properties.get("role") = 1'),
        ("method", "r.id.upper() = 1"),
        ("opaque-receiver", "r.id.real != nil"),
        ("opaque-receiver", "r.properties.list.append != nil"),
        ("nil-receiver", "r.properties.absent.more = 1"),
        ("iteration", "x in r.properties.list and x = 1"),
        ("iteration", "x in s.properties and x = 1"),
        ("structure", "r.properties.list = [1]"),
        ("comparison", "s = r"),
        ("comparison", "r.properties.list = r.properties.list"),
        ("comparison", "r.properties.size < s.id"),
        ("new", "x = new Subject() and x != nil"),
        ("print", "print(s.id)"),
    ],
)
def test_a_hostile_rule_about_others_entities_is_stopped(check: str, body: str) -> None:
    """Subjects and resources are guarded as persons and processes are, under `not` as well."""
    question = replace(
        READ_RECORD, resource=described(RECORD, size=3, list=[1]), actor=described(ALICE, role=1)
    )
    for form in ("{}", "not ({})"):
        polar = GuardedPolar()
        rule = f'rule(s, a, r, "yes") if {form.format(body)} and all(s, a, r);'
        polar.load([("hostile.polar", f"{rule}all(_a, _b, _c);")])

        with pytest.raises(Refused) as caught:
            polar.run("rule", facts(question), "read", polar.fresh_host())

        assert check == caught.value.check


def test_only_declared_classes_cross() -> None:
    """What is no facts of the vocabulary has no name there, and does not get in."""
    host = GuardedPolar().fresh_host()
    assert isinstance(host, GuardedHost)

    with pytest.raises(Refused) as caught:
        host.to_polar(ALICE)

    assert "crossing" == caught.value.check


MARK = "ZQX"
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text().map(lambda one: f"{MARK}{one}"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)
bags = st.dictionaries(
    st.one_of(st.sampled_from(["role", "status", "soft", "owner"]), st.text()), json_values
)
names = st.text(min_size=1, max_size=20).map(lambda one: f"{MARK}{one}")
PROPERTY_RULES = policy("""
permit(s: Subject, "read", r: Resource, "first") if
    s.properties.role = "admin" and r.properties.status != "closed";
permit(s: Subject, a, r: Resource, "second") if
    s.id = r.properties.owner and not r.properties.soft = true and a != r.question.properties.role;
forbid(s: Subject, _a, r: Resource, "third") if
    s.type = r.properties.status or r.id < s.properties.owner or r.question.context.soft;
forbid(l: Login, _a, r: Resource, "third") if l.login = r.properties.owner;
""")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    actor=st.one_of(
        st.builds(Thing, st.builds(EntityName, st.just("user"), names), bags),
        names.filter(str.isprintable).map(Login),
    ),
    resource=st.builds(Thing, st.builds(EntityName, st.just("record"), names), bags),
    action=st.one_of(st.just("read"), names),
    context=bags,
    properties=bags,
)
def test_nothing_that_a_caller_sends_stands_in_a_decision(
    actor: Actor,
    resource: Thing,
    action: str,
    context: Mapping[str, object],
    properties: Mapping[str, object],
) -> None:
    """Whatever is sent, there is an answer, made of the policy's own words and of outcomes."""
    question = Question(actor, action, resource, context=context, properties=properties)

    decision = PROPERTY_RULES.evaluate(question, facts(question))

    assert decision.reasons
    assert MARK not in repr(decision)


def test_a_foreign_company_is_read_like_any_other() -> None:
    """Its number, origin and validation are facts; its CNPJ is nil, and that is no error."""
    text = (
        'permit(_l: Login, "open", r: Process, "first") if '
        f'r.company.id = "{GMBH.id.value}" and r.company.cnpj = nil and '
        'r.company.origin = "foreign" and r.company.validation = "validated" and '
        'r.company.standing.evidence = "inmetro" and r.company.standing.days <= 20;'
    )

    decision = ask(text, FROM_ABROAD, facts(FROM_ABROAD, FOREIGN))

    assert (True, ()) == (decision.allowed, decision.errors)
    assert 'process.company.id = "EX00001230"' in {one.test for one in decision.evidence}
