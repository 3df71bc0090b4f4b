"""What was decided before: given again while nothing has changed, and never once it has."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.domain.decision import (
    INVALID_IDENTIFIER,
    Asked,
    Caller,
    CompanyAsked,
    Decision,
    Impossible,
    ProcessAsked,
    Question,
    RuleError,
)
from authz_service.domain.delegation import EventKind
from authz_service.domain.entities import EntityName, Thing
from authz_service.domain.errors import (
    AmbiguousProcess,
    InvalidInput,
    LogUnavailable,
    StoreUnavailable,
)
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Login
from authz_service.domain.known import ALWAYS, Known, facts_of
from authz_service.domain.nearest import Way
from authz_service.domain.people import Bond, Evidence, Person, Role
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.domain.sign_in import Proof
from authz_service.policy.bundle import build, collect
from authz_service.store import SqlStore
from authz_service.usecases.answers import Answer
from authz_service.usecases.before import MOST, Decided, Memory, Standing
from authz_service.web.lean.form import Form, form_in
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    P001,
    P061_REGISTRO,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.fakes.clock import NOON
from tests.fakes.policies import GRANT, STEP_UP, ScriptedPolicy, deny_all
from tests.fakes.store import untold
from tests.policy.compiled import policy
from tests.policy.test_shipped import SHIPPED
from tests.store.asking import a_delegation, a_standing, an_event, grant, happen
from tests.store.records import HOUR, TICK, keep, sign_in
from tests.usecases.held_house import HeldHouse, Sent
from tests.usecases.house import CALLER

MAY_OPEN = Question(MEMBER, "open", ProcessAsked(ProcessName("P001"), COMPANY))
IN_COMPANY = Question(REPRESENTATIVE, "read_delegations", CompanyAsked(COMPANY))
DELEGATES = Question(
    REPRESENTATIVE, "delegate", ProcessAsked(ProcessName("P001"), COMPANY), recipient=MEMBER
)
SIGNED_IN = replace(IN_COMPANY, sign_in="handle-of-one")
BY_LOGIN = replace(IN_COMPANY, actor=Login("m.keller"))
UNCLEAR = replace(MAY_OPEN, resource=ProcessAsked(ProcessName("P061"), COMPANY))
NOBODY = Impossible("open", INVALID_IDENTIFIER)
UNREAD = InvalidInput("subject", "is required")
RECORD = Question(MEMBER, "read", Thing(EntityName("record", "7")))


def by_facts(question: Question, facts: Facts) -> Decision:
    """Say all that is known as the reason, so that nothing of it changes unnoticed."""
    allowed = question.action in ("open", "read")
    # Whether a bag with nothing in it can be written to makes no difference.
    said = f"{question.action} {facts!r}".replace("mappingproxy({})", "{}")
    return Decision(allowed=allowed, reasons=(said,))


@pytest.fixture(name="house", params=["alone", "in a batch"])
def _house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[HeldHouse]:
    """Give a house with something of everything, whose policy says all that it knows."""
    with closing(HeldHouse(tmp_path)) as house:
        house.alone = request.param == "alone"
        house.policy.verdict = by_facts
        plain = house.plain
        plain.registry.save_person(Person(MEMBER, NOON, NOON), untold)
        plain.registry.save_person(Person(REPRESENTATIVE, NOON, NOON), untold)
        plain.registry.save_standing(a_standing(ends_at=NOON + 5 * HOUR), untold)
        plain.registry.save_bond(Bond(FILIAL, COMPANY, "SEI", NOON, NOON.date()), untold)
        granted = an_event(last_day=date(2026, 11, 21))
        grant(plain, replace(a_delegation("one"), history=(granted,)))
        keep(plain, sign_in("one"))
        yield house


def remember(house: HeldHouse, *asked: Sent) -> None:
    """Ask until it is remembered: read, found held, and from then on known."""
    for _ in range(3):
        house.ask(*asked)
    before = house.facts.gathered
    house.ask(*asked)
    assert before == house.facts.gathered


# The same again


def test_what_is_asked_again_is_decided_as_anew(house: HeldHouse) -> None:
    """It has a name, a moment, a caller and a request of its own, and the content of the first."""
    other = Caller("bpm", frozenset({"decide"}), "10.9.9.9", reasons=True)
    for turn in range(6):
        caller = CALLER if turn % 2 else other
        house.same(MAY_OPEN, caller=caller, request_id=f"request {turn}")
        house.clock.advance(timedelta(milliseconds=7))
    records = house.decisions
    assert 2 == house.facts.gathered
    assert 6 == len({one.id for one in records}) == len({one.id[-12:] for one in records})
    assert [NOON + turn * timedelta(milliseconds=7) for turn in range(6)] == [
        one.moment for one in records
    ]
    assert [f"request {turn}" for turn in range(6)] == [one.request_id for one in records]
    assert ["bpm", "orquestra"] * 3 == [one.caller.name for one in records]
    assert [[one] for one in records] == house.heard


@pytest.mark.parametrize(
    "question",
    [MAY_OPEN, IN_COMPANY, DELEGATES, SIGNED_IN, BY_LOGIN, replace(MAY_OPEN, context={"a": 1})],
    ids=["process", "company", "recipient", "sign-in", "login", "context in vain"],
)
def test_whatever_can_be_remembered_is(house: HeldHouse, question: Question) -> None:
    """Of each kind, the third time nobody is asked, and it is the decision of the first."""
    house.policy.heeds_asserted = False
    house.ask(question)
    assert [1, 2, 2, 2] == [
        house.facts.gathered,
        *(house.ask(question) and house.facts.gathered for _ in range(3)),
    ]
    first, *others = house.decisions
    assert [first._replace(id="", latency_us=0)] * 3 == [
        one._replace(id="", latency_us=0) for one in others
    ]


def test_an_equal_question_is_asked_for_itself(house: HeldHouse) -> None:
    """It is known by which object it is, so another is found held, and remembered then."""
    remember(house, MAY_OPEN)
    before = house.facts.gathered
    equal = replace(MAY_OPEN)
    for _ in range(3):
        house.same(equal)
        house.same(MAY_OPEN)
    assert before + 1 == house.facts.gathered


def test_another_question_in_the_place_of_one_that_is_gone(house: HeldHouse) -> None:
    """The number of an object is given again when it is gone; what was known of it is not."""
    gone = replace(MAY_OPEN)
    remember(house, gone)
    decided = house.point.memory.standing.decided
    other = replace(IN_COMPANY)
    decided[id(other)] = decided.pop(id(gone))
    assert "read_delegations" == house.same(other)[0].question.action  # type: ignore[union-attr]
    del gone
    gc.collect()
    decided[id(DELEGATES)] = next(iter(decided.values()))
    house.same(DELEGATES)


def test_who_has_not_looked_is_told_nothing_out_of_memory(house: HeldHouse) -> None:
    """Without a look nobody knows that the state is the last one: then it is looked."""
    remember(house, MAY_OPEN)
    house.plain.registry.save_person(Person(MEMBER), untold)
    answer = house.point.decide(MAY_OPEN, CALLER)
    assert by_facts(MAY_OPEN, house.plain.facts.gather([MAY_OPEN], NOON).facts[0]) == (  # type: ignore[arg-type]
        answer.decision
    )


def test_nothing_of_a_request_is_held_beyond_it(house: HeldHouse) -> None:
    """A question that nobody holds any more is gone, though it was remembered."""
    question = replace(MAY_OPEN, action="read")
    seen = weakref.ref(question)
    remember(house, question)
    house.log.records.clear()
    house.heard.clear()
    del question
    gc.collect()
    assert seen() is None
    house.same(MAY_OPEN)


def test_what_was_decided_on_a_state_goes_with_it(house: HeldHouse) -> None:
    """With the first decision on the next one, all that was decided before is forgotten."""
    questions = [replace(MAY_OPEN) for _ in range(5)]
    for one in questions:
        remember(house, one)
    assert len(questions) == len(house.point.memory.standing.decided)
    house.plain.registry.save_person(Person(STRANGER), untold)
    for _ in range(2):
        house.ask(questions[0])
    assert [id(questions[0])] == list(house.point.memory.standing.decided)


# What changes


def _replaced(house: HeldHouse, new: ScriptedPolicy) -> None:
    house.policies.policy = new


def _denying() -> ScriptedPolicy:
    denying = ScriptedPolicy(deny_all)
    denying.digest = "d" * 64
    return denying


CHANGES: dict[str, tuple[Question, Callable[[HeldHouse], object]]] = {
    "revoked": (
        MAY_OPEN,
        lambda house: happen(house.plain, "one", an_event(EventKind.REVOKED)),
    ),
    "renounced": (
        MAY_OPEN,
        lambda house: happen(house.plain, "one", an_event(EventKind.RENOUNCED, MEMBER)),
    ),
    "shortened": (
        MAY_OPEN,
        lambda house: happen(
            house.plain, "one", an_event(EventKind.EXTENDED, last_day=date(2026, 11, 19))
        ),
    ),
    "granted": (
        replace(MAY_OPEN, actor=PARTNER),
        lambda house: grant(house.plain, a_delegation("two", member=PARTNER)),
    ),
    "erased": (MAY_OPEN, lambda house: house.plain.personal_data.erase(MEMBER, untold)),
    "recipient erased": (DELEGATES, lambda house: house.plain.personal_data.erase(MEMBER, untold)),
    "login erased": (
        BY_LOGIN,
        lambda house: house.plain.personal_data.erase(Login("m.keller"), untold),
    ),
    "unconfirmed": (
        MAY_OPEN,
        lambda house: house.plain.registry.save_person(Person(MEMBER, NOON), untold),
    ),
    "backer's standing": (
        MAY_OPEN,
        lambda house: house.plain.registry.save_standing(
            a_standing(role=Role.CONTADOR, evidence=Evidence.GOVBR), untold
        ),
    ),
    "own standing": (
        IN_COMPANY,
        lambda house: house.plain.registry.save_standing(a_standing(role=Role.CONTADOR), untold),
    ),
    "matriz": (
        replace(IN_COMPANY, resource=CompanyAsked(FILIAL)),
        lambda house: house.plain.registry.save_standing(a_standing(role=Role.CONTADOR), untold),
    ),
    "bond": (
        IN_COMPANY,
        lambda house: house.plain.registry.save_bond(
            Bond(COMPANY, FILIAL, "SEI", NOON, NOON.date()), untold
        ),
    ),
    "signed in": (
        replace(IN_COMPANY, sign_in="handle-of-two"),
        lambda house: keep(house.plain, sign_in("two")),
    ),
    "process closed": (
        MAY_OPEN,
        lambda house: house.plain.catalogue.save_processes(
            [replace(P001, state=ProcessState.CLOSED)], NOON, untold
        ),
    ),
    "process renamed": (
        MAY_OPEN,
        lambda house: house.plain.catalogue.save_processes(
            [replace(P001, title="Outro", version=4)], NOON, untold
        ),
    ),
    "policy": (MAY_OPEN, lambda house: _replaced(house, _denying())),
    "own write": (
        MAY_OPEN,
        lambda house: house.store.registry.save_person(Person(MEMBER, NOON), untold),
    ),
    "the last day": (MAY_OPEN, lambda house: house.clock.advance(timedelta(hours=36))),
    "a standing's end": (IN_COMPANY, lambda house: house.clock.advance(5 * HOUR)),
    "a sign-in's end": (SIGNED_IN, lambda house: house.clock.advance(HOUR)),
    "a minute": (SIGNED_IN, lambda house: house.clock.advance(timedelta(minutes=1))),
    "a day": (IN_COMPANY, lambda house: house.clock.advance(timedelta(days=1))),
    "back before it began": (IN_COMPANY, lambda house: house.clock.advance(-HOUR)),
}


@pytest.mark.parametrize(("question", "change"), CHANGES.values(), ids=CHANGES)
def test_the_very_next_decision_is_the_new_one(
    house: HeldHouse, question: Question, change: Callable[[HeldHouse], object]
) -> None:
    """Once a call that changes anything has returned, or its time has come: at once."""
    remember(house, question)
    before = house.decisions[-1]
    change(house)
    for _ in range(4):
        house.same(question)
    after = house.decisions[-4:]
    assert [False] * 4 == [
        (one.decision, one.asked) == (before.decision, before.asked) for one in after
    ]


def test_what_is_undone_is_decided_as_before(house: HeldHouse) -> None:
    """Back and forth between two states and two policies, each decision is of its own."""
    denying = _denying()
    said = []
    for turn in range(8):
        _replaced(house, denying if turn % 2 else house.policy)
        if turn % 4 == 2:
            confirmed = None if turn == 2 else NOON
            house.plain.registry.save_person(Person(MEMBER, NOON, confirmed), untold)
        said += [house.same(MAY_OPEN)[0].decision for _ in range(4)]  # type: ignore[union-attr]
    assert ([True] * 4 + [False] * 4) * 4 == [one.allowed for one in said]
    assert 3 == len(set(said))


def test_a_remembered_decision_lasts_as_long_as_the_facts(house: HeldHouse) -> None:
    """Until the instant before the end nobody is asked; at the end, and before the begin, anew."""
    remember(house, SIGNED_IN)
    before = house.facts.gathered
    house.clock.moment = NOON + timedelta(minutes=1) - TICK
    house.same(SIGNED_IN)
    house.clock.moment = NOON
    house.same(SIGNED_IN)
    assert before == house.facts.gathered
    for count, moment in enumerate((NOON - TICK, NOON + timedelta(minutes=1)), start=1):
        house.clock.moment = moment
        house.same(SIGNED_IN)
        assert before + count == house.facts.gathered


def test_a_restored_file_counts(tmp_path: Path, house: HeldHouse) -> None:
    """Of the same revision, but with other names in it: nothing of the later is written down."""
    house.plain.backup(tmp_path / "backup.db", untold)
    remember(house, MAY_OPEN)
    old = house.decisions[-1].asked.actor
    house.plain.close()
    for end in ("-wal", "-shm"):
        (tmp_path / f"store.db{end}").unlink(missing_ok=True)
    (tmp_path / "backup.db").replace(tmp_path / "store.db")
    house.ask(MAY_OPEN)
    with closing(SqlStore(house.url)) as restored:
        now = restored.surrogates.known(MEMBER)
    assert (now, False) == (house.decisions[-1].asked.actor, now == old)


def test_a_store_that_is_gone_decides_nothing(tmp_path: Path, house: HeldHouse) -> None:
    """Though the decision would be known: what cannot be confirmed is not told."""
    remember(house, MAY_OPEN)
    count = len(house.log.records)
    (tmp_path / "store.db").rename(tmp_path / "away.db")
    with pytest.raises(StoreUnavailable):
        house.ask(MAY_OPEN)
    with pytest.raises(StoreUnavailable):
        house.point.decide(MAY_OPEN, CALLER)
    (tmp_path / "away.db").rename(tmp_path / "store.db")
    assert count == len(house.log.records)
    house.same(MAY_OPEN)


def test_the_shipped_policies_decide_again_as_at_first(house: HeldHouse) -> None:
    """A member opens what was delegated to him, often; once it is revoked, no more."""
    house.plain.registry.save_standing(a_standing(evidence=Evidence.GOVBR), untold)
    house.policies.policy = build(collect(SHIPPED))
    remember(house, MAY_OPEN)
    before = [house.same(MAY_OPEN)[0] for _ in range(3)]
    happen(house.plain, "one", an_event(EventKind.REVOKED))
    after = [house.same(MAY_OPEN)[0] for _ in range(4)]
    assert [True] * 3 + [False] * 4 == [
        one.decision.allowed for one in [*before, *after] if isinstance(one, Answer)
    ]


# Who decides nothing


@pytest.mark.parametrize("until", [None, True, False])
@pytest.mark.parametrize("advise", [False, True])
def test_a_batch_that_was_asked_before_is_answered_alike(
    house: HeldHouse, until: bool | None, advise: bool
) -> None:
    """Whatever stands among its questions, and however far it is to be decided."""
    house.policy.ways = (STEP_UP, GRANT)
    kinds: list[Sent] = [MAY_OPEN, IN_COMPANY, UNCLEAR, NOBODY, UNREAD, DELEGATES, RECORD]
    batches: list[list[Sent]] = [
        [MAY_OPEN, IN_COMPANY, DELEGATES],
        [IN_COMPANY, DELEGATES, MAY_OPEN, MAY_OPEN],
        kinds,
        kinds[::-1],
        [UNCLEAR],
        [NOBODY, UNREAD],
        [],
    ]
    for _ in range(4):
        for batch in batches:
            house.same(*batch, until=until, advise=advise)


_KINDS = st.sampled_from(
    [
        *(MAY_OPEN, IN_COMPANY, UNCLEAR, NOBODY, UNREAD, DELEGATES, RECORD, SIGNED_IN, BY_LOGIN),
        replace(MAY_OPEN, context={"a": 1}),
        replace(IN_COMPANY, proof=Proof(REPRESENTATIVE, (), None, None, False, NOON, NOON + HOUR)),
    ]
)
_STEPS = st.one_of(
    st.tuples(st.just("ask"), st.lists(_KINDS, max_size=4), st.sampled_from([None, True, False])),
    st.tuples(st.just("advance"), st.sampled_from([TICK, HOUR, -HOUR, timedelta(minutes=1)])),
    st.tuples(st.just("confirm"), st.booleans()),
    st.tuples(st.just("policy"), st.booleans()),
)


@given(st.lists(_STEPS, max_size=14))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_it_is_decided_as_anew(
    house: HeldHouse, steps: list[tuple[Any, ...]]
) -> None:
    """Batches of any kind, writes, other policies and a clock that jumps, in any order."""
    house.clock.moment, house.policies.policy = NOON, house.policy
    for kind, *rest in steps:
        if kind == "ask":
            batch, until = rest
            for _ in range(3):
                house.same(*batch, until=until)
        elif kind == "advance":
            house.clock.advance(rest[0])
        elif kind == "confirm":
            confirmed = NOON if rest[0] else None
            house.plain.registry.save_person(Person(MEMBER, NOON, confirmed), untold)
        elif rest[0]:
            house.policies.policy = _denying()
        else:
            house.policies.policy = house.policy


def test_an_ambiguous_name_is_told_each_time(house: HeldHouse) -> None:
    """One among questions that were decided before makes the whole batch anew, and no decision."""
    remember(house, MAY_OPEN)
    count = len(house.decisions)
    for _ in range(3):
        with pytest.raises(AmbiguousProcess, match=P061_REGISTRO.label):
            house.point.decide_all([MAY_OPEN, UNCLEAR], CALLER, looked=True)
    assert count == len(house.decisions)


@pytest.mark.parametrize("asked", [[IN_COMPANY], [IN_COMPANY, MAY_OPEN]], ids=["one", "two"])
def test_advice_is_given_each_time_it_is_wanted(house: HeldHouse, asked: list[Question]) -> None:
    """Whether the first who asked wanted it or not; and none of an allow."""
    house.policy.ways = (STEP_UP,)
    remember(house, *asked)
    before = house.facts.gathered
    for wanted in (True, False, True):
        advised = [one.decision for one in house.same(*asked) if isinstance(one, Answer)]
        assert [STEP_UP if wanted and not one.allowed else None for one in advised] == [
            one.advice for one in house.same(*asked, advise=wanted) if isinstance(one, Answer)
        ]
    assert before == house.facts.gathered


class AdvisingPolicy(ScriptedPolicy):
    """Denies whatever is asked, and counts in ``advised`` how often its advice was worked out."""

    def __init__(self, *ways: Way) -> None:
        super().__init__(deny_all)
        self.ways = ways
        self.advised = 0

    def advice(self, question: Question, facts: Facts, decision: Decision) -> Way | None:
        """Count, and give a way that is another object each time."""
        self.advised += 1
        found = super().advice(question, facts, decision)
        return None if found is None else replace(found)


@pytest.mark.parametrize("ways", [(STEP_UP,), (GRANT,), ()], ids=["alone", "others", "none"])
def test_advice_is_worked_out_once_for_what_is_remembered(
    house: HeldHouse, ways: tuple[Way, ...]
) -> None:
    """It is that of the first who wanted it, also where there is none; others do not ask for it."""
    house.alone = True
    policy = AdvisingPolicy(*ways)
    house.policies.policy = policy
    remember(house, IN_COMPANY)
    assert 0 == policy.advised
    given = [house.ask(IN_COMPANY, advise=wanted)[0] for wanted in (True, False, True, True)]
    said = [one.advice for one in given if isinstance(one, Answer)]
    expected = ways[0] if ways else None
    assert [expected, None, expected, expected] == said
    assert said[0] is said[2] is said[3]
    assert 1 == policy.advised


@pytest.mark.parametrize("what", ["policy", "store", "question"])
def test_advice_is_of_what_was_decided(house: HeldHouse, what: str) -> None:
    """Under another policy, on another state or of another question it is worked out anew."""
    house.alone = True
    first, second = AdvisingPolicy(STEP_UP), AdvisingPolicy(GRANT)
    house.policies.policy = first
    for _ in range(4):
        house.same(IN_COMPANY, advise=True)
    other, policy = IN_COMPANY, first
    if what == "policy":
        house.policies.policy = policy = second
    elif what == "store":
        house.plain.registry.save_person(Person(REPRESENTATIVE, NOON), untold)
        first.ways = (GRANT,)
    else:
        other = MAY_OPEN
        first.ways = (GRANT,)
    before = policy.advised
    said = [house.ask(other, advise=True)[0] for _ in range(5)]
    assert [GRANT] * 5 == [one.advice for one in said if isinstance(one, Answer)]
    assert 3 >= policy.advised - before > 0


def test_no_advice_is_worked_out_of_an_allow(house: HeldHouse) -> None:
    """However often somebody would like to have it."""
    house.alone = True
    house.policies.policy = policy = AdvisingPolicy(STEP_UP)
    policy.verdict = by_facts
    for _ in range(5):
        [answer] = house.ask(MAY_OPEN, advise=True)
        assert isinstance(answer, Answer)
        assert (True, None) == (answer.decision.allowed, answer.advice)
    assert 0 == policy.advised


def _form(instance: object, **members: object) -> Form:
    sent = {"cpf": MEMBER.digits, "cnpj": COMPANY.value, "processo": "P001", "acao": "iniciar"}
    found = form_in(json.dumps({**sent, **members, "instancia": instance}).encode())
    assert found is not None
    return found


def test_a_form_with_another_instance_is_decided_out_of_memory(house: HeldHouse) -> None:
    """Each of its records has its own instance, or none, and all else is that of the first."""
    house.alone = True
    instances = ["4711", 4712, None, "", MEMBER.digits, "x" * 64, f"{MEMBER.digits} 1", 4711]
    for one in instances:
        form = _form(one)
        assert form.question is _form("other").question
        house.ask(form.question, instance=form.instance)
    assert 2 == house.facts.gathered
    records = house.decisions
    assert ["4711", "4712", None, "", "[cpf]", "x" * 64, "[cpf] 1", "4711"] == [
        one.instance for one in records
    ]
    assert 8 == len({one.id for one in records})
    assert [records[0]._replace(id="", latency_us=0, instance=None)] * 8 == [
        one._replace(id="", latency_us=0, instance=None) for one in records
    ]
    assert records[2].asked is records[7].asked


def test_an_instance_is_cut_and_cleaned_out_of_memory_as_well(house: HeldHouse) -> None:
    """Out of memory as at first: sixty-four characters, and no half of a CPF at their end."""
    house.alone = True
    long = "a" * 55 + " " + MEMBER.digits + " " + "b" * 50
    for _ in range(5):
        house.ask(MAY_OPEN, instance=long)
        house.ask(MAY_OPEN)
    assert 2 == house.facts.gathered
    clean, *others = [one.instance for one in house.decisions]
    assert ("a" * 55 + " [cpf] bb", [None, clean] * 4 + [None]) == (clean, others)


def test_a_form_with_a_handle_is_asked_each_time(house: HeldHouse) -> None:
    """Its question goes with it, so nothing is remembered of it, and it is decided as anew."""
    house.alone = True
    for _ in range(4):
        house.same(_form(None, sessao="handle-of-one").question)
    assert 4 == house.facts.gathered
    house.log.records.clear()
    house.heard.clear()
    gc.collect()
    assert {None} == {one.question() for one in house.point.memory.standing.decided.values()}


def test_what_was_not_written_is_not_given_again_either(house: HeldHouse) -> None:
    """A log that refuses has nobody told of a known decision, nor anybody hear of it."""
    remember(house, MAY_OPEN)
    heard, house.log.broken = len(house.heard), True
    with pytest.raises(LogUnavailable):
        house.ask(MAY_OPEN)
    assert heard == len(house.heard)
    house.log.broken = False
    house.same(MAY_OPEN)


# What is not remembered

ERRED = (RuleError("a.polar:1", "took too long"),)


@pytest.mark.parametrize(
    "question",
    [
        RECORD,
        replace(MAY_OPEN, actor=Thing(EntityName("user", "u1"))),
        replace(MAY_OPEN, context={"a": 1}),
        replace(MAY_OPEN, properties={"a": 1}),
        replace(IN_COMPANY, proof=Proof(REPRESENTATIVE, (), None, None, False, NOON, NOON + HOUR)),
        UNCLEAR,
    ],
    ids=["thing", "actor", "context", "properties", "proof", "ambiguous"],
)
def test_what_need_not_be_the_same_is_decided_anew(house: HeldHouse, question: Question) -> None:
    """Entities, what is heeded of assertions, a proof: each time."""
    house.entities.stored = {EntityName("record", "7"): {"a": 1}, EntityName("user", "u1"): {}}
    for turn in range(1, 5):
        house.same(question)
        assert turn == house.facts.gathered
    assert {} == house.point.memory.standing.decided


def test_what_is_stored_of_an_entity_counts_at_once(house: HeldHouse) -> None:
    """It is in no state of the store, so nobody would know that it changed."""
    house.policy.verdict = lambda _question, facts: Decision(
        allowed=True,
        reasons=(f"{facts.resource.properties}",),  # type: ignore[union-attr]  # of an entity
    )
    for turn in range(4):
        house.entities.stored = {EntityName("record", "7"): {"turn": turn}}
        [answer] = house.same(RECORD)
        assert isinstance(answer, Answer)
        assert f"{{'turn': {turn}}}" == answer.decision.reason


def test_what_has_erred_is_asked_again(house: HeldHouse) -> None:
    """A rule that had no time may have it the next time."""
    house.policy.verdict = lambda *_: Decision(allowed=False, reasons=("no-permit",), errors=ERRED)
    for _ in range(3):
        house.same(MAY_OPEN)
    house.policy.verdict = by_facts
    assert [()] == [one.decision.errors for one in house.same(MAY_OPEN)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "question",
    [MAY_OPEN, IN_COMPANY],
    ids=["process", "company"],
)
def test_what_is_heeded_is_followed(house: HeldHouse, question: Question) -> None:
    """A policy that reads the context gets that of each question, whoever asked before."""
    house.policy.verdict = lambda _question, facts: Decision(
        bool(facts.question.context.get("inside")), reasons=("context",)
    )
    brought = [replace(question, context={"inside": inside}) for inside in (True, False)]
    for _ in range(3):
        said = house.same(question, *brought)
        assert [False, True, False] == [
            one.decision.allowed for one in said if isinstance(one, Answer)
        ]


_PERMIT = 'permit(_p: Person, "open", r: Process, "first") if r.state = "open"'
HEEDING = {
    "permit": f"{_PERMIT} and r.question.context.inside = true;",
    "forbid": f"{_PERMIT};\n"
    'forbid(_p: Person, "open", r: Process, "second") if not r.question.context.inside = true;',
    "helper": f"{_PERMIT} and near(r.question);\nnear(q: Question) if q.context.inside = true;",
}


@pytest.mark.parametrize("rules", HEEDING.values(), ids=HEEDING)
def test_a_rule_that_reads_the_context_gets_it(house: HeldHouse, rules: str) -> None:
    """Wherever it reads it, and whatever the policy before it did: what was asked counts."""
    compiled, shipped = policy(rules), policy(f"{_PERMIT};")
    assert (True, False) == (compiled.heeds_asserted, shipped.heeds_asserted)
    asked = [replace(MAY_OPEN, context={"inside": inside}) for inside in (True, False)]
    for _ in range(2):
        house.policies.policy = shipped
        for _ in range(3):
            # Their answers hold facts without what nobody heeds, so they are not those made anew.
            said = [house.ask(one)[0] for one in asked]
            assert [True, True] == [one.decision.allowed for one in said if isinstance(one, Answer)]
        house.policies.policy = compiled
        for _ in range(3):
            said = [house.same(one)[0] for one in asked]
            assert [True, False] == [
                one.decision.allowed for one in said if isinstance(one, Answer)
            ]


# The memory itself


ALLOWED = Decision(allowed=True, reasons=("represents",))


def _kept(standing: Standing, question: Question, decision: Decision = ALLOWED) -> None:
    facts = facts_of(question, Known(), NOON)
    asked = Asked(action=question.action)
    standing.keep(question, Decided(question, facts, decision, asked, ALWAYS))


@pytest.mark.parametrize(
    ("question", "decision", "kept"),
    [
        (MAY_OPEN, ALLOWED, True),
        (DELEGATES, ALLOWED, True),
        (BY_LOGIN, ALLOWED, True),
        (RECORD, ALLOWED, False),
        (replace(IN_COMPANY, actor=Thing(EntityName("user", "u1"))), ALLOWED, False),
        (MAY_OPEN, replace(ALLOWED, errors=ERRED), False),
    ],
)
def test_what_comes_again_is_kept(question: Question, decision: Decision, kept: bool) -> None:
    """Nothing about entities, which are described each time, and nothing that erred."""
    standing = Standing(object(), object(), 1)
    _kept(standing, question, decision)
    assert ([id(question)] if kept else []) == list(standing.decided)


def test_a_memory_is_of_one_state_and_one_policy() -> None:
    """Another of either finds nothing, and what was there is forgotten."""
    memory, one, other = Memory(), object(), object()
    first = memory.of(one, one, 1)
    _kept(first, MAY_OPEN)
    assert memory.of(one, one, 1) is first
    for state, by in ((one, other), (other, other), (other, one), (one, one)):
        standing = memory.of(state, by, 2)
        assert (state, by, 2, {}) == (
            standing.state,
            standing.policy,
            standing.revision,
            standing.decided,
        )
        assert memory.standing is standing
        _kept(standing, MAY_OPEN)


def test_there_is_room_for_so_many() -> None:
    """When there is no more, all is forgotten, and it begins anew."""
    standing = Standing(object(), object(), 1)
    facts, asked = facts_of(MAY_OPEN, Known(), NOON), Asked(action="open")
    questions = [Question(MEMBER, "open", MAY_OPEN.resource) for _ in range(MOST + 1)]
    for one in questions[:MOST]:
        standing.keep(one, Decided(one, facts, ALLOWED, asked, ALWAYS))
    assert MOST == len(standing.decided)
    standing.keep(questions[MOST], Decided(questions[MOST], facts, ALLOWED, asked, ALWAYS))
    assert [id(questions[MOST])] == list(standing.decided)


# At once


def test_whoever_asks_after_a_write_is_told_what_was_written(house: HeldHouse) -> None:
    """While other threads ask the same without end, of one decision point."""
    house.policy.verdict = lambda _question, facts: Decision(
        facts.actor.confirmed,  # type: ignore[union-attr]
        reasons=("represents",),
    )
    questions = [MAY_OPEN, *(replace(MAY_OPEN) for _ in range(3))]
    done, failed = threading.Event(), []

    def ask() -> None:
        while not done.is_set():
            try:
                house.ask(*questions)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
                failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for one in threads:
        one.start()
    try:
        for turn in range(40):
            confirmed = NOON if turn % 2 else None
            revision = house.plain.registry.save_person(Person(MEMBER, NOON, confirmed), untold)
            for _ in range(4):
                said = house.ask(*questions)
                assert [(bool(turn % 2), revision)] * 4 == [
                    (one.decision.allowed, one.revision) for one in said if isinstance(one, Answer)
                ]
    finally:
        done.set()
        for one in threads:
            one.join()
    assert [] == failed
    ids = [one.id for one in house.decisions]
    assert len(ids) == len(set(ids))
