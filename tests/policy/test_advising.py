"""What a denial says of the nearest allow: what helps, and nothing about others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from authz_service.domain.companies import Validation
from authz_service.domain.decision import (
    ACTIONS,
    CompanyAsked,
    Decision,
    ProcessAsked,
    Question,
)
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts, PersonFacts, ProcessFacts
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.nearest import Way
from authz_service.domain.people import Bond, Person, Role
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.nearness import veils
from authz_service.policy.nearness.advising import Nearby
from authz_service.policy.nearness.likeness import looks_of, situation
from tests.fakes.clock import NOON
from tests.policy.compiled import policy
from tests.policy.facts import (
    ACME,
    ALICE,
    ANA,
    BIA,
    FILIAL,
    FROM_ABROAD,
    GMBH,
    OPEN,
    P001,
    READ,
    READ_RECORD,
    SIGN_IN,
    facts,
    put,
)
from tests.policy.recorded import delegation, recorded
from tests.policy.test_nearest import BACKER, DELEGATE, MEMBER, SOCIO, shipped

CLOSED = replace(P001, state=ProcessState.CLOSED)
PROVEN = replace(OPEN, sign_in=SIGN_IN.handle)
STRANGER = Known(process=P001)
SEEN_NOW = replace(SOCIO, observed_at=NOON)
OLD_BACKER = replace(BACKER, observed_at=NOON - timedelta(days=900))
TO_STRANGERS = ["person-registered", "person-confirmed", "delegation-granted"]


def advice(
    question: Question, known: Known, on: CompiledPolicy | None = None
) -> tuple[list[str], bool | None]:
    """Give the codes of what is told of a denial, and whether it is step-up."""
    on = on or shipped()
    facts = facts_of(question, known, NOON)
    decision = on.evaluate(question, facts)
    assert not decision.allowed
    way = on.advice(question, facts, decision)
    return ([], None) if way is None else ([one.code for one in way.changes], way.step_up)


ALIKE: dict[str, Known] = {
    "nobody": STRANGER,
    "who has signed up": Known((Person(ANA, NOON),), P001),
    "who is confirmed": Known((MEMBER,), P001),
    "an accountant": Known((MEMBER,), P001, standings=(replace(SEEN_NOW, role=Role.CONTADOR),)),
    "a delegation that was revoked": Known((MEMBER,), P001, delegation(ACME, "revoked")),
    "a delegation that is over": Known((MEMBER,), P001, delegation(ACME, "expired")),
    "a delegation that nobody backs": Known((MEMBER,), P001, delegation(ACME)),
    "a delegation of long ago": Known(
        (MEMBER,), P001, delegation(ACME, "in_force", BIA), standings=(OLD_BACKER,)
    ),
    "a filial": Known((MEMBER,), P001, bond=Bond(FILIAL, ACME, "proof", NOON)),
}


@pytest.mark.parametrize("known", ALIKE.values(), ids=ALIKE)
def test_who_may_not_open_reads_alike(known: Known) -> None:
    """Nobody finds out by asking who has signed up, who is what, and what was delegated."""
    assert (TO_STRANGERS, False) == advice(OPEN, known)


def test_what_the_person_does_alone_is_told() -> None:
    """It says no more than the allow that follows."""
    assert (["standing-renewed"], True) == advice(OPEN, Known(process=P001, standings=(SOCIO,)))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (STRANGER, TO_STRANGERS),
        (Known((Person(ANA, NOON),), P001), TO_STRANGERS[1:]),
        (Known((MEMBER,), P001), ["delegation-granted"]),
        (Known((MEMBER,), P001, delegation(ACME, "expired")), ["delegation-renewed"]),
        (
            Known((MEMBER,), P001, delegation(ACME, "in_force", BIA), standings=(OLD_BACKER,)),
            ["delegation-renewed"],
        ),
        (Known((MEMBER,), P001, delegation(ACME)), ["delegation-renewed"]),
    ],
    ids=["nobody", "signed up", "confirmed", "over", "long ago", "not backed"],
)
def test_who_has_proved_to_be_the_person_is_told_the_own_facts(
    known: Known, expected: list[str]
) -> None:
    """What was delegated to the person is no secret; who stands behind it stays one."""
    assert (expected, False) == advice(PROVEN, replace(known, sign_in=SIGN_IN))


def test_who_acts_by_power_of_attorney_has_proved_nothing() -> None:
    """Such a sign-in is another's; the own one is told where it is all that is missing."""
    agent = replace(SIGN_IN, agent=True)
    told = advice(PROVEN, Known((MEMBER,), P001, sign_in=agent))
    assert (["sign-in-in-own-name", *TO_STRANGERS], False) == told
    told = advice(PROVEN, Known((MEMBER,), P001, standings=(SEEN_NOW,), sign_in=agent))
    assert (["sign-in-in-own-name"], True) == told


RECIPIENTS: dict[str, tuple[Person, ...]] = {
    "nobody": (),
    "signed up": (Person(BIA, NOON),),
    "confirmed": (Person(BIA, NOON, NOON),),
}


@pytest.mark.parametrize("people", RECIPIENTS.values(), ids=RECIPIENTS)
def test_who_may_not_delegate_hears_nothing_of_the_recipient(people: tuple[Person, ...]) -> None:
    """A stranger is told how to represent the company, whoever the recipient is."""
    assert (["role-socio"], False) == advice(DELEGATE, Known(people, P001))
    to_self = replace(DELEGATE, recipient=ANA)
    expected = [*TO_STRANGERS[:2], "role-socio"]
    assert (expected, False) == advice(to_self, Known((MEMBER,), P001))


def test_who_may_delegate_hears_what_the_recipient_lacks() -> None:
    """The reasons tell it already."""
    known = Known((Person(BIA, NOON),), P001, standings=(SEEN_NOW,))
    assert (["recipient-confirmed"], False) == advice(DELEGATE, known)
    assert (["recipient-registered", "recipient-confirmed"], False) == advice(
        DELEGATE, replace(known, people=())
    )


def test_a_foreign_company_reads_alike_whether_it_waits_or_is_unknown() -> None:
    """Trying numbers tells nothing."""
    waits = replace(GMBH, validation=Validation.PENDING, validated_at=None)
    found = [
        advice(FROM_ABROAD, Known(process=P001, foreign=one))
        for one in (None, waits, replace(waits, representatives=()))
    ]
    assert 3 * [(["company-validated", "representative-named"], False)] == found


def test_a_login_that_nobody_named_is_told_so() -> None:
    """Once the company is validated, which the reasons tell."""
    known = Known(process=P001, foreign=replace(GMBH, representatives=()))
    assert (["representative-named"], False) == advice(FROM_ABROAD, known)


def test_who_may_not_read_of_a_company_hears_nothing_of_its_bond() -> None:
    """A sócio of the matriz is told what everybody is, also where no process is asked about."""
    ended = Bond(FILIAL, ACME, "proof", NOON, NOON.date() - timedelta(days=1))
    question = replace(READ, resource=CompanyAsked(FILIAL))
    expected = advice(question, Known())
    assert expected == advice(question, Known((MEMBER,), bond=ended, standings=(SEEN_NOW,)))


def test_what_a_caller_asserts_of_who_acts_is_not_mixed_up() -> None:
    """Who is told what helps an administrator is one."""
    on = policy(
        'permit(s: Subject, "open", r: Process, "first") if s.properties.admin = true and '
        'r.state = "open";'
    )
    told = [
        advice(replace(OPEN, actor=Thing(ALICE.name, {"admin": one})), Known(process=CLOSED), on)
        for one in (True, False)
    ]
    assert [(["process-reopened"], False), ([], None)] == told


def test_a_login_that_names_a_recipient_is_told_nothing() -> None:
    """Only persons delegate, whoever is to be delegated to."""
    question = replace(FROM_ABROAD, action="delegate", recipient=BIA)
    assert ([], None) == advice(question, Known(process=P001, foreign=GMBH))


def test_who_delegates_to_another_is_seen_as_before() -> None:
    """Only who is the recipient as well is taken for somebody who is known."""
    facts = facts_of(DELEGATE, Known(process=P001), NOON)
    [(_of_another, _no), (of_oneself, own)] = veils.RECIPIENT
    assert (facts, True) == (of_oneself(facts), own)


def test_a_closed_process_is_told_to_all() -> None:
    """What holds for whoever asks is nobody's secret."""
    assert (["process-reopened", *TO_STRANGERS], False) == advice(OPEN, Known(process=CLOSED))
    about_self = replace(PROVEN, action="delegate", recipient=BIA)
    known = Known((Person(BIA, NOON, NOON),), CLOSED, standings=(SEEN_NOW,), sign_in=SIGN_IN)
    assert (["process-reopened"], False) == advice(about_self, known)


def test_no_advice_helps_against_a_rule_that_errs() -> None:
    """The rules are to be mended, not the facts."""
    on = policy(
        'permit(_p: Person, "open", _r: Process, "first") if _r.state = "open";'.replace("_r", "r")
        + 'forbid(_p: Person, "open", r: Process, "second") if r.company.standing.days > 3;'
    )
    assert ([], None) == advice(OPEN, STRANGER, on)


def test_where_nothing_helps_nothing_is_told() -> None:
    """An action that no rule permits, and another service's entity."""
    assert ([], None) == advice(replace(OPEN, action="delete"), STRANGER)
    assert ([], None) == advice(READ_RECORD, Known())
    assert ([], None) == advice(replace(READ, actor=READ_RECORD.actor), Known())


def test_where_the_reasons_tell_of_two_secrets_at_once_nothing_is_told() -> None:
    """What cannot be veiled without another reason, one by one or together, stays untold."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.company.standing.days = 9999;'
        'forbid(p: Person, "open", r: Process, "second") if p.confirmed or '
        'r.delegation.state != "none";'
    )
    known = Known((MEMBER,), P001, delegation(ACME))
    assert ([], None) == advice(OPEN, known, on)


@pytest.mark.parametrize("recipient", [(), (MEMBER,), (Person(BIA, NOON),)], ids=["0", "2", "1"])
def test_a_step_up_tells_nothing_of_the_recipient(recipient: tuple[Person, ...]) -> None:
    """Who may not delegate now learns by no answer whether the other person has signed up."""
    lapsed = replace(SOCIO, observed_at=NOON - timedelta(days=10))
    question = replace(DELEGATE, actor=ANA, recipient=BIA)
    known = Known(people=recipient, process=P001, standings=(lapsed,))

    way = Counting().ask(question, known)

    assert way is not None
    assert (True, ["standing-renewed"]) == (way.step_up, [one.code for one in way.changes])


def test_a_step_up_tells_nothing_of_oneself_as_the_recipient() -> None:
    """Nor does one who names somebody and the same person as the other."""
    lapsed = replace(SOCIO, observed_at=NOON - timedelta(days=10))
    question = replace(DELEGATE, actor=ANA, recipient=ANA)
    ways = [
        Counting().ask(question, Known(people=people, process=P001, standings=(lapsed,)))
        for people in ((), (Person(ANA, NOON, NOON),))
    ]

    assert ways[0] == ways[1]


@pytest.mark.parametrize("those", [veils.RECIPIENT, veils.STRANGER], ids=["step-up", "stranger"])
def test_a_login_has_no_sign_up_to_veil(those: veils.Veils) -> None:
    """Also not one that names a recipient."""
    facts = facts_of(replace(FROM_ABROAD, recipient=BIA), Known(foreign=GMBH), NOON)

    assert {facts.actor} == {veil(facts).actor for veil, _own in those}


def test_a_reason_of_both_kinds_is_no_denial_of_one() -> None:
    """Where a permit and a forbid give one reason, an allow is not taken for the denial."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if r.company.standing.role = "none";\n'
        'forbid(_p: Person, "open", r: Process, "first") if '
        'r.company.standing.role != "none";'
    )
    known = Known(process=P001, standings=(SOCIO,))

    assert Counting(on=on).ask(replace(OPEN, actor=ANA), known) is None
    assert () == on.nearest(OPEN, facts_of(replace(OPEN, actor=BIA), known, NOON))


def test_no_denial_fails_for_what_would_help() -> None:
    """Whatever goes wrong while something is looked for, there is no advice, and a denial."""

    def broken_off(_question: Question, _facts: Facts) -> Decision:
        raise RuntimeError("in the middle of it")

    facts = facts_of(OPEN, STRANGER, NOON)
    decision = shipped().evaluate(OPEN, facts)

    assert Nearby(broken_off, shipped()._trees).advice(OPEN, facts, decision) is None


def test_to_seek_what_helps_asks_oso_nothing() -> None:
    """The explored rules know of every situation that is possible, and no other is asked about."""
    explored = shipped()
    explored.explore()
    runs = explored.runs
    for question in (OPEN, READ, DELEGATE, FROM_ABROAD):
        facts = facts_of(question, STRANGER, NOON)
        explored.nearest(question, facts)
        explored.advice(question, facts, explored.evaluate(question, facts))

    assert runs == explored.runs


class Counting:
    """Counts how often the shipped policies are asked while advice is sought."""

    def __init__(self, most: int = 100, on: CompiledPolicy | None = None) -> None:
        self.evaluated = 0
        self._policy = on or shipped()
        self.nearby = Nearby(self._evaluate, self._policy._trees, most)

    def _evaluate(self, question: Question, facts: Facts) -> Decision:
        self.evaluated += 1
        return self._policy.evaluate(question, facts)

    def ask(self, question: Question, known: Known) -> Way | None:
        """Ask for advice about a denial."""
        facts = facts_of(question, known, NOON)
        return self.nearby.advice(question, facts, self._policy.evaluate(question, facts))

    def costs(self, question: Question, known: Known) -> int:
        """Give how many decisions it takes to advise."""
        before = self.evaluated
        self.ask(question, known)
        return self.evaluated - before


def test_the_same_denial_is_searched_once() -> None:
    """What is asked again is told again at once, unless the caller asserts something."""
    counting = Counting()
    for question in (OPEN, READ):
        assert counting.costs(question, STRANGER) > 0
        assert 0 == counting.costs(question, STRANGER)
    # Nothing reads what is asserted here.
    assert 0 == counting.costs(replace(OPEN, context={"a": True}), STRANGER)
    reading = Counting(
        on=policy(
            'permit(_p: Person, "open", r: Process, "first") if '
            "r.question.context.a = true and r.company.standing.in_force;"
        )
    )
    for question in (replace(OPEN, context={"a": True}), replace(OPEN, properties={"a": True})):
        assert reading.costs(question, STRANGER) == reading.costs(question, STRANGER) > 0


def test_the_same_situation_of_others_is_searched_once() -> None:
    """Another person, company, process and day: what rules and moves can tell apart is the same."""
    counting = Counting()
    counting.ask(OPEN, Known(people=(MEMBER,), process=P001))
    other = replace(P001, id=ProcessId("p099"), code="P099", version=7)
    question = replace(OPEN, resource=ProcessAsked(ProcessName("P099"), FILIAL))

    assert 0 == counting.costs(question, Known(people=(MEMBER,), process=other))
    assert counting.costs(question, Known(process=other)) > 0


def test_where_not_every_way_is_known_nothing_is_kept() -> None:
    """What is learned later may tell situations apart that look alike now."""
    on = policy(
        'permit(_p: Person, "open", r: Process, "first") if '
        'r.code != nil and r.code < "M" and r.company.standing.in_force;'
    )
    counting = Counting(on=on)

    assert counting.costs(OPEN, STRANGER) == counting.costs(OPEN, STRANGER) > 0


def test_what_is_kept_tells_of_nobody() -> None:
    """No fact stands in it: it is told to whoever comes next."""
    way = Counting().ask(OPEN, STRANGER)

    assert way is not None
    assert [()] == sorted({one.differences for one in way.changes})


def test_what_is_kept_is_bounded() -> None:
    """The oldest is forgotten."""
    counting = Counting(most=2)
    worlds = [STRANGER, Known(people=(MEMBER,), process=P001), Known()]
    for known in worlds:
        counting.ask(OPEN, known)

    assert [0, 0] == [counting.costs(OPEN, known) for known in worlds[1:]]
    assert counting.costs(OPEN, worlds[0]) > 0


_TOGETHER = Counting(most=10_000)


@settings(max_examples=150, deadline=None)
@given(recorded(), st.sampled_from(ACTIONS))
def test_kept_advice_is_the_advice(one: tuple[Question, Known], action: str) -> None:
    """What was found for others in the same situation is what would be found anew."""
    question = replace(one[0], action=action)

    assert Counting().ask(question, one[1]) == _TOGETHER.ask(question, one[1])


@settings(max_examples=60, deadline=None)
@given(recorded(), recorded(), st.sampled_from(ACTIONS))
def test_whoever_is_denied_for_a_strangers_reasons_reads_alike(
    one: tuple[Question, Known], other: tuple[Question, Known], action: str
) -> None:
    """Records about people, companies and delegations change nothing in what a denial says."""
    question = replace(one[0], action=action)
    first = facts_of(question, one[1], NOON)
    second = facts_of(question, replace(other[1], process=one[1].process, sign_in=None), NOON)
    nobody = facts_of(question, Known(process=one[1].process), NOON)
    assume(first.question.sign_in is None and second.question.sign_in is None)
    assume(first.question.actor_evidence != "govbr")
    said = []
    for known in (first, second, nobody):
        decision = shipped().evaluate(question, known)
        assume(decision.reasons == shipped().evaluate(question, nobody).reasons)
        assume(not decision.allowed)
        way = shipped().advice(question, known, decision)
        if way is None or not way.step_up:
            said.append(None if way is None else way.pt)
    assert len(set(said)) <= 1


def test_of_facts_that_do_not_fit_no_advice_is_remembered() -> None:
    """What they are equal to may be advised something else."""
    looks = looks_of((), PersonFacts, ProcessFacts)

    assert situation(facts(), looks) is not None
    assert situation(put(facts(), "resource.state", None), looks) is None
