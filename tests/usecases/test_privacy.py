"""Privacy: a person is shown all that is kept, or forgotten, and the log tells that it was done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pytest

from authz_service.domain.companies import Validation
from authz_service.domain.decision import CompanyAsked, Question, Subject
from authz_service.domain.entities import EntityName
from authz_service.domain.errors import Conflict, LogUnavailable, StoreUnavailable
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import ERASED, Cpf, Login
from authz_service.domain.people import Person, Role
from authz_service.domain.sign_in import Token
from tests.domain.document import (
    COLLEAGUE_ABROAD,
    COMPANY,
    MEMBER,
    P001,
    PARTNER,
    REPRESENTATIVE,
    REPRESENTATIVE_ABROAD,
    STRANGER,
)
from tests.domain.gathered import gather, person_of
from tests.fakes.clock import NOON
from tests.fakes.govbr import digest_of, listing
from tests.fakes.store import untold
from tests.usecases.delegating import give, stored
from tests.usecases.house import CALLER, House, leaks
from tests.usecases.signing_in import PORTAL, SAID, SOCIO, TEXT, TOKEN, facts, ingest, kept


def tell_story(house: House) -> str:
    """Let the representative sign in and delegate P001 to the member; give the handle."""
    house.companies.answers = listing(SOCIO)
    signed = ingest(house)
    house.registrar.person(MEMBER, registered=True, confirmed=True, caller=CALLER)
    house.registrar.standing(COMPANY, PARTNER, Role.SOCIO, None, CALLER)
    give(house, (P001,))
    house.log.records.clear()
    house.told.clear()
    return signed.sign_in.handle


def everything(house: House) -> tuple[object, ...]:
    """Give all that an erasure could change, to see that one did not."""
    people = (REPRESENTATIVE, MEMBER, PARTNER)
    return (
        *kept(house, people),
        *(house.store.personal_data.export(one)[0] for one in people),
        stored(house),
    )


def about(house: House, actor: Cpf) -> Facts:
    """Give what is known of a person and the company."""
    question = Question(actor, "read_delegations", CompanyAsked(COMPANY))
    [found] = gather(house.store.facts, question)
    return found


def rows(found: Mapping[str, Sequence[Mapping[str, object]]], table: str) -> int:
    """Give how many rows of a table were shown."""
    return len(found[table])


# Shown


def test_a_person_is_shown_all_that_is_kept(house: House) -> None:
    """Person, standing, sign-ins and acts are there, as JSON, and secrets of sign-ins are not."""
    handle = tell_story(house)
    found = house.privacy.export(REPRESENTATIVE, CALLER)
    counted = {table: rows(found, table) for table in found if found[table]}
    assert {
        "people": 1,
        "surrogates": 1,
        "standings": 1,
        "sign_ins": 1,
        "delegation_events": 1,
    } == counted
    text = json.dumps(found)
    assert REPRESENTATIVE.digits in text
    secrets = (handle, digest_of(TEXT), MEMBER.digits, PARTNER.digits)
    assert [] == [one for one in secrets if one in text]


def test_showing_is_an_act_under_the_name_that_is_shown(house: House) -> None:
    """The record names the person by the surrogate, and the state that was read."""
    tell_story(house)
    revision = house.store.facts.gather([], NOON).revision
    found = house.privacy.export(REPRESENTATIVE, CALLER)
    [record] = house.administrative
    assert ("person.export", NOON, CALLER) == (record.act, record.moment, record.caller)
    assert {"person": house.surrogate(REPRESENTATIVE), "found": True} == record.details
    assert revision == record.store_revision == house.store.facts.gather([], NOON).revision
    [pairing] = found["surrogates"]
    assert house.surrogate(REPRESENTATIVE) == pairing["surrogate"]
    assert [[record]] == house.told


def test_the_name_that_the_question_makes_is_shown_as_well(house: House) -> None:
    """Of whom something is kept the act needs a surrogate, which is kept from then on."""
    house.store.registry.save_person(Person(MEMBER, NOON), untold)
    found = house.privacy.export(MEMBER, CALLER)
    assert {"people", "surrogates"} == {table for table in found if found[table]}
    [pairing] = found["surrogates"]
    expected = {"person": pairing["surrogate"], "found": True}
    assert expected == house.administrative[0].details


NOBODY: list[Subject] = [STRANGER, Login("mistyped"), EntityName("user", "mistyped")]


@pytest.mark.parametrize("subject", NOBODY, ids=["cpf", "login", "entity"])
def test_who_was_never_heard_of_stays_so(house: House, subject: Subject) -> None:
    """Nothing is shown, that is an act about nobody, nothing is erased, and no name is made."""
    tell_story(house)
    before = everything(house)
    found = house.privacy.export(subject, CALLER)
    assert [] == [table for table in found if found[table]]
    assert not house.privacy.erase(subject, CALLER)
    assert [("person.export", {"person": None, "found": False})] == [
        (one.act, one.details) for one in house.administrative
    ]
    assert house.store.surrogates.known(subject) is None
    assert before == everything(house)


# Forgotten


def test_an_erased_person_is_as_one_never_heard_of(house: House) -> None:
    """No registration, standing or sign-in is left, and the handle counts no more."""
    handle = tell_story(house)
    house.privacy.erase(REPRESENTATIVE, CALLER)
    assert about(house, STRANGER).resource == about(house, REPRESENTATIVE).resource
    assert not person_of(about(house, REPRESENTATIVE)).registered
    assert facts(house, handle).question.sign_in is None
    found, _ = house.store.personal_data.export(REPRESENTATIVE)
    assert set() == {table for table in found if found[table]}


def test_erasing_is_an_act_under_the_name_that_the_person_had(house: House) -> None:
    """The log stays whole; from then on the person would have another name in it."""
    tell_story(house)
    before = house.surrogate(REPRESENTATIVE)
    assert house.privacy.erase(REPRESENTATIVE, CALLER)
    [record] = house.administrative
    assert ("person.erase", NOON, CALLER) == (record.act, record.moment, record.caller)
    assert {"person": before} == record.details
    assert house.store.facts.gather([], NOON).revision == record.store_revision
    assert before != house.surrogate(REPRESENTATIVE)


def test_delegations_to_an_erased_member_are_gone(house: House) -> None:
    """What was delegated to nobody is delegated no more."""
    tell_story(house)
    house.privacy.erase(MEMBER, CALLER)
    assert {} == stored(house)


def test_the_act_of_an_erased_grantor_stays_without_the_person(house: House) -> None:
    """The member's history tells that it was granted, and not by whom; nobody else is forgotten."""
    tell_story(house)
    house.privacy.erase(REPRESENTATIVE, CALLER)
    [[given]] = stored(house).values()
    assert [ERASED] == [event.actor for event in given.history]
    assert person_of(about(house, MEMBER)).confirmed
    assert "socio" == house.store.registry.standing_of(PARTNER)[0].role.value


def test_an_erased_person_may_sign_in_anew(house: House) -> None:
    """Another token makes a sign-in as if for the first time; the same one does not."""
    handle = tell_story(house)
    house.privacy.erase(REPRESENTATIVE, CALLER)
    with pytest.raises(Conflict):
        house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    house.tokens.take("another", SAID)
    signed = house.sign_in_desk.ingest(Token("another"), None, PORTAL)
    assert not signed.again
    assert handle != signed.sign_in.handle
    assert (SOCIO,) == signed.standing


ACTS: list[Callable[[House], object]] = [
    lambda house: house.privacy.export(REPRESENTATIVE, CALLER),
    lambda house: house.privacy.erase(REPRESENTATIVE, CALLER),
]


@pytest.mark.parametrize("act", ACTS)
def test_no_record_of_it_holds_a_cpf(house: House, act: Callable[[House], object]) -> None:
    """The person stands in the log as a surrogate, as everywhere."""
    tell_story(house)
    act(house)
    assert 1 == len(house.log.records)
    assert [] == leaks(house.log.records, [REPRESENTATIVE])


@pytest.mark.parametrize("act", ACTS)
def test_what_cannot_be_written_down_is_neither_shown_nor_forgotten(
    house: House, act: Callable[[House], object]
) -> None:
    """With the log broken the caller gets an error, and all is as it was."""
    tell_story(house)
    before = everything(house)
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        act(house)
    assert (before, []) == (everything(house), house.told)


@pytest.mark.parametrize("act", ACTS)
def test_without_the_store_nothing_is_written_down(
    house: House, act: Callable[[House], object]
) -> None:
    """An act that did not happen is not in the log."""
    house.store.broken = True
    with pytest.raises(StoreUnavailable):
        act(house)
    assert [] == house.log.records


# Representatives of foreign companies


def test_a_login_is_a_person_as_well(house: House) -> None:
    """Whoever represents a foreign company sees and forgets what is kept, under the same acts."""
    made = house.foreign_desk.register("x", "DE", [REPRESENTATIVE_ABROAD, COLLEAGUE_ABROAD], CALLER)
    house.foreign_desk.validate(made.id, CALLER)
    name = house.surrogate(REPRESENTATIVE_ABROAD)
    house.log.records.clear()
    shown = house.privacy.export(REPRESENTATIVE_ABROAD, CALLER)
    house.privacy.erase(REPRESENTATIVE_ABROAD, CALLER)

    assert [name] == [one["surrogate"] for one in shown["other_surrogates"]]
    assert [made.id.value] == [one["company"] for one in shown["foreign_representatives"]]
    assert [
        ("person.export", {"person": name, "found": True}),
        ("person.erase", {"person": name}),
    ] == [(one.act, one.details) for one in house.administrative]
    assert [] == leaks(house.log.records, [REPRESENTATIVE_ABROAD, COLLEAGUE_ABROAD])
    left = house.foreign_desk.find(made.id)
    assert (Validation.VALIDATED, (COLLEAGUE_ABROAD,)) == (left.validation, left.representatives)
    assert {} == house.store.surrogates.behind([name])


def test_an_entity_that_stands_for_a_person_is_forgotten_too(house: House) -> None:
    """What other services' users leave here is their name in the log, shown and erased alike."""
    user = EntityName("user", "ana")
    name = house.surrogate(user)
    shown = house.privacy.export(user, CALLER)

    assert [name] == [one["surrogate"] for one in shown["other_surrogates"]]
    assert house.privacy.erase(user, CALLER)
    assert {} == house.store.surrogates.behind([name])
    assert [name, name] == [one.details["person"] for one in house.administrative]
