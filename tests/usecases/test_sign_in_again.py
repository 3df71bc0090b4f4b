"""The same token again: idempotent for who brought it first, refused for anybody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from authz_service.domain.errors import Conflict, TokenRefused
from authz_service.domain.identifiers import Cpf
from authz_service.domain.people import Person, Role
from authz_service.domain.sign_in import Cause, Companies, Token
from authz_service.usecases.govbr import Seen
from tests.domain.document import COMPANY, OTHER_COMPANY, REPRESENTATIVE
from tests.fakes.clock import NOON
from tests.fakes.govbr import Answers, digest_of, listing
from tests.usecases.house import House
from tests.usecases.signing_in import (
    CONTADOR,
    ID_TEXT,
    ID_TOKEN,
    OTHER,
    PORTAL,
    SAID,
    SOCIO,
    TEXT,
    TOKEN,
    contradicted,
    facts,
    ingest,
    kept,
    roles,
)


def test_the_same_token_again_changes_nothing(house: House) -> None:
    """GOV.BR is not asked, nothing is written, and the handle is the one of the first time."""
    house.companies.answers = listing(SOCIO)
    first = ingest(house)
    before, records = kept(house), list(house.log.records)
    house.companies.answers = listing(CONTADOR)
    house.clock.advance(timedelta(minutes=30))
    again = house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    assert replace(first, again=True, unanswered=None) == again
    assert (before, records) == (kept(house), house.log.records)
    assert 1 == len(house.companies.asked)
    assert [] == house.refused


def test_the_same_token_again_tells_what_is_known_now(house: House) -> None:
    """The sign-in stays what it was; person and standing may have changed since."""
    house.companies.answers = listing(SOCIO, outcome=Companies.PARTIAL)
    ingest(house)
    house.registrar.confirm(REPRESENTATIVE, PORTAL)
    house.tokens.take("another", SAID)
    house.companies.answers = listing(SOCIO, CONTADOR)
    house.sign_in_desk.ingest(Token("another"), None, PORTAL)
    again = house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    assert (True, Person(REPRESENTATIVE, NOON, NOON)) == (again.again, again.person)
    assert {COMPANY, OTHER_COMPANY} == {one.company for one in again.standing}
    assert Companies.PARTIAL is again.sign_in.companies


def test_another_id_token_with_a_known_token_changes_nothing(house: House) -> None:
    """What it could add was not brought in time; level and moment stay what they were."""
    first = ingest(house, replace(SAID, level=None, authenticated_at=None))
    before, records = kept(house), list(house.log.records)
    house.tokens.take(TEXT, SAID, ID_TEXT)
    again = house.sign_in_desk.ingest(TOKEN, ID_TOKEN, PORTAL)
    assert replace(first, again=True, unanswered=None) == again
    assert (before, records) == (kept(house), house.log.records)


def test_a_wrong_id_token_is_refused_with_a_known_token_too(house: House) -> None:
    """Both tokens are verified whenever they are brought."""
    ingest(house)
    with pytest.raises(TokenRefused):
        house.sign_in_desk.ingest(TOKEN, Token("of another sign-in"), PORTAL)
    assert [Cause.PAIR] == house.refused


def test_the_same_token_from_another_client_is_refused_and_counted(house: House) -> None:
    """A token that went astray opens nothing, and gives nobody the handle of the first one."""
    signed = ingest(house)
    before, records = kept(house), list(house.log.records)
    with pytest.raises(TokenRefused) as caught:
        house.sign_in_desk.ingest(TOKEN, None, OTHER)
    assert (Cause.OTHER_CLIENT, "access_token") == (caught.value.cause, caught.value.token)
    assert [Cause.OTHER_CLIENT] == house.refused
    assert [] == [
        one for one in (TEXT, signed.sign_in.handle, "portal") if one in str(caught.value)
    ]
    assert (before, records) == (kept(house), house.log.records)
    assert 1 == len(house.companies.asked)


def test_another_token_of_the_same_person_is_another_sign_in(house: House) -> None:
    """Two clients may sign in the same person, each with a token of its own."""
    first = ingest(house)
    house.tokens.take("another", SAID)
    second = house.sign_in_desk.ingest(Token("another"), None, OTHER)
    assert (False, "other-portal") == (second.again, second.sign_in.client)
    assert first.sign_in.handle != second.sign_in.handle
    assert 2 == len(house.administrative)


# Two at once


def meanwhile(house: House, caller: str) -> Answers:
    """Let the same token be brought by *caller* while GOV.BR is being asked."""
    client = replace(PORTAL, name=caller)

    def answers(person: Cpf, moment: datetime) -> Seen:
        house.companies.answers = listing(SOCIO)
        house.sign_in_desk.ingest(TOKEN, None, client)
        return listing(CONTADOR)(person, moment)

    return answers


def test_of_two_at_once_the_first_makes_the_sign_in(house: House) -> None:
    """The other is told of the same handle, and nothing that it saw is kept."""
    house.companies.answers = meanwhile(house, "portal")
    signed = ingest(house)
    [record] = house.administrative
    assert record.details["sign_in"] == signed.sign_in.id
    assert signed.sign_in == house.store.sign_ins.of_digest(digest_of(TEXT))
    assert (True, (SOCIO,)) == (signed.again, signed.standing)
    assert ("a-note",) == signed.notes
    assert {COMPANY: Role.SOCIO} == roles(house)


def test_of_two_clients_at_once_the_second_is_refused(house: House) -> None:
    """Also where it was not known yet when the second one began."""
    house.companies.answers = meanwhile(house, "other-portal")
    with pytest.raises(TokenRefused):
        ingest(house)
    assert [Cause.OTHER_CLIENT] == house.refused
    assert ["other-portal"] == [one.caller.name for one in house.administrative]


def test_a_contradiction_that_no_other_sign_in_explains_is_told(house: House) -> None:
    """Nothing was kept, so nothing is said to be."""
    house.tokens.take(TEXT, SAID)
    before = kept(house)
    with pytest.raises(Conflict):
        contradicted(house).ingest(TOKEN, None, PORTAL)
    assert (before, [], []) == (kept(house), house.log.records, house.refused)


def test_what_tells_of_an_agent_too_late_is_refused(house: House) -> None:
    """A sign-in that passed for the person's own is an agent's from then on, and on record."""
    first = ingest(house).sign_in
    house.tokens.take(TEXT, replace(SAID, agent=True), ID_TEXT)
    with pytest.raises(TokenRefused) as caught:
        house.sign_in_desk.ingest(TOKEN, ID_TOKEN, PORTAL)
    assert (Cause.AGENT, [Cause.AGENT]) == (caught.value.cause, house.refused)
    assert [PORTAL] == house.refused_to
    act = house.administrative[-1]
    assert ("sign_in.agent", {"person": house.surrogate(REPRESENTATIVE), "sign_in": first.id}) == (
        act.act,
        act.details,
    )
    seen = facts(house, first.handle).question
    assert seen.sign_in is not None
    assert (True, "asserted") == (seen.sign_in.agent, seen.actor_evidence)
    with pytest.raises(TokenRefused):
        house.sign_in_desk.prove(TOKEN, PORTAL)


def test_an_agents_token_again_changes_nothing_either(house: House) -> None:
    """What was known of it from the beginning is no contradiction."""
    first = ingest(house, replace(SAID, agent=True))
    again = house.sign_in_desk.ingest(TOKEN, None, PORTAL)
    assert (True, first.sign_in) == (again.again, again.sign_in)
    assert [] == house.refused
