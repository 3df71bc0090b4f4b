"""Confirmations over HTTP: Orquestra's word on a member who has registered through GOV.BR."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authz_service.domain.decision import ActRecord
from tests.fakes.service import REPRESENTATIVE, TOKEN, Service
from tests.web.asserted import actor_of, facts_about

PATH = "/v1/confirmations"
SENT = {"cpf": REPRESENTATIVE}
NOW = "2026-11-20T15:00:00Z"
CONFIRMED = {"cpf": REPRESENTATIVE, "registered_at": NOW, "confirmed_at": "2026-11-20T15:10:00Z"}


@pytest.fixture
def registered(service: Service) -> Service:
    """A service to which the representative has come by a first sign-in, ten minutes ago."""
    service.post("/v1/identities", {"access_token": TOKEN})
    service.clock.advance(timedelta(minutes=10))
    return service


def test_who_has_registered_is_confirmed(registered: Service) -> None:
    """The answer is the person, and policies read the confirmation from then on (Etapa 2)."""
    assert not actor_of(facts_about(registered)).confirmed
    answer = registered.post(PATH, SENT)
    assert (200, CONFIRMED) == (answer.status_code, answer.get_json())
    assert actor_of(facts_about(registered)).confirmed


def test_a_confirmation_stays_as_it_was(registered: Service) -> None:
    """Confirming twice keeps the first instant."""
    registered.post(PATH, SENT)
    registered.clock.advance(timedelta(days=1))
    assert CONFIRMED == registered.post(PATH, SENT).get_json()


def test_a_masked_cpf_is_the_same_person(registered: Service) -> None:
    """Orquestra shows CPFs with punctuation, and may send them so."""
    assert CONFIRMED == registered.post(PATH, {"cpf": "722.684.025-17"}).get_json()


@pytest.mark.parametrize(
    "value", [None, 72268402517, "", "72268402518", [REPRESENTATIVE], {}, True]
)
def test_whom_it_is_about_has_to_be_a_cpf(registered: Service, value: object) -> None:
    """A member that is wrong is a 400 that names it, and no act is on record."""
    before = len(registered.log.records)
    answer = registered.post(PATH, {"cpf": value})
    assert (400, "cpf") == (answer.status_code, answer.get_json()["field"])
    assert before == len(registered.log.records)


def test_whom_it_is_about_is_required(service: Service) -> None:
    """A body without a CPF is a 400 that names it."""
    answer = service.post(PATH, {})
    assert (400, "cpf") == (answer.status_code, answer.get_json()["field"])


def test_who_has_not_registered_is_not_confirmed(service: Service) -> None:
    """Confirming somebody who never signed in is a 400 that names the CPF's member."""
    answer = service.post(PATH, SENT)
    assert (400, "cpf") == (answer.status_code, answer.get_json()["field"])
    assert not actor_of(facts_about(service)).confirmed


def test_a_confirmation_is_on_record(registered: Service) -> None:
    """It is an act of the client that sent it, from where it called."""
    registered.post(PATH, SENT)
    record = registered.log.records[-1]
    assert isinstance(record, ActRecord)
    assert ("person.confirm", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )
