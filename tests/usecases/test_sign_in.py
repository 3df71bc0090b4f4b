"""Signing in: tokens become a person, standing and a handle, once, and are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from authz_service.domain.errors import (
    Conflict,
    LogUnavailable,
    SignInOff,
    SignInUnavailable,
    StoreUnavailable,
    TokenRefused,
)
from authz_service.domain.facts import CompanyFacts
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Evidence, Person, Role
from authz_service.domain.sign_in import Cause, Companies, Level, SignIn, Token
from authz_service.usecases.govbr import Seen
from authz_service.usecases.sign_in import GovBr, SignedIn
from tests.domain.document import COMPANY, FILIAL, MEMBER, OTHER_COMPANY, REPRESENTATIVE
from tests.domain.gathered import person_of
from tests.fakes.clock import NOON
from tests.fakes.govbr import Answers, Asked, digest_of, failing, listing
from tests.fakes.store import untold
from tests.usecases.house import House, leaks, texts_of
from tests.usecases.signing_in import (
    CONTADOR,
    HOUR,
    ID_TEXT,
    ID_TOKEN,
    OTHER,
    PORTAL,
    SAID,
    SOCIO,
    TEXT,
    TOKEN,
    facts,
    ingest,
    kept,
    roles,
)

# The first time


def test_a_sign_in_makes_a_person_standing_and_a_handle(house: House) -> None:
    """All that the tokens proved is kept until they end, and the answer tells it."""
    house.companies.answers = listing(SOCIO, CONTADOR)
    house.tokens.take(TEXT, SAID, ID_TEXT)
    signed = house.sign_in_desk.ingest(TOKEN, ID_TOKEN, PORTAL)
    sign_in = SignIn(
        id=signed.sign_in.id,
        handle=signed.sign_in.handle,
        digest=digest_of(TEXT),
        client="portal",
        person=REPRESENTATIVE,
        methods=("x509", "x509_token"),
        level=Level.GOLD,
        certificate_company=COMPANY,
        agent=False,
        authenticated_at=NOON - timedelta(minutes=5),
        began_at=NOON,
        ends_at=NOON + HOUR,
        companies=Companies.OBSERVED,
    )
    expected = SignedIn(
        sign_in=sign_in,
        person=Person(REPRESENTATIVE, NOON),
        standing=tuple(house.store.registry.standing_of(REPRESENTATIVE)),
        unanswered=(),
        notes=("a-note",),
        again=False,
    )
    assert expected == signed
    assert {SOCIO, CONTADOR} == set(signed.standing)
    assert sign_in == house.store.sign_ins.of_digest(digest_of(TEXT))
    assert [(TEXT, ID_TEXT)] == house.tokens.asked


def test_govbr_is_asked_with_the_persons_own_token(house: House) -> None:
    """Once, about the company of the certificate before the others."""
    ingest(house)
    assert [Asked(REPRESENTATIVE, TEXT, COMPANY)] == house.companies.asked
    house.companies.asked.clear()
    house.tokens.take("another", replace(SAID, certificate_company=None))
    house.sign_in_desk.ingest(Token("another"), None, PORTAL)
    assert [Asked(REPRESENTATIVE, "another", None)] == house.companies.asked


def test_govbr_is_told_what_is_known_so_that_the_least_known_comes_first(house: House) -> None:
    """Each company with the moment at which it was last seen, whoever said so."""
    house.companies.answers = listing(SOCIO, CONTADOR)
    ingest(house)
    house.tokens.take("another", SAID)
    house.sign_in_desk.ingest(Token("another"), None, PORTAL)
    assert {COMPANY: NOON, OTHER_COMPANY: NOON} == house.companies.asked[-1].last_seen


def test_who_is_erased_while_govbr_is_asked_stays_erased(house: House) -> None:
    """The sign-in comes to nothing, as does the same token afterwards."""

    def answers(person: Cpf, moment: datetime) -> Seen:
        house.privacy.erase(person, PORTAL)
        return listing(SOCIO)(person, moment)

    house.companies.answers = answers
    with pytest.raises(Conflict):
        ingest(house)
    assert None is house.store.registry.person(REPRESENTATIVE)
    assert [] == house.store.registry.standing_of(REPRESENTATIVE)
    assert ["person.erase"] == [one.act for one in house.administrative]
    house.companies.answers = listing(SOCIO)
    with pytest.raises(Conflict):
        house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    assert None is house.store.registry.person(REPRESENTATIVE)


def test_a_token_does_not_bring_back_who_was_erased(house: House) -> None:
    """Not even from the client that brought it first; a new sign-in does."""
    house.companies.answers = listing(SOCIO)
    ingest(house)
    house.privacy.erase(REPRESENTATIVE, PORTAL)
    with pytest.raises(Conflict):
        house.sign_in_desk.ingest(TOKEN, None, OTHER)
    with pytest.raises(Conflict):
        house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    with pytest.raises(Conflict):
        house.sign_in_desk.prove(TOKEN, PORTAL)
    assert None is house.store.registry.person(REPRESENTATIVE)
    assert {} == house.store._tables.surrogates
    assert 1 == len(house.companies.asked)
    house.tokens.take("another", SAID)
    house.sign_in_desk.ingest(Token("another"), None, PORTAL)
    assert [SOCIO] == house.store.registry.standing_of(REPRESENTATIVE)


def test_a_sign_in_is_one_act_in_the_log(house: House) -> None:
    """It tells who signed in how, and what GOV.BR answered, the person by surrogate."""
    house.companies.answers = listing(
        SOCIO, CONTADOR, outcome=Companies.PARTIAL, unanswered=frozenset({FILIAL})
    )
    signed = ingest(house)
    [record] = house.log.records
    assert [record] == house.administrative
    assert ("sign_in", NOON, PORTAL) == (
        house.administrative[0].act,
        house.administrative[0].moment,
        house.administrative[0].caller,
    )
    assert {
        "person": house.surrogate(REPRESENTATIVE),
        "sign_in": signed.sign_in.id,
        "ends_at": "2026-11-20T16:00:00+00:00",
        "authenticated_at": "2026-11-20T14:55:00+00:00",
        "method": "certificate",
        "second_factor": False,
        "level": "gold",
        "certificate_company": "52420282000180",
        "agent": False,
        "companies": "partial",
        "standing": ("52420282000180:socio", "11222333000181:contador"),
        "unanswered": ("52420282000260",),
        "registers": True,
        "confirms": False,
        "notes": ("a-note",),
    } == house.administrative[0].details
    revision = house.store.facts.gather([], NOON).revision
    assert revision == house.administrative[0].store_revision
    assert [[record]] == house.told


@pytest.mark.parametrize(
    ("known", "agent", "at_once", "expected"),
    [
        (None, False, False, (True, False)),
        (None, False, True, (True, True)),
        (None, True, True, (False, False)),
        (Person(REPRESENTATIVE), False, True, (True, True)),
        (Person(REPRESENTATIVE, NOON), False, False, (False, False)),
        (Person(REPRESENTATIVE, NOON), False, True, (False, True)),
        (Person(REPRESENTATIVE, NOON), True, True, (False, False)),
        (Person(REPRESENTATIVE, NOON, NOON), False, True, (False, False)),
    ],
)
def test_the_act_tells_whom_it_registers_and_confirms(
    house: House, known: Person | None, agent: bool, at_once: bool, expected: tuple[bool, bool]
) -> None:
    """Who may be delegated to from now on, and that a setting said so, is on record."""
    if known is not None:
        house.store.registry.save_person(known, untold)
    ingest(house, replace(SAID, agent=agent), confirm_at_once=at_once)
    details = house.administrative[0].details
    assert expected == (details["registers"], details["confirms"])


def test_what_no_token_told_is_null_in_the_act(house: House) -> None:
    """Absence is told as such."""
    ingest(house, replace(SAID, methods=(), level=None, certificate_company=None))
    details = house.administrative[0].details
    assert ("other", None, None) == (
        details["method"],
        details["level"],
        details["certificate_company"],
    )
    assert ((), ()) == (details["standing"], details["unanswered"])


def test_neither_log_nor_answer_prints_a_secret(house: House) -> None:
    """No CPF, token, digest or handle is in a record, and none in the ``repr`` of the answer."""
    house.companies.answers = listing(SOCIO)
    house.tokens.take(TEXT, SAID, ID_TEXT)
    signed = house.sign_in_desk.ingest(TOKEN, ID_TOKEN, PORTAL)
    house.sign_in_desk.prove(TOKEN, PORTAL)
    assert [] == leaks(house.log.records, [REPRESENTATIVE])
    texts = [*texts_of(house.log.records), repr(signed), repr(house.log.records)]
    secrets = [TEXT, ID_TEXT, "claims-of-the", digest_of(TEXT), signed.sign_in.handle]
    assert [] == [one for one in secrets for text in texts if one in text]
    assert REPRESENTATIVE.digits not in repr(signed)


def test_every_sign_in_has_an_id_and_a_handle_of_its_own(house: House) -> None:
    """The id is hexadecimal for the log, the handle long enough that nobody guesses it."""
    found = []
    for number in range(20):
        house.tokens.take(str(number), SAID)
        found.append(house.sign_in_desk.ingest(Token(str(number)), None, PORTAL).sign_in)
    assert 20 == len({one.id for one in found}) == len({one.handle for one in found})
    assert {32} == {len(bytes.fromhex(one.id)) * 2 for one in found}
    assert {32} == {len(one.handle) for one in found}  # 24 random bytes in base64
    assert {True} == {one.handle.replace("-", "").replace("_", "").isalnum() for one in found}


def test_a_sign_in_counts_for_questions_that_bring_its_handle_until_it_ends(house: House) -> None:
    """What it proved is nil without the handle, for other persons, and once the token is over."""
    signed = ingest(house)
    handle = signed.sign_in.handle
    found = facts(house, handle).question.sign_in
    assert found is not None
    assert ("gold", "certificate", 5) == (found.level, found.method, found.minutes)
    assert facts(house).question.sign_in is None
    assert facts(house, handle, MEMBER).question.sign_in is None
    house.clock.advance(HOUR)
    assert facts(house, handle).question.sign_in is None


# The person


def test_a_member_without_certificate_is_registered_by_the_first_sign_in(house: House) -> None:
    """Etapa 2: registered at once, and confirmed when Orquestra says so."""
    said = replace(SAID, person=MEMBER, methods=("passwd",), certificate_company=None, level=None)
    assert Person(MEMBER, NOON) == ingest(house, said).person
    assert Person(MEMBER, NOON) == house.store.registry.person(MEMBER)
    assert (True, False) == (
        person_of(facts(house, actor=MEMBER)).registered,
        person_of(facts(house, actor=MEMBER)).confirmed,
    )


def test_a_person_is_confirmed_at_once_where_that_is_set(house: House) -> None:
    """Then the first sign-in is all that it takes."""
    assert Person(REPRESENTATIVE, NOON, NOON) == ingest(house, confirm_at_once=True).person
    assert Person(REPRESENTATIVE, NOON, NOON) == house.store.registry.person(REPRESENTATIVE)


@pytest.mark.parametrize("confirm_at_once", [False, True])
def test_a_later_sign_in_leaves_registration_and_confirmation_as_they_are(
    house: House, confirm_at_once: bool
) -> None:
    """Whoever registered and was confirmed before did so then."""
    before = Person(REPRESENTATIVE, NOON - 2 * HOUR, NOON - HOUR)
    house.store.registry.save_person(before, untold)
    assert before == ingest(house, confirm_at_once=confirm_at_once).person
    assert before == house.store.registry.person(REPRESENTATIVE)


# Standing


def assert_standing(house: House, role: str, days: int) -> None:
    """Hold the actor's standing in the company to what is expected of it."""
    found = facts(house).resource
    assert isinstance(found, CompanyFacts)
    assert (role, "govbr", days) == (
        found.standing.role,
        found.standing.evidence,
        found.standing.days,
    )


def test_standing_is_verified_and_as_old_as_the_question_to_govbr(house: House) -> None:
    """A slow GOV.BR does not make what it said any fresher; the sign-in begins when it is kept."""

    def slowly(person: Cpf, moment: datetime) -> Seen:
        house.clock.advance(timedelta(seconds=3))
        return listing(replace(SOCIO, observed_at=moment))(person, moment)

    house.companies.answers = slowly
    signed = ingest(house)
    [standing] = signed.standing
    assert (NOON, Evidence.GOVBR) == (standing.observed_at, standing.evidence)
    assert NOON + timedelta(seconds=3) == signed.sign_in.began_at
    assert_standing(house, "socio", 0)


def again_later(house: House, answers: Answers) -> SignedIn:
    """Let the person sign in anew a day later, with another token, and GOV.BR answer *answers*."""
    house.clock.advance(24 * HOUR)
    house.companies.answers = answers
    house.tokens.take("later", replace(SAID, ends_at=house.clock() + HOUR))
    return house.sign_in_desk.ingest(Token("later"), None, PORTAL)


def later_still(role: Role) -> Answers:
    """Have GOV.BR answer another role in the company, observed when it is asked."""

    def answers(_person: Cpf, moment: datetime) -> Seen:
        return Seen(Companies.OBSERVED, moment, (replace(SOCIO, role=role, observed_at=moment),))

    return answers


def test_an_answer_of_govbr_replaces_what_was_known(house: House) -> None:
    """Another role takes the place of the earlier one, and a company no longer listed ends."""
    house.companies.answers = listing(SOCIO, CONTADOR)
    ingest(house)
    signed = again_later(house, later_still(Role.COLABORADOR))
    assert {COMPANY: Role.COLABORADOR} == {one.company: one.role for one in signed.standing}
    assert {COMPANY: Role.COLABORADOR} == roles(house)
    assert_standing(house, "colaborador", 0)


def test_an_empty_answer_of_govbr_is_an_answer(house: House) -> None:
    """Who is in no company any more has no standing, also none that was asserted before."""
    house.registrar.standing(OTHER_COMPANY, REPRESENTATIVE, Role.SOCIO, None, PORTAL)
    house.companies.answers = failing
    ingest(house)
    assert {OTHER_COMPANY: Role.SOCIO} == roles(house)
    signed = again_later(house, listing())
    assert ((), Companies.OBSERVED) == (signed.standing, signed.sign_in.companies)
    assert {} == roles(house)


def test_nobody_asserts_a_standing_against_govbr(house: House) -> None:
    """Once GOV.BR has answered about a person, what it says counts, and the refusal is told."""
    ingest(house)
    with pytest.raises(Conflict, match="has answered about this person"):
        house.registrar.standing(COMPANY, REPRESENTATIVE, Role.SOCIO, None, PORTAL)
    assert {} == roles(house)
    assert ["sign_in"] == [one.act for one in house.administrative]


def test_a_company_whose_role_was_not_told_keeps_what_was_known(house: House) -> None:
    """GOV.BR still lists it, so nothing has ended; the answer says which one it is."""
    house.companies.answers = listing(SOCIO, CONTADOR)
    ingest(house)
    partial = listing(outcome=Companies.PARTIAL, unanswered=frozenset({COMPANY, FILIAL}))
    signed = again_later(house, partial)
    assert (COMPANY, FILIAL) == signed.unanswered
    assert (SOCIO,) == signed.standing
    assert Companies.PARTIAL is signed.sign_in.companies
    assert_standing(house, "socio", 1)


def test_a_failed_question_to_govbr_changes_nothing_and_says_so(house: House) -> None:
    """The sign-in itself counts; standing stays as it was and ages."""
    house.companies.answers = listing(SOCIO, CONTADOR)
    ingest(house)
    signed = again_later(house, failing)
    assert {SOCIO, CONTADOR} == set(signed.standing)
    assert (Companies.FAILED, ()) == (signed.sign_in.companies, signed.unanswered)
    assert "failed" == house.administrative[-1].details["companies"]
    assert () == house.administrative[-1].details["standing"]
    assert_standing(house, "socio", 1)
    assert facts(house, signed.sign_in.handle).question.sign_in is not None


def test_a_certificate_alone_is_no_role(house: House) -> None:
    """The e-CNPJ of a company proves that it was there; what its holder is, GOV.BR tells."""
    house.companies.answers = listing()
    signed = ingest(house)
    assert COMPANY == signed.sign_in.certificate_company
    assert () == signed.standing
    found = facts(house, signed.sign_in.handle)
    assert isinstance(found.resource, CompanyFacts)
    assert "none" == found.resource.standing.role


@pytest.mark.parametrize("scopes", [frozenset(), frozenset({"openid", "govbr_empresas"})])
def test_without_the_scope_govbr_is_not_asked(house: House, scopes: frozenset[str]) -> None:
    """The token may not ask for companies: standing stays, and the answer says why."""
    house.companies.answers = listing(SOCIO)
    ingest(house)
    house.companies.asked.clear()
    house.tokens.take("poor", replace(SAID, scopes=scopes))
    signed = house.sign_in_desk.ingest(Token("poor"), None, PORTAL)
    assert [] == house.companies.asked
    assert (Companies.NOT_GRANTED, (SOCIO,)) == (signed.sign_in.companies, signed.standing)
    assert "not_granted" == house.administrative[-1].details["companies"]


def test_without_an_address_of_the_companies_api_nobody_is_asked(house: House) -> None:
    """Sign-in works without it: the person is registered, standing stays what it was."""
    house.store.registry.save_standing(SOCIO, untold)
    house.tokens.take(TEXT, SAID)
    desk = replace(house.sign_in_desk, govbr=GovBr(house.tokens, None))
    signed = desk.ingest(TOKEN, None, PORTAL)
    assert (Companies.OFF, (SOCIO,)) == (signed.sign_in.companies, signed.standing)
    assert Person(REPRESENTATIVE, NOON) == signed.person
    assert "off" == house.administrative[-1].details["companies"]


def test_a_person_with_forty_companies_signs_in(house: House) -> None:
    """Each of them is kept, told and written down."""
    many = [replace(SOCIO, company=type(COMPANY)(f"{number:014}")) for number in range(1, 41)]
    house.companies.answers = listing(*many)
    assert set(many) == set(ingest(house).standing)
    standing = house.administrative[0].details["standing"]
    assert isinstance(standing, tuple)
    assert 40 == len(set(standing))


# By power of attorney


def test_a_sign_in_by_power_of_attorney_registers_nobody_and_gives_no_standing(
    house: House,
) -> None:
    """GOV.BR is not asked; the sign-in is kept as what it is, and says so."""
    house.companies.answers = listing(SOCIO)
    signed = ingest(house, replace(SAID, agent=True), confirm_at_once=True)
    assert [] == house.companies.asked
    assert (Person(REPRESENTATIVE), ()) == (signed.person, signed.standing)
    assert house.store.registry.person(REPRESENTATIVE) is None
    assert {} == roles(house)
    assert (True, Companies.AGENT) == (signed.sign_in.agent, signed.sign_in.companies)
    details = house.administrative[0].details
    assert (True, "agent") == (details["agent"], details["companies"])
    found = facts(house, signed.sign_in.handle).question
    assert found.sign_in is not None
    assert (True, "asserted") == (found.sign_in.agent, found.actor_evidence)


def test_a_power_of_attorney_takes_nothing_from_who_holds_it(house: House) -> None:
    """The agent's own registration and standing, known from before, stay."""
    house.companies.answers = listing(SOCIO)
    ingest(house)
    house.tokens.take("proxy", replace(SAID, agent=True))
    house.companies.answers = listing()
    signed = house.sign_in_desk.ingest(Token("proxy"), None, PORTAL)
    assert (Person(REPRESENTATIVE, NOON), (SOCIO,)) == (signed.person, signed.standing)
    assert {COMPANY: Role.SOCIO} == roles(house)


# What goes wrong


@pytest.mark.parametrize("cause", Cause)
def test_a_refused_token_is_counted_by_its_cause(house: House, cause: Cause) -> None:
    """The error passes through as it was, and nothing is asked, kept or written down."""
    house.tokens.refuse(TEXT, cause, "it is a test")
    before = kept(house)
    with pytest.raises(TokenRefused) as caught:
        house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    assert "the access_token is refused: it is a test" == str(caught.value)
    assert cause == caught.value.cause
    assert [cause] == house.refused
    assert (before, [], []) == (kept(house), house.log.records, house.companies.asked)


def take_log(house: House) -> None:
    """Take the decision log away."""
    house.log.broken = True


def take_companies(house: House) -> None:
    """Let as many wait for GOV.BR as may."""
    house.companies.busy = True


def take_keys(house: House) -> None:
    """Take GOV.BR's keys away."""
    house.tokens.down = True


@pytest.mark.parametrize(
    ("taking", "error"),
    [
        (take_log, LogUnavailable),
        (take_companies, SignInUnavailable),
        (take_keys, SignInUnavailable),
    ],
)
def test_what_cannot_be_had_now_leaves_nothing_behind(
    house: House, taking: Callable[[House], None], error: type[Exception]
) -> None:
    """It is nobody's refusal, and the same token may be brought again."""
    house.tokens.take(TEXT, SAID)
    house.companies.answers = listing(SOCIO)
    before = kept(house)
    taking(house)
    with pytest.raises(error):
        house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    assert (before, [], [], []) == (kept(house), house.log.records, house.told, house.refused)
    house.log.broken = house.companies.busy = house.tokens.down = False
    assert not house.sign_in_desk.ingest(TOKEN, None, PORTAL).again
    assert {COMPANY: Role.SOCIO} == roles(house)


def test_without_the_store_nobody_is_asked(house: House) -> None:
    """GOV.BR is not troubled for what could not be kept."""
    house.tokens.take(TEXT, SAID)
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    assert ([], [], []) == (house.companies.asked, house.log.records, house.refused)


def test_where_no_govbr_is_configured_sign_in_says_that_it_is_off(house: House) -> None:
    """No token is looked at, and none is refused."""
    desk = replace(house.sign_in_desk, govbr=None)
    for act in (lambda: desk.ingest(TOKEN, None, PORTAL), lambda: desk.prove(TOKEN, PORTAL)):
        with pytest.raises(SignInOff):
            act()
    assert ([], [], []) == (house.tokens.asked, house.refused, house.log.records)
