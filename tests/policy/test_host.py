"""Every check of the border has a hostile rule that it stops, by its own name."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from authz_service.domain.decision import Observation, Question
from authz_service.domain.facts import CompanyFacts, Facts, ProcessFacts
from authz_service.domain.sign_in import SignIn
from authz_service.policy.border.host import GuardedHost, Refused
from authz_service.policy.border.probes import Read
from authz_service.policy.border.query import GuardedQuery
from authz_service.policy.border.runner import RULE_TIMEOUT_MS, GuardedPolar
from tests.fakes.clock import NOON
from tests.policy.facts import (
    ACME,
    BIA,
    FILIAL,
    KNOWN,
    OPEN,
    READ,
    SIGN_IN,
    SOCIO,
    asserting,
    facts,
    signed_in,
)


def ask(body: str, question: Question = OPEN, known: Facts | None = None) -> list[object]:
    """Run one rule that nobody has read beforehand, and give its reasons."""
    return run(f'rule(person, action, process, "yes") if {body};', question, known)[0]


def run(
    text: str, question: Question = OPEN, known: Facts | None = None
) -> tuple[list[object], GuardedHost]:
    """Run the rule called ``rule`` of a text; give its reasons, and the host it ran on."""
    polar = GuardedPolar()
    # A rule that uses all its arguments, so that a test may use those it likes.
    polar.load([("hostile.polar", f"{text}\nall(_a, _b, _c);")])
    host = polar.fresh_host()
    return polar.run("rule", known or facts(question), question.action, host), host


def hostile(body: str) -> str:
    """Give *body* in a rule that oso loads: every argument is used."""
    return f"{body} and all(person, action, process)"


HOSTILE = {
    "a fact is called": ("method", "person.registered()"),
    "a method of a text is called": ("method", 'process.state.startswith("o")'),
    "a format string is filled": ("method", '"{0.__class__}".format(person) = "x"'),
    "a method of a list is called": ("method", "[1, 2].append(3)"),
    "a method of an opaque value is called": ("method", "process.version.bit_length() = 2"),
    "a method of a dictionary is called": ("method", "{a: 1}.keys() = 1"),
    "the class of a text is read": ("value-receiver", 'x = "".__class__ and x != nil'),
    "an attribute of a closed fact is read": ("value-receiver", "process.state.upper != nil"),
    "an attribute of a number is read": ("value-receiver", "x = 1 and x.real = 1"),
    "an attribute of a list is read": ("value-receiver", "x = [1] and x.__len__ != nil"),
    "a fact is read from nil": ("nil-receiver", "process.question.recipient.registered"),
    "a fact is read from no sign-in": ("nil-receiver", "process.question.sign_in.agent"),
    "the days of no standing are ordered": ("comparison", "process.delegation.backing.days <= 7"),
    "a fact is read from no days": ("nil-receiver", "process.delegation.backing.days.real = 1"),
    "a fact is read from the constant": ("nil-receiver", "x = nil and x.registered"),
    "an opaque value is walked into": ("opaque-receiver", "process.version.real = 3"),
    "a class is walked into": ("opaque-receiver", "Person.__init__ != nil"),
    "a class's bases are walked": ("opaque-receiver", "Person.__base__.__subclasses__ != nil"),
    "the class of an entity is read": ("unknown-fact", "person.__class__ != nil"),
    "a method of an entity is read": ("unknown-fact", "person.__init__ != nil"),
    "the slots of an entity are read": ("unknown-fact", "process.__slots__ != nil"),
    "a fact is misspelt": ("unknown-fact", "person.registred"),
    "a fact of another entity is read": ("unknown-fact", "person.delegation != nil"),
    "a bag itself is walked into": ("nil-receiver", "process.question.context.a.b = 1"),
    "an object is made": ("new", "x = new Person() and x != nil"),
    "an object is made with arguments": ("new", 'x = new Question("a") and x != nil'),
    "a fact is iterated over": ("iteration", "x in process.version and x = 1"),
    "an entity is iterated over": ("iteration", "x in process and x = 1"),
    "a debugger is called": ("debug", "debug()"),
    "a fact is printed": ("print", "print(person.cpf)"),
    "a list is compared with a fact": ("structure", "process.version = [3]"),
    "a dictionary is compared with an entity": ("structure", "process = {state: 1}"),
    "a text is ordered before a number": ("comparison", "process.code < 3"),
    "a text is unlike a number": ("comparison", "process.code != 3"),
    "nil is ordered": ("comparison", "process.question.recipient < 3"),
    "an entity is ordered": ("comparison", "process.company < process.company"),
    "two entities are compared": (
        "comparison",
        "process.company.standing = process.company.standing",
    ),
    "an entity is compared with itself": ("comparison", "not process.company = process.company"),
    "an unknown class is asked for": ("class", "process.version matches Secret"),
    "the class of nil is asked for": ("class", "nil matches Person"),
}


@pytest.mark.parametrize(("check", "body"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_rule_is_stopped_by_name(check: str, body: str) -> None:
    """Whatever leaves the vocabulary raises out of oso, and says which check stopped it."""
    with pytest.raises(Refused) as caught:
        ask(hostile(body))

    assert check == caught.value.check


@pytest.mark.parametrize(
    "body",
    [
        "person.registred",
        "process.question.recipient.registered",
        "process.code < 3",
        "process.state.upper",
        "person.registered()",
        'new Person() = "x"',
    ],
)
def test_not_swallows_nothing(body: str) -> None:
    """What is refused is refused under ``not`` and in a helper as well, where oso forgets it."""
    helper = f"helper(person, action, process) if {hostile(body)};"
    rule = 'rule(person, action, process, "yes") if not '
    under_not = f"{rule}({hostile(body)});"
    in_helper = f"{rule}helper(person, action, process);{helper}"

    for text in (under_not, in_helper):
        with pytest.raises(Refused):
            run(text)


@pytest.mark.parametrize("value", [[1], {"a": 1}, Decimal(1), object()])
def test_what_a_caller_asserts_is_compared_or_nothing(value: object) -> None:
    """A list or an object in a bag cannot be taken apart, and not even compared."""
    for body in ("process.question.context.x = 1", "1 in process.question.context.x"):
        with pytest.raises(Refused):
            ask(hostile(body), asserting({"x": value}))


def test_a_bag_gives_members_and_nothing_of_its_own() -> None:
    """An absent member is nil, also when the Python object behind the bag has such a name."""
    question = asserting({"soft": True, "amount": 3, "word": "x", "nothing": None})
    bag = "process.question.context"

    for body in (
        f"{bag}.soft",
        f"{bag}.amount = 3",
        f'{bag}.word = "x"',
        f"{bag}.nothing = nil",
        f"{bag}.absent = nil",
        f"{bag}.members = nil",
        f"{bag}.__class__ = nil",
        f"{bag}.keys = nil",
    ):
        assert ["yes"] == ask(hostile(body), question)


def broken_facts(**changes: Any) -> Facts:
    """Give facts in which the actor's are not what they are declared to be."""
    known = facts()
    return replace(known, actor=replace(known.actor, **changes))


def resource_with(**changes: Any) -> Facts:
    """Give facts in which the process's are not what they are declared to be."""
    known = facts()
    assert isinstance(known.resource, ProcessFacts)
    return replace(known, resource=replace(known.resource, **changes))


DISHONEST = {
    "a flag that is a number": ("flag", "person.registered", broken_facts(registered=1)),
    "a flag that is nil": ("flag", "not person.registered", broken_facts(registered=None)),
    "a word that was never declared": (
        "choice",
        'process.state = "half"',
        resource_with(state="half"),
    ),
    "a word of a text's own class": (
        "choice",
        'process.state = "open"',
        resource_with(state=type("Word", (str,), {})("open")),
    ),
    "a link to another entity": (
        "link",
        "process.company.cnpj != nil",
        resource_with(company=facts().actor),
    ),
    "a link that may not be nil": (
        "link",
        "process.delegation != nil",
        resource_with(delegation=None),
    ),
}


@pytest.mark.parametrize(("check", "body", "known"), DISHONEST.values(), ids=DISHONEST)
def test_a_fact_is_what_it_is_declared_to_be(check: str, body: str, known: Facts) -> None:
    """A fact of the wrong kind is our own mistake, and never reaches a rule."""
    with pytest.raises(Refused) as caught:
        ask(hostile(body), known=known)

    assert check == caught.value.check


def test_only_what_is_registered_crosses_by_itself() -> None:
    """The way in which oso hands Python values over is shut, but for classes and nil."""
    host = GuardedPolar().fresh_host()

    for value in (1, "text", [1], {"a": 1}, object(), int, facts().actor):
        with pytest.raises(Refused) as caught:
            host.to_polar(value)
        assert "crossing" == caught.value.check


def test_only_comparisons_are_operators() -> None:
    """An operator that rules cannot write is refused should oso ever send it."""
    with pytest.raises(Refused) as caught:
        GuardedPolar().fresh_host().operator("Add", [1, 2])

    assert "operator" == caught.value.check


@pytest.mark.parametrize(
    ("check", "handler"),
    [
        ("data-filtering", "handle_external_isa_with_path"),
        ("ranking", "handle_external_is_subspecializer"),
        ("ranking", "handle_external_is_subclass"),
    ],
)
def test_doors_that_no_rule_needs_are_shut(check: str, handler: str) -> None:
    """Events that the accepted subset never causes are refused should oso ever send them."""
    polar = GuardedPolar()
    polar.load([("a.polar", "rule(_a, _b, _c, _d);")])
    host = polar.fresh_host()
    term = host.ask("rule", facts(), "open")
    query = GuardedQuery(polar.ffi_polar.new_query_from_term(term), host=host)

    with pytest.raises(Refused) as caught:
        getattr(query, handler)({})

    assert check == caught.value.check


def test_printing_reaches_no_stream(capfd: pytest.CaptureFixture[str]) -> None:
    """What a rule prints is stopped before it stands anywhere."""
    with pytest.raises(Refused):
        ask(hostile("print(person.cpf)"))

    assert ("", "") == capfd.readouterr()


def test_a_warning_of_oso_is_kept_and_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Loading tells its warnings to us, and not to standard output."""
    warnings = GuardedPolar().load([("a.polar", 'rule(_p: Prson, "x");')])

    assert len(warnings) == 1
    assert "Prson" in warnings[0]
    assert ("", "") == capfd.readouterr()


def test_a_rule_that_does_not_end_is_stopped() -> None:
    """The time-out is ours, and not oso's thirty seconds."""
    assert str(RULE_TIMEOUT_MS) == os.environ["POLAR_TIMEOUT_MS"]


def test_a_class_in_a_head_selects_the_entity() -> None:
    """A helper with a class in its head hears of entities of that class only."""
    used = "all(person, action, it)"
    text = f"""
        rule(person, action, it, "process") if is_process(it) and {used};
        rule(person, action, it, "company") if is_company(it) and {used};
        is_process(_x: Process);
        is_company(_x: Company);
    """

    assert ["process"] == run(text, OPEN)[0]
    assert ["company"] == run(text, READ)[0]


@pytest.mark.parametrize(
    "handed", ["it.question.recipient", "it.question.actor_evidence", "it.version", "nil", "1"]
)
@pytest.mark.parametrize("form", ["{}", "not {}"])
def test_what_is_no_entity_is_of_no_class_and_not_silently(handed: str, form: str) -> None:
    """Nil, a text or a number handed to a helper that wants an entity is an error, not a no."""
    asked = form.format(f"is_company({handed})")
    text = f"""
        rule(person, action, it, "x") if {asked} and all(person, action, it);
        is_company(_x: Company);
    """

    with pytest.raises(Refused) as caught:
        run(text)

    assert "class" == caught.value.check


def test_what_was_seen_holds_paths_and_closed_values_only() -> None:
    """Evidence names facts and outcomes; the values of opaque facts are not in it."""
    question = replace(asserting({"soft": True, "word": "secret"}), recipient=BIA)
    body = (
        'process.state = "open" and process.version < 4 and 3 = process.version and '
        "not process.question.recipient.cpf = person.cpf and "
        'process.question.context.soft and process.question.context.word != "x" and '
        'process.question.context.absent = nil and not person.cpf = "72268402518"'
    )

    _reasons, host = run(f'rule(person, action, process, "yes") if {hostile(body)};', question)

    assert [
        Observation("process.state", "open"),
        Observation("process.version < 4", True),
        Observation("process.version = 3", True),
        Observation("process.question.recipient = nil", False),
        Observation("person.cpf = process.question.recipient.cpf", False),
        Observation("process.question.context.soft", True),
        Observation("process.question.context.word", "opaque"),
        Observation('process.question.context.word = "x"', False),
        Observation("process.question.context.absent = nil", True),
        Observation('person.cpf = "[cpf]"', False),
    ] == host.observations


SIGNED_IN = {
    "the certificate of the company": (
        "{s} != nil and {s}.cnpj = process.company.cnpj",
        SIGN_IN,
        True,
        [("{s} = nil", False), ("process.company.cnpj = {s}.cnpj", True)],
    ),
    "the certificate of another company": (
        "{s} != nil and not {s}.cnpj = process.company.cnpj",
        replace(SIGN_IN, certificate_company=FILIAL),
        True,
        [("{s} = nil", False), ("process.company.cnpj = {s}.cnpj", False)],
    ),
    "no certificate of a company": (
        "{s} != nil and {s}.cnpj = process.company.cnpj",
        replace(SIGN_IN, certificate_company=None),
        False,
        [("{s} = nil", False), ("process.company.cnpj = {s}.cnpj", False)],
    ),
    "minutes at the bound": (
        "{s} != nil and {s}.minutes <= 5",
        SIGN_IN,
        True,
        [("{s} = nil", False), ("{s}.minutes <= 5", True)],
    ),
    "minutes past the bound": (
        "{s} != nil and {s}.minutes < 5",
        SIGN_IN,
        False,
        [("{s} = nil", False), ("{s}.minutes < 5", False)],
    ),
    "minutes that nobody told": (
        "{s} != nil and {s}.minutes = nil",
        replace(SIGN_IN, authenticated_at=None),
        True,
        [("{s} = nil", False), ("{s}.minutes = nil", True)],
    ),
    "minutes that nobody told beside a number": (
        "{s} != nil and {s}.minutes = 5",
        replace(SIGN_IN, authenticated_at=None),
        False,
        [("{s} = nil", False), ("{s}.minutes = 5", False)],
    ),
    "words and flags": (
        '{s}.level = "gold" and {s}.method = "certificate" and not {s}.agent',
        SIGN_IN,
        True,
        [
            ("{s} = nil", False),
            ("{s}.level", "gold"),
            ("{s}.method", "certificate"),
            ("{s}.agent", False),
        ],
    ),
    "the kind of certificate": (
        '{s}.certificate = "device" and not {s}.second_factor',
        SIGN_IN,
        True,
        [
            ("{s} = nil", False),
            ("{s}.certificate", "device"),
            ("{s}.second_factor", False),
        ],
    ),
    "somebody else's": (
        "{s} = nil",
        replace(SIGN_IN, person=BIA),
        True,
        [("{s} = nil", True)],
    ),
    "one that has ended": (
        "{s} = nil",
        replace(SIGN_IN, ends_at=NOON),
        True,
        [("{s} = nil", True)],
    ),
}


@pytest.mark.parametrize(("body", "sign_in", "holds", "seen"), SIGNED_IN.values(), ids=SIGNED_IN)
def test_a_sign_in_is_read_like_everything_else(
    body: str, sign_in: SignIn, holds: bool, seen: list[tuple[str, str | bool]]
) -> None:
    """Its facts are compared with constants and with facts, and only outcomes are noted."""
    named = {"s": "process.question.sign_in"}
    rule = f'rule(person, action, process, "yes") if {hostile(body.format(**named))};'

    reasons, host = run(rule, known=signed_in(sign_in))

    assert (["yes"] if holds else []) == reasons
    assert [(test.format(**named), outcome) for test, outcome in seen] == [
        (one.test, one.outcome) for one in host.observations
    ]


@pytest.mark.parametrize(
    ("body", "holds"),
    [("{d} <= 7", True), ("{d} < 7", False), ("{d} = 7", True), ("8 > {d}", True)],
)
def test_the_age_of_a_standing_is_a_number(body: str, holds: bool) -> None:
    """Whole days are compared as numbers, and evidence has the outcome without the number."""
    days = "process.company.standing.days"
    seen = replace(SOCIO, observed_at=NOON - timedelta(days=7, hours=23))
    rule = f'rule(person, action, process, "yes") if {hostile(body.format(d=days))};'

    reasons, host = run(rule, known=facts(known=replace(KNOWN, standings=(seen,))))

    assert (["yes"] if holds else []) == reasons
    assert [holds] == [one.outcome for one in host.observations]


def test_two_ways_to_one_entity_are_two_paths() -> None:
    """A path belongs to a hand-over: the same question reached twice keeps two names."""
    body = (
        "process.question.recipient = nil and process.company.question.recipient = nil and "
        "process.company.question != nil"
    )

    _reasons, host = run(f'rule(person, action, process, "yes") if {hostile(body)};')

    assert {
        "process.question.recipient = nil",
        "process.company.question.recipient = nil",
        "process.company.question = nil",
    } == {one.test for one in host.observations}


def test_what_two_fixed_values_say_of_each_other_is_not_noted() -> None:
    """It is the same in every question, so that it is a ground of nothing."""
    body = 'not nil = "x" and person.registered'

    _reasons, host = run(f'rule(person, action, process, "yes") if {hostile(body)};')

    assert [Read("person.registered")] == list(host.steps)


def test_what_only_cpfs_tell_apart_is_seen_both_ways() -> None:
    """Two comparisons with CPFs look the same in evidence; neither outcome hides the other."""
    body = 'person.cpf = "72268402517" and not person.cpf = "18762794604"'

    _reasons, host = run(f'rule(person, action, process, "yes") if {hostile(body)};')

    test = 'person.cpf = "[cpf]"'
    assert {Observation(test, True), Observation(test, False)} == set(host.observations)


@pytest.mark.parametrize("action", ["approve", "Open", "", "cpf 72268402517", "x" * 5000])
def test_an_action_of_the_callers_invention_is_another_action(action: str) -> None:
    """What a caller calls an action reaches no rule, so it cannot stand in the evidence."""
    rule = 'rule(person, action, process, "yes") if '
    body = hostile('action = "other" and not action = process.code')

    reasons, host = run(f"{rule}{body};", replace(OPEN, action=action))

    assert ["yes"] == reasons
    assert ['process.code = "other"'] == [one.test for one in host.observations]


def test_a_company_is_called_so() -> None:
    """The paths of a question about a company begin with it."""
    known = facts(READ)
    assert isinstance(known.resource, CompanyFacts)
    body = f'process.cnpj = "{ACME.value}"'

    _reasons, host = run(
        f'rule(person, action, process, "yes") if {hostile(body)};',
        READ,
    )

    assert [Observation('company.cnpj = "52420282000180"', True)] == host.observations
