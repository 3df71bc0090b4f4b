"""What any store promises about sign-ins, confirmation and what GOV.BR answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from authz_service.domain.decision import CompanyAsked, Question
from authz_service.domain.errors import Conflict
from authz_service.domain.facts import CompanyFacts, Facts, SignInFacts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Person, Role, Standing
from authz_service.domain.sign_in import Companies, Level, SignIn
from authz_service.usecases.govbr import Seen
from tests.domain.document import (
    COMPANY,
    FILIAL,
    MEMBER,
    OTHER_COMPANY,
    REPRESENTATIVE,
    STRANGER,
)
from tests.domain.gathered import gather
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.store.records import HOUR, NOT_ASKED, TICK, Store, answer, keep, sign_in, standing

DAY = timedelta(days=1)
EXACT = datetime(2026, 7, 31, 23, 59, 59, 999_999, tzinfo=UTC)
MANY = tuple(Cnpj(f"{number:014}") for number in range(100, 140))


def _save(
    store: Store, one: SignIn | None = None, seen: Seen = NOT_ASKED, *, confirm: bool = False
) -> int:
    return keep(store, one or sign_in(), seen, confirm=confirm)


def _known(store: Store, cpf: Cpf = REPRESENTATIVE) -> list[tuple[Cnpj, Role, Evidence]]:
    return [(one.company, one.role, one.evidence) for one in store.registry.standing_of(cpf)]


def _gathered(store: Store, *questions: Question, moment: datetime = NOON) -> tuple[Facts, ...]:
    return gather(store.facts, *questions, moment=moment)


def _asked(handle: str | None, actor: Cpf = REPRESENTATIVE) -> Question:
    return Question(actor, "open", CompanyAsked(COMPANY), sign_in=handle)


# Kept


@pytest.mark.parametrize(
    "kept",
    [
        sign_in(),
        sign_in(agent=True),
        replace(sign_in(), began_at=EXACT, ends_at=EXACT + TICK, authenticated_at=EXACT - TICK),
        replace(sign_in(), level=None, certificate_company=None, authenticated_at=None),
        replace(sign_in(), methods=()),
        replace(sign_in(), methods=("b", "a", "b", "ação", "x509_unheard_of")),
        replace(sign_in(), certificate_company=Cnpj("12ABC34501DE35")),
        *(replace(sign_in(), level=level) for level in Level),
        *(replace(sign_in(), companies=outcome) for outcome in Companies),
    ],
)
def test_a_sign_in_comes_back_equal_by_its_digest(store: Store, kept: SignIn) -> None:
    """Everything that a token proved is kept as it was, instants to the microsecond."""
    _save(store, kept)

    assert kept == store.sign_ins.of_digest(kept.digest)


def test_a_token_that_nobody_brought_has_no_sign_in(store: Store) -> None:
    """A digest means the very token: neither another one nor another spelling of it."""
    _save(store, replace(sign_in(), digest="ab" * 32))

    assert store.sign_ins.of_digest("cd" * 32) is None
    assert store.sign_ins.of_digest("AB" * 32) is None


@pytest.mark.parametrize("field", ["digest", "handle", "id"])
def test_what_tells_sign_ins_apart_is_there_once(store: Store, field: str) -> None:
    """Of two sign-ins of one token the second is refused with all that would follow from it."""
    _save(store, sign_in("one"), answer(standing()))
    again = replace(sign_in("two", MEMBER, NOON + HOUR), **{field: getattr(sign_in("one"), field)})
    theirs = answer(standing(person=MEMBER), moment=NOON + HOUR)
    with pytest.raises(Conflict, match=r"^what is to be written contradicts what is stored$"):
        _save(store, again, theirs, confirm=True)

    assert sign_in("one") == store.sign_ins.of_digest(sign_in("one").digest)
    assert store.sign_ins.of_digest(sign_in("two").digest) is None
    assert store.registry.person(MEMBER) is None
    assert [] == _known(store, MEMBER)
    assert 1 == store.facts.gather([], NOON).revision


@pytest.mark.parametrize(("late", "kept"), [(DAY, True), (DAY + TICK, False)])
def test_a_sign_in_is_forgotten_a_day_after_its_end(
    store: Store, late: timedelta, kept: bool
) -> None:
    """The next sign-in, whoever's it is, sweeps out what ended more than a day before it."""
    _save(store, sign_in("one"))
    _save(store, sign_in("two", MEMBER, sign_in("one").ends_at + late))

    assert kept is (store.sign_ins.of_digest(sign_in("one").digest) is not None)
    assert store.sign_ins.of_digest(sign_in("two").digest) is not None


def test_what_was_forgotten_is_no_conflict(store: Store) -> None:
    """A token whose sign-in is swept out by the very same call makes a new one."""
    _save(store, sign_in())
    again = replace(sign_in(began_at=NOON + 2 * DAY), handle="another")
    _save(store, again)

    assert again == store.sign_ins.of_digest(again.digest)


@pytest.mark.parametrize("agent", [False, True])
@pytest.mark.parametrize("named_again", [False, True])
def test_who_is_erased_while_govbr_is_asked_stays_so(
    store: Store, agent: bool, named_again: bool
) -> None:
    """A sign-in that began before the erasure writes nothing, and is told to no log."""
    _save(store, sign_in("before"))
    name = store.surrogates.surrogates([REPRESENTATIVE])[REPRESENTATIVE]
    revision = store.personal_data.erase(REPRESENTATIVE, untold)
    if named_again:
        store.surrogates.surrogates([REPRESENTATIVE])
    heard: list[int] = []
    one = sign_in(agent=agent)
    with pytest.raises(Conflict, match=r"^the person was erased meanwhile$"):
        store.sign_ins.save(one, answer(standing()), heard.append, confirm=True, name=name)

    # From then on the token is spent, as those that the erasure found.
    with pytest.raises(Conflict, match=r"^the sign-in of this token was erased$"):
        store.sign_ins.of_digest(one.digest)
    with pytest.raises(Conflict):
        _save(store, one)
    assert store.registry.person(REPRESENTATIVE) is None
    assert [] == _known(store)
    assert [] == heard
    assert revision == store.facts.gather([], NOON).revision


@pytest.mark.parametrize("agent", [False, True])
def test_a_sign_in_may_turn_out_to_be_an_agents(store: Store, agent: bool) -> None:
    """All else about it stays, and that of others."""
    one, other = sign_in(agent=agent), sign_in("other", STRANGER)
    for each in (one, other):
        _save(store, each)
    heard: list[int] = []
    revision = store.sign_ins.found_agent(one, heard.append)

    assert replace(one, agent=True) == store.sign_ins.of_digest(one.digest)
    assert other == store.sign_ins.of_digest(other.digest)
    assert [revision] == heard
    assert revision == store.facts.gather([], NOON).revision


def test_the_name_of_somebody_else_is_not_the_persons(store: Store) -> None:
    """It is the pairing that counts, not that there is such a name."""
    names = store.surrogates.surrogates([REPRESENTATIVE, MEMBER])
    with pytest.raises(Conflict):
        store.sign_ins.save(sign_in(), NOT_ASKED, untold, confirm=False, name=names[MEMBER])

    assert store.registry.person(REPRESENTATIVE) is None


# The person


def test_the_first_sign_in_registers(store: Store) -> None:
    """A person is registered since the first sign-in, and no later one changes that."""
    _save(store, sign_in("one"))
    _save(store, sign_in("two", began_at=NOON + HOUR))

    assert Person(REPRESENTATIVE, NOON) == store.registry.person(REPRESENTATIVE)
    assert store.registry.person(MEMBER) is None


def test_an_asserted_registration_stays(store: Store) -> None:
    """Who was said to have registered, or to be confirmed, has been so since then."""
    before = Person(REPRESENTATIVE, NOON - DAY, NOON - HOUR)
    store.registry.save_person(before, untold)
    _save(store, confirm=True)

    assert before == store.registry.person(REPRESENTATIVE)


def test_who_was_only_spoken_of_registers(store: Store) -> None:
    """A row that says nothing of a registration is no registration."""
    store.registry.save_person(Person(REPRESENTATIVE), untold)
    _save(store)

    assert Person(REPRESENTATIVE, NOON) == store.registry.person(REPRESENTATIVE)


def test_a_sign_in_confirms_if_it_is_to(store: Store) -> None:
    """Confirmation at once counts from the first sign-in that was to confirm."""
    _save(store, sign_in("one"))
    _save(store, sign_in("two", began_at=NOON + HOUR), confirm=True)
    _save(store, sign_in("three", began_at=NOON + DAY), confirm=True)

    expected = Person(REPRESENTATIVE, NOON, NOON + HOUR)
    assert expected == store.registry.person(REPRESENTATIVE)


def test_a_power_of_attorney_makes_nobody_known(store: Store) -> None:
    """A sign-in as somebody's agent is kept, and neither registers nor confirms nor answers."""
    store.registry.save_standing(standing(OTHER_COMPANY), untold)
    _save(store, sign_in(agent=True), answer(standing()), confirm=True)

    assert sign_in(agent=True) == store.sign_ins.of_digest(sign_in().digest)
    assert store.registry.person(REPRESENTATIVE) is None
    assert [(OTHER_COMPANY, Role.SOCIO, Evidence.GOVBR)] == _known(store)


@pytest.mark.parametrize("before", [None, Person(MEMBER)])
def test_only_who_has_registered_is_confirmed(store: Store, before: Person | None) -> None:
    """Orquestra's word about anybody else gives nobody, writes nothing and is told to no log."""
    heard: list[int] = []
    if before is not None:
        store.registry.save_person(before, untold)
    revision = store.facts.gather([], NOON).revision

    assert store.registry.confirm(MEMBER, NOON, heard.append) is None
    assert before == store.registry.person(MEMBER)
    assert [] == heard
    assert revision == store.facts.gather([], NOON).revision


def test_a_confirmation_is_kept_and_told(store: Store) -> None:
    """Who has registered is confirmed from the moment that Orquestra says so."""
    heard: list[int] = []
    store.registry.save_person(Person(MEMBER, NOON), untold)
    expected = Person(MEMBER, NOON, EXACT)

    assert expected == store.registry.confirm(MEMBER, EXACT, heard.append)
    assert expected == store.registry.person(MEMBER)
    assert [2] == heard == [store.facts.gather([], NOON).revision]


def test_a_second_confirmation_is_none(store: Store) -> None:
    """Who is confirmed already stays so since then, and nothing is written or told."""
    heard: list[int] = []
    confirmed = Person(MEMBER, NOON, NOON + HOUR)
    store.registry.save_person(confirmed, untold)

    assert confirmed == store.registry.confirm(MEMBER, EXACT, heard.append)
    assert confirmed == store.registry.person(MEMBER)
    assert [] == heard
    assert 1 == store.facts.gather([], NOON).revision


# What GOV.BR answers


def test_standing_is_listed_by_company_and_evidence(store: Store) -> None:
    """All current standings of one person come, exact, and nobody else's."""
    expected = [
        standing(FILIAL, evidence=Evidence.ASSERTED),
        replace(standing(FILIAL), cadastrador=True, ends_at=EXACT),
        replace(standing(OTHER_COMPANY, Role.CONTADOR), cadastrador=False),
        standing(COMPANY),
    ]
    expected.sort(key=lambda one: (one.company.value, one.evidence.value))
    for one in (*expected[::-1], standing(person=MEMBER)):
        store.registry.save_standing(one, untold)

    assert expected == store.registry.standing_of(REPRESENTATIVE)
    assert [] == store.registry.standing_of(STRANGER)


def test_an_answer_is_kept_exactly(store: Store) -> None:
    """Role, end and cadastrador of every company that was told come back, and reach the facts."""
    told = [
        replace(standing(company, role), cadastrador=cadastrador, ends_at=ends_at)
        for company, role, cadastrador, ends_at in zip(
            MANY,
            cycle(Role),
            cycle([True, False, None, True]),
            cycle([None, EXACT]),
            strict=False,
        )
    ]
    _save(store, seen=answer(*told))

    assert told == store.registry.standing_of(REPRESENTATIVE)
    [facts] = _gathered(store, Question(REPRESENTATIVE, "open", CompanyAsked(MANY[1])))
    assert isinstance(facts.resource, CompanyFacts)
    assert "no" == facts.resource.standing.cadastrador


@pytest.mark.parametrize("evidence", Evidence)
@pytest.mark.parametrize("age", [timedelta(0), TICK, DAY])
def test_a_company_that_is_no_longer_listed_ends(
    store: Store, evidence: Evidence, age: timedelta
) -> None:
    """What was observed or asserted up to the answer ends with it, also if it lists nothing."""
    store.registry.save_standing(standing(evidence=evidence, observed_at=NOON - age), untold)
    _save(store, seen=answer())

    assert [] == _known(store)
    [facts] = _gathered(store, _asked(None))
    assert isinstance(facts.resource, CompanyFacts)
    assert "none" == facts.resource.standing.role


def test_an_answer_replaces_the_assertion_about_the_same_company(store: Store) -> None:
    """An asserted sócio whom GOV.BR calls the accountant is only that from then on."""
    store.registry.save_standing(standing(evidence=Evidence.ASSERTED), untold)
    _save(store, seen=answer(standing(role=Role.CONTADOR)))

    assert [(COMPANY, Role.CONTADOR, Evidence.GOVBR)] == _known(store)


def test_what_was_asserted_after_the_answer_stays(store: Store) -> None:
    """The answer says how it was when GOV.BR was asked, and nothing of what came meanwhile."""
    store.registry.save_standing(
        standing(evidence=Evidence.ASSERTED, observed_at=NOON + TICK), untold
    )
    _save(store, sign_in(began_at=NOON + TICK), answer(standing(role=Role.CONTADOR)))

    assert [
        (COMPANY, Role.SOCIO, Evidence.ASSERTED),
        (COMPANY, Role.CONTADOR, Evidence.GOVBR),
    ] == _known(store)


def test_what_an_answer_ended_does_not_come_back(store: Store) -> None:
    """An assertion that an answer replaced stays past when the next answer is empty."""
    store.registry.save_standing(standing(evidence=Evidence.ASSERTED), untold)
    told: tuple[list[Standing], ...] = ([standing()], [], [standing(FILIAL)])
    for number, standings in enumerate(told):
        moment = NOON + number * TICK
        once = sign_in(f"{number}", began_at=moment)
        _save(store, once, answer(*standings, moment=moment))

    assert [(FILIAL, Role.SOCIO, Evidence.GOVBR)] == _known(store)


def test_an_unanswered_company_keeps_what_was_known(store: Store) -> None:
    """Where GOV.BR lists a company without telling the role, both kinds of evidence stay."""
    for evidence in (Evidence.ASSERTED, Evidence.GOVBR):
        store.registry.save_standing(standing(COMPANY, evidence=evidence), untold)
        store.registry.save_standing(standing(FILIAL, evidence=evidence), untold)
    partial = answer(
        standing(OTHER_COMPANY), unanswered=[COMPANY, MANY[0]], outcome=Companies.PARTIAL
    )
    _save(store, seen=partial)

    assert [
        (OTHER_COMPANY, Role.SOCIO, Evidence.GOVBR),
        (COMPANY, Role.SOCIO, Evidence.ASSERTED),
        (COMPANY, Role.SOCIO, Evidence.GOVBR),
    ] == _known(store)


def test_an_answer_is_about_one_person(store: Store) -> None:
    """Others in the same company and elsewhere are what they were."""
    for company in (COMPANY, FILIAL):
        for evidence in (Evidence.ASSERTED, Evidence.GOVBR):
            kept = standing(company, evidence=evidence, person=MEMBER)
            store.registry.save_standing(kept, untold)
    before = store.registry.standing_of(MEMBER)
    _save(store, seen=answer(standing()))

    assert 4 == len(before)
    assert before == store.registry.standing_of(MEMBER)


@pytest.mark.parametrize(
    "outcome", [one for one in Companies if one not in (Companies.OBSERVED, Companies.PARTIAL)]
)
def test_what_is_no_answer_changes_no_standing(store: Store, outcome: Companies) -> None:
    """A sign-in without an answer registers, keeps all standing, and counts for no last answer."""
    store.registry.save_standing(standing(OTHER_COMPANY, evidence=Evidence.ASSERTED), untold)
    seen = answer(standing(FILIAL), moment=NOON + HOUR, outcome=outcome)
    _save(store, sign_in("one"), seen)
    known = _known(store)
    _save(store, sign_in("two", began_at=NOON + DAY), answer(standing()))

    assert [(OTHER_COMPANY, Role.SOCIO, Evidence.ASSERTED)] == known
    assert Person(REPRESENTATIVE, NOON) == store.registry.person(REPRESENTATIVE)
    assert [(COMPANY, Role.SOCIO, Evidence.GOVBR)] == _known(store)


@pytest.mark.parametrize(
    ("then", "expected"), [(-TICK, COMPANY), (timedelta(0), FILIAL), (TICK, FILIAL)]
)
def test_an_answer_that_is_older_than_the_last_one_replaces_nothing(
    store: Store, then: timedelta, expected: Cnpj
) -> None:
    """Answers may overtake each other: the newest counts, whichever is kept last."""
    _save(store, sign_in("one"), answer(standing()))
    late = answer(standing(FILIAL, observed_at=NOON + then), moment=NOON + then)
    _save(store, sign_in("two", began_at=NOON + TICK), late)

    assert [(expected, Role.SOCIO, Evidence.GOVBR)] == _known(store)
    assert store.sign_ins.of_digest(sign_in("two").digest) is not None


def test_an_empty_answer_is_the_last_one_too(store: Store) -> None:
    """Whom GOV.BR found in no company does not come back into one by an older answer."""
    _save(store, sign_in("one"), answer(moment=NOON))
    _save(store, sign_in("two"), answer(standing(), moment=NOON - TICK))

    assert [] == _known(store)


def test_answers_about_different_persons_do_not_overtake_each_other(store: Store) -> None:
    """Each person has a last answer of its own."""
    _save(store, sign_in("none", MEMBER))
    _save(store, sign_in("one"), answer(standing()))
    _save(store, sign_in("two", MEMBER), answer(standing(person=MEMBER), moment=NOON - HOUR))

    assert [(COMPANY, Role.SOCIO, Evidence.GOVBR)] == _known(store, MEMBER)


def test_asserting_a_person_does_not_undo_the_last_answer(store: Store) -> None:
    """What a caller says of the registration leaves the order of the answers as it is."""
    _save(store, sign_in("one"), answer(standing()))
    store.registry.save_person(Person(REPRESENTATIVE), untold)
    _save(store, sign_in("two"), answer(standing(FILIAL), moment=NOON - TICK))

    assert [(COMPANY, Role.SOCIO, Evidence.GOVBR)] == _known(store)


def test_a_company_that_is_told_twice_is_there_once(store: Store) -> None:
    """The last word of an answer counts, also over what was kept with a later date."""
    store.registry.save_standing(standing(observed_at=NOON + DAY), untold)
    seen = answer(standing(), standing(role=Role.CONTADOR))
    _save(store, sign_in(began_at=NOON + DAY), seen)

    assert [(COMPANY, Role.CONTADOR, Evidence.GOVBR)] == _known(store)


# A clock that was wrong


@pytest.mark.parametrize(
    ("late", "expected"), [(timedelta(0), COMPANY), (TICK, FILIAL), (365 * DAY, FILIAL)]
)
def test_an_answer_of_the_future_is_not_the_last_one(
    store: Store, late: timedelta, expected: Cnpj
) -> None:
    """What a clock that was wrong has kept is replaced by the next answer, not by an older one."""
    moment, began_at = NOON + HOUR + late, NOON + HOUR
    wrong = answer(standing(observed_at=moment), moment=moment)
    _save(store, sign_in("one", began_at=moment), wrong)
    _save(store, sign_in("two", began_at=began_at), answer(standing(FILIAL)))

    assert [(expected, Role.SOCIO, Evidence.GOVBR)] == _known(store)


def test_the_clock_that_is_right_again_orders_the_answers(store: Store) -> None:
    """After an answer of the future the next one is the last one, and an older one none."""
    future = NOON + 365 * DAY
    _save(store, sign_in("one", began_at=future), answer(moment=future))
    _save(store, sign_in("two"), answer(standing()))
    _save(store, sign_in("three"), answer(standing(FILIAL), moment=NOON - TICK))

    assert [(COMPANY, Role.SOCIO, Evidence.GOVBR)] == _known(store)


@pytest.mark.parametrize("evidence", Evidence)
@pytest.mark.parametrize(("late", "stays"), [(timedelta(0), True), (TICK, False), (DAY, False)])
def test_a_standing_of_the_future_ends_with_the_next_answer(
    store: Store, evidence: Evidence, late: timedelta, stays: bool
) -> None:
    """What says that it came after the sign-in itself did not."""
    kept = standing(evidence=evidence, observed_at=NOON + HOUR + late)
    store.registry.save_standing(kept, untold)
    _save(store, sign_in(began_at=NOON + HOUR), answer())

    assert ([kept] if stays else []) == store.registry.standing_of(REPRESENTATIVE)


def test_what_is_seen_again_is_not_of_the_future_any_more(store: Store) -> None:
    """A standing that a wrong clock dated counts from when it was really seen."""
    future = NOON + 365 * DAY
    wrong = answer(standing(observed_at=future), moment=future)
    _save(store, sign_in("one", began_at=future), wrong)
    _save(store, sign_in("two"), answer(standing()))

    assert [standing()] == store.registry.standing_of(REPRESENTATIVE)


# What is asserted of whom GOV.BR knows


@pytest.mark.parametrize(
    "seen",
    [
        answer(),
        answer(standing()),
        answer(unanswered=[OTHER_COMPANY], outcome=Companies.PARTIAL),
    ],
)
@pytest.mark.parametrize("age", [-365 * DAY, timedelta(0), DAY])
def test_nothing_is_asserted_of_whom_govbr_answered_about(
    store: Store, seen: Seen, age: timedelta
) -> None:
    """Wherever and whenever, listed or not: it is refused, changes nothing, is told to no log."""
    _save(store, seen=seen)
    before = store.personal_data.export(REPRESENTATIVE)
    heard: list[int] = []
    asserted = standing(OTHER_COMPANY, evidence=Evidence.ASSERTED, observed_at=NOON - age)
    message = r"^GOV\.BR has answered about this person, and what it says counts$"
    with pytest.raises(Conflict, match=message):
        store.registry.save_standing(asserted, heard.append)

    assert [] == heard
    assert before == store.personal_data.export(REPRESENTATIVE)


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        (sign_in(), NOT_ASKED),
        (sign_in(), replace(NOT_ASKED, outcome=Companies.FAILED)),
        (sign_in(agent=True), answer(standing())),
        (sign_in(person=MEMBER), answer(standing(person=MEMBER))),
    ],
)
def test_whom_govbr_did_not_answer_about_may_be_asserted(
    store: Store, one: SignIn, seen: Seen
) -> None:
    """A sign-in without an answer, by power of attorney or of somebody else, says nothing."""
    _save(store, one, seen)
    store.registry.save_standing(standing(evidence=Evidence.ASSERTED), untold)

    assert [(COMPANY, Role.SOCIO, Evidence.ASSERTED)] == _known(store)


def test_what_is_verified_is_kept_of_whom_govbr_answered_about(store: Store) -> None:
    """It is not what a caller says."""
    _save(store, seen=answer())
    store.registry.save_standing(standing(), untold)

    assert [(COMPANY, Role.SOCIO, Evidence.GOVBR)] == _known(store)


# Facts


def test_a_handle_brings_the_sign_in(store: Store) -> None:
    """Level, method, certificate and age of the session are facts for who brings the handle."""
    _save(store)
    [facts] = _gathered(store, _asked("handle-of-one"))

    expected = SignInFacts(
        level="gold",
        method="certificate",
        certificate="device",
        cnpj=COMPANY.value,
        second_factor=False,
        agent=False,
        minutes=60,
    )
    assert expected == facts.question.sign_in
    assert "id-of-one" == facts.sign_in


@pytest.mark.parametrize(
    "handle", [None, "", "HANDLE-OF-ONE", "handle-of-one ", "handle-of-two", "id-of-one", "ação"]
)
def test_nothing_but_the_handle_brings_it(store: Store, handle: str | None) -> None:
    """Handles match byte for byte; without one nothing of a sign-in is known."""
    _save(store)
    [facts] = _gathered(store, _asked(handle))

    assert facts.question.sign_in is None
    assert facts.sign_in is None


def test_the_handle_of_somebody_else_brings_nothing(store: Store) -> None:
    """A handle counts for the person who signed in, until the token ends."""
    _save(store)
    theirs = _gathered(store, _asked("handle-of-one", MEMBER))
    in_time = _gathered(store, _asked("handle-of-one"), moment=NOON + HOUR - TICK)
    too_late = _gathered(store, _asked("handle-of-one"), moment=NOON + HOUR)

    assert [None, "id-of-one", None] == [one.sign_in for [one] in (theirs, in_time, too_late)]


def test_each_question_of_a_batch_has_its_own_sign_in(store: Store) -> None:
    """Questions with several handles, with a wrong one and with none stand side by side."""
    _save(store, sign_in("one"))
    _save(store, sign_in("two"))
    _save(store, sign_in("three", MEMBER))
    questions = [
        _asked("handle-of-two"),
        _asked(None),
        _asked("handle-of-three", MEMBER),
        _asked("handle-of-three"),
        _asked("handle-of-one"),
        _asked("handle-of-two"),
    ]

    assert ["id-of-two", None, "id-of-three", None, "id-of-one", "id-of-two"] == [
        facts.sign_in for facts in _gathered(store, *questions)
    ]
