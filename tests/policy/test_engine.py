"""The combination: any forbid denies, no permit denies, any error denies and says which rule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from authz_service.domain.decision import Decision, Question
from authz_service.domain.errors import PolicyInvalid
from authz_service.policy.border.runner import GuardedPolar
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.combining import LoadedRule
from authz_service.policy.diagrams.engine import Engine
from authz_service.policy.reading.together import MAX_CHAIN
from tests.policy.compiled import CODES, policy
from tests.policy.facts import BIA, OPEN, READ, facts

PERMIT = 'permit(_p: Person, "open", _r: Process, "first");'
FORBID = 'forbid(_p: Person, "open", _r: Process, "second");'
SILENT = 'forbid(_p: Person, "open", r: Process, "third") if r.state = "closed";'


def ask(compiled: CompiledPolicy, question: Question = OPEN) -> Decision:
    """Ask a policy about the facts of *question*."""
    return compiled.evaluate(question, facts(question))


def unread(permits: Sequence[str]) -> Engine:
    """Make an engine of rules that the reader of policies would refuse."""
    polar = GuardedPolar()
    names = [f"p_{number:04}" for number, _permit in enumerate(permits, start=1)]
    renamed = [rule.replace("permit", name) for name, rule in zip(names, permits, strict=True)]
    polar.load([("rules.polar", "\n".join(renamed))])
    rules = [LoadedRule(name, "permit", f"rules.polar:{name}") for name in names]
    return Engine(polar, rules, CODES)


def test_a_permit_allows_with_its_reason_and_place() -> None:
    """One permit and no forbid is an allow, and says which rule spoke."""
    decision = ask(policy(f"\n{PERMIT}\n{SILENT}"))

    assert (True, ("first",), ("rules.polar:2",)) == (
        decision.allowed,
        decision.reasons,
        decision.rules,
    )


def test_a_forbid_wins_over_every_permit() -> None:
    """One forbid denies whatever permits, and its reason is the one given."""
    decision = ask(policy(f"{PERMIT}\n{FORBID}\n{PERMIT}"))

    assert (False, ("second",), ("rules.polar:2",)) == (
        decision.allowed,
        decision.reasons,
        decision.rules,
    )


def test_without_a_permit_it_is_a_denial() -> None:
    """Silence denies, with everything that was looked at as its ground."""
    decision = ask(policy(f"{PERMIT.replace('open', 'delegate')}\n{SILENT}"))

    assert (False, ("no-permit",), ()) == (decision.allowed, decision.reasons, decision.rules)
    assert ["process.state"] == [one.test for one in decision.evidence]


def test_the_silence_of_forbids_is_part_of_an_allow() -> None:
    """The evidence of an allow holds what the forbids saw as well."""
    permit = 'permit(p: Person, "open", _r: Process, "first") if p.registered;'

    decision = ask(policy(f"{permit}\n{SILENT}"))

    assert ["person.registered", "process.state"] == [one.test for one in decision.evidence]


def test_reasons_come_in_their_declared_order() -> None:
    """Whatever the order of rules, the reason declared first is the first."""
    rules = [f'permit(_p: Person, "open", _r: Process, "{code}");' for code in ("third", "first")]

    for text in ("\n".join(rules), "\n".join(reversed(rules))):
        assert ("first", "third") == ask(policy(text)).reasons
    assert ("third", "first") == ask(policy("\n".join(rules), ("third", "first"))).reasons


def test_one_rule_may_give_several_reasons() -> None:
    """Every answer of a rule counts, not only its first."""
    text = (
        'permit(_p: Person, "open", _r: Process, reason) if reason = "second" or reason = "first";'
    )

    assert ("first", "second") == ask(policy(text)).reasons


def test_a_rule_about_another_class_is_silent() -> None:
    """A question about a company does not reach the rules about processes."""
    text = f'{PERMIT}\npermit(_p: Person, "read_delegations", _c: Company, "second");'

    assert ("second",) == ask(policy(text), READ).reasons
    assert ("first",) == ask(policy(text), OPEN).reasons


BROKEN = {
    "a misspelt fact": ("p.registred", "unknown-fact"),
    "a misspelt fact behind another": ("r.company.standing.rolle = 1", "unknown-fact"),
    "a text below a number": ("r.code < 3", "flaw"),
    "a text unlike a number": ("r.code != 3", "flaw"),
    "a word where a condition belongs": ("r.state", "PolarTypeError"),
    "an entity where a condition belongs": ("r.company", "PolarTypeError"),
    "nil where a condition belongs": ("r.question.recipient", "PolarTypeError"),
    "nil on the way": ("r.question.recipient.confirmed", "nil-receiver"),
    "nil in an order": ("r.question.context.amount < 3", "comparison"),
    "a closed fact taken apart": ("r.state.size = 1", "value-receiver"),
    "a reason that stays unbound": ("p.registered", "unbound-reason"),
    "a reason that is not declared": ('p.registered and reason = "fourth"', "unknown-reason"),
    "a reason that is a number": ("p.registered and reason = 1", "unbound-reason"),
    "a reason that is an entity": ("p.registered and reason = r", "unbound-reason"),
    "a reason that is the code's own": ('p.registered and reason = "no-permit"', "own-reason"),
    "an error in a later branch": ("p.registered or p.registred", "unknown-fact"),
    "an error in an earlier branch": ("p.registred or p.registered", "unknown-fact"),
}


@pytest.mark.parametrize("kind", ["permit", "forbid"])
@pytest.mark.parametrize("position", [0, 1, 2, 3])
@pytest.mark.parametrize(("body", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_denies_wherever_it_stands(
    kind: str, position: int, body: str, cause: str
) -> None:
    """An error in a permit or forbid, at any place of the file, is a denial that names the rule."""
    rules = [PERMIT, PERMIT.replace("first", "third"), SILENT]
    reason = "reason" if "reason" in cause else '"second"'
    broken = (
        f'{kind}(p: Person, "open", r: Process, {reason}) if {body} and not r.state = "closed";'
    )
    if "branch" in cause or " or " in body:
        broken = f'{kind}(p: Person, "open", _r: Process, {reason}) if {body};'
    if cause == "unbound-reason" and "reason" not in body:
        broken = broken.replace("Process, reason", "Process, _reason")
    elif '"second"' in broken and "p." not in body:
        broken = broken.replace("(p: Person", "(_p: Person")
    rules.insert(position, broken)

    decision = ask(policy("\n".join(rules)))

    assert (False, ("policy-error",)) == (decision.allowed, decision.reasons)
    assert [f"rules.polar:{position + 1}"] == [error.rule for error in decision.errors]
    assert decision.errors[0].cause.startswith(f"{cause}: ")


@pytest.mark.parametrize("kind", ["permit", "forbid"])
@pytest.mark.parametrize("form", ["not {}", "not (not {})", "not ({} and p.confirmed)"])
@pytest.mark.parametrize(
    "error", ["p.registred", "r.question.recipient.confirmed", "r.code < 3", "r.state.size = 1"]
)
def test_not_does_not_hide_an_error(kind: str, form: str, error: str) -> None:
    """Under ``not``, where plain oso forgets it, an error is still an error; in a helper too."""
    body = form.format(error)
    head = f'{kind}(p: Person, "open", r: Process, "second")'
    rest = 'p.registered and r.state = "open"'
    direct = f"{head} if {body} and {rest};"
    helped = f"{head} if not helper(p, r);\nhelper(p: Person, r: Process) if {body} and {rest};"

    for text in (direct, helped):
        decision = ask(policy(f"{PERMIT}\n{text}"))

        assert (False, ("policy-error",)) == (decision.allowed, decision.reasons)
        assert ["rules.polar:2"] == [error.rule for error in decision.errors]


def test_a_rule_that_errs_for_one_action_leaves_the_others_alone() -> None:
    """A broken rule about delegating does not lock out those who open."""
    broken = 'forbid(p: Person, "delegate", _r: Process, "second") if p.registred;'
    compiled = policy(f"{PERMIT}\n{broken}")

    assert ask(compiled).allowed
    assert ("policy-error",) == ask(compiled, replace(OPEN, action="delegate")).reasons


def test_all_rules_that_erred_are_named() -> None:
    """Every broken rule stands in the decision, so that one look finds them all."""
    broken = 'permit(p: Person, "open", _r: Process, "second") if p.registred;'

    decision = ask(policy({"a.polar": f"{PERMIT}\n{broken}", "b.polar": broken}))

    assert ["a.polar:2", "b.polar:1"] == [error.rule for error in decision.errors]
    assert ("a.polar:2", "b.polar:1") == decision.rules


def test_the_cause_of_an_error_holds_no_cpf() -> None:
    """What is said about a broken rule is free of numbers of persons, even of its author's."""
    text = 'permit(_p: Person, "open", _r: Process, reason) if reason = "72268402517";'

    [error] = ask(policy(text)).errors

    assert "unknown-reason: gives the reason `[cpf]`, which is not declared" == error.cause


def test_oso_speaks_of_paths() -> None:
    """A mistake that oso itself finds is told with the path of the fact, not with its value."""
    text = 'permit(_p: Person, "open", r: Process, "first") if r.code;'

    [error] = ask(policy(text)).errors

    said = "isn't something that is true or false so can't be a condition"
    assert f"PolarTypeError: Type error: `process.code` {said}" == error.cause


def test_a_rule_that_runs_too_long_is_an_error() -> None:
    """A rule that exhausts Polar's patience denies instead of holding the answer back."""
    branches = " and ".join(["(p.registered or p.confirmed)"] * 22)
    slow = f'permit(p: Person, "open", _r: Process, "first") if {branches} and not p.registered;'

    decision = unread([slow]).evaluate(OPEN, facts())

    assert (False, ("policy-error",)) == (decision.allowed, decision.reasons)
    assert "timeout" in decision.errors[0].cause.lower()


def test_another_action_of_the_caller_is_only_a_word() -> None:
    """An action that nobody declared is denied like any other, whatever it is called."""
    for action in ("Open", "", "open ", "permit", "__class__", "x" * 5000):
        assert ("no-permit",) == ask(policy(PERMIT), replace(OPEN, action=action)).reasons


def test_texts_are_filled_with_the_particulars() -> None:
    """A reason's text speaks of the company and the process, and of nothing else."""
    text = policy(PERMIT).text("first", "open", {"cnpj": "52", "processo": "P001"})

    assert ("FIRST", "first 52 P001", "first") == (text.codigo, text.pt, text.en)


def test_a_recipient_that_is_there_is_no_nil() -> None:
    """The same rule that errs without a recipient is answered with one."""
    forbid = FORBID.replace("_r", "r").replace(";", " if not r.question.recipient.confirmed;")
    compiled = policy(f"{PERMIT}\n{forbid}")

    assert ("policy-error",) == ask(compiled).reasons
    assert ask(compiled, replace(OPEN, recipient=BIA)).allowed


def test_all_rules_together_have_a_deadline() -> None:
    """Many slow rules deny after a second instead of holding the answer back for all of them."""
    branches = " and ".join(["(p.registered or p.confirmed)"] * 22)
    rule = f'permit(p: Person, "open", _r: Process, "first") if {branches} and not p.registered;'

    began = time.monotonic()
    decision = unread([rule] * 12).evaluate(OPEN, facts())

    assert ("policy-error",) == decision.reasons
    assert 12 == len(decision.errors)
    assert "deadline: the rules before took 1.0 seconds" in {one.cause for one in decision.errors}
    assert time.monotonic() - began < 12 * 0.4


def test_a_long_chain_of_negations_is_refused() -> None:
    """Helpers that negate helpers, each of which doubles what oso keeps, end at a bound."""

    def chain(length: int) -> str:
        links = [f"h{n}(x: Process) if not h{n + 1}(x);" for n in range(length - 1)]
        first = 'permit(_p: Person, "open", r: Process, "first") if h0(r);'
        return "\n".join([first, *links, f'h{length - 1}(x: Process) if x.state = "open";'])

    assert not ask(policy(chain(MAX_CHAIN))).errors
    # Told of the rule, and not of each helper as well.
    for length in (MAX_CHAIN + 1, MAX_CHAIN + 2):
        with pytest.raises(PolicyInvalid, match="helpers of helpers, more than 16 deep") as caught:
            policy(chain(length))
        assert ["rules.polar:1"] == [f"{one.file}:{one.line}" for one in caught.value.problems]


def test_a_helper_of_four_arguments_is_one_if_it_is_asked() -> None:
    """Only one that nobody asks looks like a misspelt permit or forbid."""
    rule = 'permit(p: Person, "open", r: Process, "first") if helper(p, r, 1, 2);'

    assert ask(policy(f"{rule}\nhelper(_a, _b, _c, _d);")).allowed
