"""The decision point: one moment, one policy, one state, written down, then answered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from authz_service.domain.decision import (
    INVALID_IDENTIFIER,
    UNKNOWN_TYPE,
    Asked,
    CompanyAsked,
    Decision,
    DecisionRecord,
    Impossible,
    Observation,
    ProcessAsked,
    Question,
    RuleError,
)
from authz_service.domain.errors import (
    AmbiguousProcess,
    LogUnavailable,
    PolicyUnavailable,
    StoreUnavailable,
    Unavailable,
)
from authz_service.domain.facts import Facts
from authz_service.domain.people import Evidence, Role
from authz_service.domain.processes import ProcessName
from authz_service.usecases.ports import FactSource, Snapshot, Text
from tests.domain.document import (
    COMPANY,
    MEMBER,
    P001,
    P061_REGISTRO,
    PARTNER,
    REPRESENTATIVE,
    STRANGER,
)
from tests.effort import cleaned
from tests.fakes.clock import NOON
from tests.fakes.policies import ScriptedPolicy, deny_all
from tests.fakes.store import untold
from tests.usecases.delegating import give
from tests.usecases.house import CALLER, House, leaks, texts_of
from tests.usecases.signing_in import HOUR, SAID, ingest

QUESTION = Question(MEMBER, "open", ProcessAsked(ProcessName("P001", 3), COMPANY))
ABOUT_COMPANY = Question(REPRESENTATIVE, "read_delegations", CompanyAsked(COMPANY))
NOBODY = Impossible("open", INVALID_IDENTIFIER)


class HearingFacts:
    """The port ``FactSource``: passes on, and keeps whether the caller had looked."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self.looked: list[bool] = []

    @property
    def state(self) -> object:
        """What the other has."""
        return self._facts.state

    def gather(
        self,
        questions: Sequence[Question],
        moment: datetime,
        *,
        looked: bool = False,
        heeded: bool = True,
    ) -> Snapshot:
        """Keep *looked*, and give what the other gives."""
        self.looked.append(looked)
        return self._facts.gather(questions, moment, looked=looked, heeded=heeded)


def named(text: str, version: int | None = None) -> Question:
    """Give the question about another process."""
    return replace(QUESTION, resource=ProcessAsked(ProcessName(text, version), COMPANY))


def test_an_answer_carries_the_decision_its_text_and_the_process(house: House) -> None:
    """The answer says what was decided about what, and under which name it is in the log."""
    answer = house.point.decide(QUESTION, CALLER)
    [record] = house.decisions
    assert record.id == answer.id
    assert Decision(allowed=True, reasons=("represents",)) == answer.decision == record.decision
    assert P001.label == answer.process
    said = f"represents open {P001.label} 52.420.282/0001-80"
    assert Text("REPRESENTS", f"pt {said}", f"en {said}") == answer.text


def test_a_record_holds_the_question_and_what_decided_it(house: House) -> None:
    """Whoever reads the log finds who asked what, what was answered, and on which grounds."""
    decision = Decision(
        allowed=False,
        reasons=("process-closed", "no-permit"),
        rules=("a.polar:3",),
        evidence=(Observation("process.state", "closed"),),
        errors=(RuleError("b.polar:1", "unknown fact"),),
    )
    house.policy.verdict = lambda _question, _facts: decision
    house.policy.digest = "ab" * 32
    revision = house.store.facts.gather([], NOON).revision
    house.point.decide(
        replace(
            QUESTION,
            recipient=PARTNER,
            actor_evidence=Evidence.GOVBR,
            context={"cpf": MEMBER.digits},
            properties={"cpf": MEMBER.digits},
        ),
        CALLER,
        instance="4711",
    )
    [record] = house.decisions
    expected = DecisionRecord(
        id=record.id,
        moment=NOON,
        caller=CALLER,
        asked=Asked(
            action="open",
            actor=house.surrogate(MEMBER),
            actor_type="person",
            recipient=house.surrogate(PARTNER),
            company=COMPANY,
            process=P001.id,
            named="P001",
            version=3,
            actor_evidence=Evidence.GOVBR,
        ),
        decision=decision,
        policy_digest="ab" * 32,
        store_revision=revision,
        latency_us=record.latency_us,
        instance="4711",
    )
    assert expected == record


def test_a_question_about_a_company_names_no_process(house: House) -> None:
    """Such a record has neither process nor version, and the text speaks of the company only."""
    answer = house.point.decide(ABOUT_COMPANY, CALLER)
    asked = house.decisions[0].asked
    assert (COMPANY, None, None, None, None) == (
        asked.company,
        asked.process,
        asked.named,
        asked.version,
        asked.recipient,
    )
    assert answer.process is None
    assert "pt represents read_delegations  52.420.282/0001-80" == answer.text.pt


def test_every_decision_has_a_name_of_its_own(house: House) -> None:
    """Equal questions are two decisions."""
    answers = house.point.decide_all([QUESTION, QUESTION], CALLER)
    answers.append(house.point.decide(QUESTION, CALLER))
    assert 3 == len({answer.id for answer in answers})
    assert [record.id for record in house.decisions] == [answer.id for answer in answers]


def test_latency_grows_within_a_batch_and_is_counted_in_microseconds(house: House) -> None:
    """It counts from the question to the decision, so a later one of a batch took longer."""

    def slow(_question: Question, _facts: Facts) -> Decision:
        total = sum(range(50_000))
        return Decision(allowed=total > 0, reasons=("represents",))

    house.policy.verdict = slow
    house.point.decide_all([QUESTION] * 3, CALLER)
    latencies = [record.latency_us for record in house.decisions]
    assert sorted(latencies) == latencies
    assert 0 < latencies[0] < latencies[-1] < 60_000_000
    assert {int} == {type(one) for one in latencies}


# One moment, one policy, one state


def test_a_batch_is_decided_at_one_moment(house: House) -> None:
    """A clock that goes on meanwhile changes nothing within a batch."""

    def during(_question: Question, _facts: Facts) -> Decision:
        house.clock.advance(timedelta(days=1))
        return Decision(allowed=True, reasons=("represents",))

    house.policy.verdict = during
    house.point.decide_all([QUESTION, ABOUT_COMPANY], CALLER)
    assert [NOON, NOON] == [record.moment for record in house.decisions]


def test_the_facts_are_those_of_that_moment(house: House) -> None:
    """What ends on a day is over in the facts of the next one."""
    seen = []

    def looking(_question: Question, facts: Facts) -> Decision:
        seen.append(facts.resource.standing.in_force)  # type: ignore[union-attr]  # a company is asked about
        return Decision(allowed=True, reasons=("represents",))

    house.policy.verdict = looking
    house.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, NOON + timedelta(1), CALLER)
    house.point.decide(ABOUT_COMPANY, CALLER)
    house.clock.advance(timedelta(days=1))
    house.point.decide(ABOUT_COMPANY, CALLER)
    assert [True, False] == seen


def test_a_batch_is_decided_by_one_policy(house: House) -> None:
    """A policy that is swapped in meanwhile decides the next batch, not the rest of this one."""
    after = ScriptedPolicy(deny_all)
    after.digest = "f" * 64

    def swapping(_question: Question, _facts: Facts) -> Decision:
        house.policies.policy = after
        return Decision(allowed=True, reasons=("represents",))

    house.policy.verdict = swapping
    answers = house.point.decide_all([QUESTION, QUESTION], CALLER)
    answers.append(house.point.decide(QUESTION, CALLER))
    assert [True, True, False] == [answer.decision.allowed for answer in answers]
    digests = [record.policy_digest for record in house.decisions]
    assert [house.policy.digest, house.policy.digest, "f" * 64] == digests


def test_a_batch_is_decided_on_one_state_of_the_store(house: House) -> None:
    """A write in the middle of a batch is seen by the next one."""

    def writing(_question: Question, _facts: Facts) -> Decision:
        house.store.catalogue.save_processes([], NOON, untold)
        return Decision(allowed=True, reasons=("represents",))

    house.policy.verdict = writing
    house.point.decide_all([QUESTION, QUESTION], CALLER)
    house.point.decide(QUESTION, CALLER)
    first, second, third = (record.store_revision for record in house.decisions)
    assert (first, first + 2) == (second, third)


def by_process(question: Question, facts: Facts) -> Decision:
    """Allow P001 only, with the action as the reason."""
    process = None if facts.process is None else facts.process.code
    return Decision(allowed=process == "P001", reasons=(question.action,))


BATCH: Sequence[Question | Impossible] = (
    NOBODY,
    QUESTION,
    replace(named("P018"), action="delegate", recipient=STRANGER),
    Impossible("x", UNKNOWN_TYPE),
    ABOUT_COMPANY,
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(BATCH))))[::17])
def test_answers_and_records_keep_the_order_of_the_questions(
    house: House, order: Sequence[int]
) -> None:
    """Whatever stands beside a question, its answer is at its place and about it."""
    house.policy.verdict = by_process
    answers = house.point.decide_all([BATCH[number] for number in order], CALLER)
    expected = [
        (False, INVALID_IDENTIFIER),
        (True, "open"),
        (False, "delegate"),
        (False, UNKNOWN_TYPE),
        (False, "read_delegations"),
    ]
    found = [(answer.decision.allowed, answer.decision.reason) for answer in answers]
    assert [expected[number] for number in order] == found
    assert [answer.id for answer in answers] == [record.id for record in house.decisions]
    actors = [None, MEMBER, MEMBER, None, REPRESENTATIVE]
    names = [None if actor is None else house.surrogate(actor) for actor in actors]
    assert [names[number] for number in order] == [one.asked.actor for one in house.decisions]


def test_an_empty_batch_has_no_answers(house: House) -> None:
    """Nothing asked, nothing written."""
    assert [] == house.point.decide_all([], CALLER)
    assert [] == house.log.records


# Impossible questions


@pytest.mark.parametrize("reason", [INVALID_IDENTIFIER, UNKNOWN_TYPE])
def test_an_impossible_question_is_denied_without_asking_the_policy(
    house: House, reason: str
) -> None:
    """It is an answer like any other: logged, with a text, and about nobody."""
    house.policy.verdict = by_process  # it would read facts that there are none of
    answer = house.point.decide(Impossible("open", reason), CALLER, instance="4711")
    [record] = house.decisions
    assert Decision(allowed=False, reasons=(reason,)) == answer.decision == record.decision
    assert (Asked(action="open"), "4711") == (record.asked, record.instance)
    assert answer.process is None
    assert f"pt {reason} open  " == answer.text.pt
    assert {} == house.store._tables.surrogates


# Written before answered


def test_a_decision_that_was_not_written_is_not_given(house: House) -> None:
    """With the log broken nobody is answered, and no listener hears of a decision."""
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        house.point.decide_all([QUESTION, NOBODY], CALLER)
    assert ([], []) == (house.log.records, house.told)


def test_listeners_hear_of_a_batch_once_it_is_in_the_log(house: House) -> None:
    """They are told all records of the batch together, and find them written."""
    written: list[int] = []
    point = replace(
        house.point,
        listeners=(*house.point.listeners, lambda _records: written.append(len(house.decisions))),
    )
    point.decide_all([QUESTION, NOBODY], CALLER)
    assert [2] == written
    assert [house.decisions] == house.told


def test_alarms_hear_of_what_has_erred_alone(house: House) -> None:
    """Once it is in the log: what is right, and what could not be asked, alarms nobody."""
    heard: list[tuple[int, list[DecisionRecord]]] = []
    point = replace(
        house.point, alarms=(lambda records: heard.append((len(house.decisions), list(records))),)
    )
    point.decide_all([QUESTION, NOBODY], CALLER)
    assert [] == heard
    house.policy.verdict = lambda _question, _facts: Decision(
        allowed=False, reasons=("policy-error",), errors=(RuleError("a.polar:3", "x"),)
    )
    point.decide_all([QUESTION, NOBODY], CALLER)
    assert [(4, [house.decisions[2]])] == heard


def break_policy(house: House) -> None:
    """Take the policy away."""
    house.policies.policy = None


def break_store(house: House) -> None:
    """Take the database away."""
    house.store.broken = True


@pytest.mark.parametrize(
    ("breaking", "error"), [(break_policy, PolicyUnavailable), (break_store, StoreUnavailable)]
)
def test_without_policy_or_store_nothing_is_decided(
    house: House, breaking: Callable[[House], None], error: type[Unavailable]
) -> None:
    """That is no denial: nothing is answered and nothing is written."""
    breaking(house)
    with pytest.raises(error):
        house.point.decide(QUESTION, CALLER)
    assert ([], []) == (house.log.records, house.told)


# Names of processes


@pytest.mark.parametrize("beside", [(), (QUESTION,)])
def test_an_ambiguous_name_decides_nothing(house: House, beside: tuple[Question, ...]) -> None:
    """A code that two processes have is the caller's error, for the batch as a whole."""
    with pytest.raises(AmbiguousProcess):
        house.point.decide_all([*beside, named("P061")], CALLER)
    assert [] == house.log.records


def test_a_label_tells_what_its_code_does_not(house: House) -> None:
    """The record holds the process that was meant, and what the caller called it."""
    answer = house.point.decide(named("P061 - registro", 2), CALLER)
    asked = house.decisions[0].asked
    assert P061_REGISTRO.label == answer.process
    assert (P061_REGISTRO.id, "P061 - registro", 2) == (asked.process, asked.named, asked.version)


@pytest.mark.parametrize(
    ("question", "version"),
    [
        (named("P001"), 3),
        (named("P001", 1), 1),
        (named("P999", 2), 2),
        (named("P999"), None),
        (ABOUT_COMPANY, None),
    ],
    ids=["the newest", "the named one", "named of no process", "unknown", "of no process"],
)
def test_the_record_holds_the_version_that_was_meant(
    house: House, question: Question, version: int | None
) -> None:
    """Who names none means the newest, and later nobody could tell which that was."""
    house.point.decide(question, CALLER)
    assert version == house.decisions[0].asked.version


def test_the_record_names_the_delegation_that_bears_on_the_question(house: House) -> None:
    """So an auditor finds who granted and confirmed it; what has none says so."""
    [given] = give(house, (P001,))
    house.log.records.clear()
    house.point.decide_all([QUESTION, named("P018"), ABOUT_COMPANY, NOBODY], CALLER)
    assert [given.id, None, None, None] == [one.asked.delegation for one in house.decisions]


# The sign-in that the actor acts in


def test_the_record_names_the_sign_in_in_force_and_how_the_actor_is_known(house: House) -> None:
    """By its id, which the act that began it tells, too; then it is verified who acts."""
    signed = ingest(house).sign_in
    house.point.decide(replace(ABOUT_COMPANY, sign_in=signed.handle), CALLER)
    asked, act = house.decisions[0].asked, house.administrative[0]
    assert (signed.id, Evidence.GOVBR) == (asked.sign_in, asked.actor_evidence)
    assert (act.details["sign_in"], act.details["person"]) == (asked.sign_in, asked.actor)


def test_a_record_names_no_sign_in_that_does_not_count(house: House) -> None:
    """Another one's handle, an unknown one, none, or one that is over: nothing is proved by it."""
    handle = ingest(house).sign_in.handle
    questions: list[Question | Impossible] = [
        replace(ABOUT_COMPANY, sign_in="unknown"),
        ABOUT_COMPANY,
        replace(QUESTION, sign_in=handle),
        NOBODY,
    ]
    house.point.decide_all(questions, CALLER)
    house.clock.advance(HOUR)
    house.point.decide(replace(ABOUT_COMPANY, sign_in=handle), CALLER)
    found = [(one.asked.sign_in, one.asked.actor_evidence) for one in house.decisions]
    asserted = (None, Evidence.ASSERTED)
    assert [asserted, asserted, asserted, (None, None), asserted] == found


def test_a_sign_in_by_power_of_attorney_is_named_and_proves_nobody(house: House) -> None:
    """The record tells in which sign-in it was asked, and that the act is only asserted."""
    signed = ingest(house, replace(SAID, agent=True)).sign_in
    house.point.decide(replace(ABOUT_COMPANY, sign_in=signed.handle), CALLER)
    asked = house.decisions[0].asked
    assert (signed.id, Evidence.ASSERTED) == (asked.sign_in, asked.actor_evidence)


@pytest.mark.parametrize("known", [False, True])
def test_no_record_and_no_answer_holds_a_handle(house: House, known: bool) -> None:
    """Who reads the log could ask in the name of the person while the token lives."""
    handle = ingest(house).sign_in.handle if known else "an-unknown-handle"
    answer = house.point.decide(replace(ABOUT_COMPANY, sign_in=handle), CALLER)
    assert [] == [one for one in texts_of(house.log.records) if handle in one]
    assert handle not in repr(answer)


def test_an_answer_tells_which_state_it_was_decided_on(house: House) -> None:
    """An act that depends on it can be refused if the store has moved on."""
    house.store.catalogue.save_processes([], NOON, untold)
    revision = house.store.facts.gather([], NOON).revision
    answers = house.point.decide_all([QUESTION, NOBODY], CALLER)
    assert [revision, revision] == [one.revision for one in answers]


def test_an_unknown_process_is_named_as_the_caller_did(house: House) -> None:
    """The record and the text say what was asked about, though there is no such process."""
    answer = house.point.decide(named("P999"), CALLER)
    asked = house.decisions[0].asked
    assert (None, "P999", None) == (asked.process, asked.named, asked.version)
    assert answer.process is None
    assert "pt represents open P999 52.420.282/0001-80" == answer.text.pt


# Persons in the log


def test_persons_stand_in_the_log_as_surrogates_that_stay(house: House) -> None:
    """One person has one name in all records, two persons have two, and no name holds a CPF."""
    house.point.decide_all([QUESTION, replace(QUESTION, recipient=PARTNER)], CALLER)
    house.point.decide(replace(QUESTION, actor=PARTNER, recipient=MEMBER), CALLER)
    pairs = [(record.asked.actor, record.asked.recipient) for record in house.decisions]
    member, partner = house.surrogate(MEMBER), house.surrogate(PARTNER)
    assert [(member, None), (member, partner), (partner, member)] == pairs
    assert member != partner


FORMS = ["18762794604", "187.627.946-04", "***.627.946-**"]
PLACES = ["{}", "P001 {}", "open {}.", "cpf={};x"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", PLACES)
def test_no_record_holds_a_cpf_that_a_caller_put_elsewhere(
    house: House, where: str, form: str
) -> None:
    """A CPF in the action, the process or the context never reaches the log."""
    text = where.format(form)
    question = replace(
        named(text),
        action=text,
        recipient=MEMBER,
        context={text: text},
        properties={text: [text]},
    )
    house.point.decide_all([question, Impossible(text, INVALID_IDENTIFIER)], CALLER)
    assert [] == leaks(house.log.records, [MEMBER])
    first, second = (record.asked for record in house.decisions)
    clean = where.format("[cpf]")
    assert (clean, clean, clean) == (first.named, first.action, second.action)


@pytest.mark.parametrize("form", FORMS)
def test_no_record_holds_a_cpf_in_the_place_of_an_instance(house: House, form: str) -> None:
    """Orquestra's designers may map any field of a form to the instance."""
    house.point.decide(QUESTION, CALLER, instance=form)
    house.point.decide(Impossible("x", INVALID_IDENTIFIER), CALLER, instance=f"4711 {form}")
    assert ["[cpf]", "4711 [cpf]"] == [one.instance for one in house.decisions]
    assert [] == leaks(house.log.records, [MEMBER])


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_does_not_repeat_a_cpf_in_the_place_of_a_process(house: House, form: str) -> None:
    """The text speaks of what was named, and of no person in it."""
    answer = house.point.decide(named(f"P001 {form}"), CALLER)
    assert "pt represents open P001 [cpf] 52.420.282/0001-80" == answer.text.pt
    assert form not in repr(answer)


def test_an_action_is_kept_short_and_cleaned_before_it_is_cut(house: House) -> None:
    """A CPF across the sixty-fourth character leaves no half of itself behind."""
    action = "a" * 55 + " " + MEMBER.digits + " " + "b" * 50
    house.point.decide_all([replace(QUESTION, action=action), Impossible(action, "x")], CALLER)
    expected = ("a" * 55 + " [cpf] b")[:64]
    kept = [record.asked.action for record in house.decisions]
    assert [expected, expected] == [one[: len(expected)] for one in kept]
    assert {64} == {len(one) for one in kept}


def test_an_instance_is_kept_short_and_cleaned_before_it_is_cut(house: House) -> None:
    """As an action is: sixty-four characters, and no half of a CPF at their end."""
    for instance in ("a" * 55 + " " + MEMBER.digits + " " + "b" * 50, "x" * 64, "x" * 65, ""):
        house.point.decide(QUESTION, CALLER, instance=instance)
    clean = ("a" * 55 + " [cpf] b")[:64]
    first, *others = [record.instance or "" for record in house.decisions]
    assert (clean, 64) == (first[: len(clean)], len(first))
    assert ["x" * 64, "x" * 64, ""] == others


def test_no_more_of_an_action_or_an_instance_is_cleaned_than_can_be_kept(house: House) -> None:
    """A text as long as a request is no work, and what is kept of it is as if it were."""
    long = (MEMBER.digits + " ") * 8_000
    for asked in (replace(QUESTION, action=long), Impossible(long, "x")):
        lengths = cleaned(partial(house.point.decide, asked, CALLER, instance=long))
        assert len(lengths) >= 2
        assert max(lengths) <= 1_000
    texts = [(one.asked.action, one.instance) for one in house.decisions]
    assert [(("[cpf] " * 11)[:64],) * 2] * 2 == texts


def test_an_instance_is_of_one_call(house: House) -> None:
    """What was given with one question stands in no other record; a batch has none."""
    house.point.decide(QUESTION, CALLER, instance="4711")
    house.point.decide(QUESTION, CALLER)
    house.point.decide(NOBODY, CALLER, instance="4712")
    house.point.decide_all([QUESTION, NOBODY], CALLER)
    house.point.decide_each([QUESTION], CALLER)
    assert ["4711", None, "4712", None, None, None] == [one.instance for one in house.decisions]


def test_the_record_names_the_request_that_asked(house: House) -> None:
    """Every decision of a batch leads back to the request in which it was asked."""
    house.point.decide_all([QUESTION, NOBODY], CALLER, request_id="pedido-7")
    house.point.decide_each([QUESTION], CALLER, request_id="pedido-8")
    house.point.decide(QUESTION, CALLER)
    assert ["pedido-7", "pedido-7", "pedido-8", None] == [one.request_id for one in house.decisions]


@pytest.mark.parametrize("looked", [True, False])
def test_who_has_looked_at_the_store_says_so_to_it(house: House, looked: bool) -> None:
    """The facts hear whether this request has looked already, in every way of asking."""
    heard = HearingFacts(house.store.facts)
    point = replace(house.point, facts=heard)
    point.decide(QUESTION, CALLER, looked=looked)
    point.decide_all([QUESTION], CALLER, looked=looked)
    point.decide_each([QUESTION], CALLER, looked=looked)
    assert [looked] * 3 == heard.looked


def test_no_two_decisions_have_one_name_or_one_end_of_it(house: House) -> None:
    """Of one moment they are told apart by the last twelve digits, in a batch and over several."""
    for _ in range(20):
        house.point.decide_all([QUESTION] * 30, CALLER)
    names = [one.id for one in house.decisions]
    assert {32} == {len(one) for one in names}
    assert (600, 600) == (len(set(names)), len({one[-12:] for one in names}))
