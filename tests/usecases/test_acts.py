"""Administrative acts: written down under a name of their own, then told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authz_service.domain.decision import ActRecord
from authz_service.domain.errors import LogUnavailable
from tests.fakes.clock import NOON
from tests.usecases.house import CALLER, House


def test_an_act_is_written_with_who_did_it_when_and_from_where(house: House) -> None:
    """The record holds all that was said about the act, under a name of its own."""
    house.clock.advance(timedelta(hours=1))
    house.acts.did("client.add", CALLER, {"client": "x"}, 7)
    expected = ActRecord(
        id=house.log.records[0].id,
        moment=NOON + timedelta(hours=1),
        caller=CALLER,
        act="client.add",
        details={"client": "x"},
        store_revision=7,
    )
    assert [expected] == house.log.records
    assert [[expected]] == house.told


def test_every_act_has_a_name_of_its_own(house: House) -> None:
    """Equal acts are two acts."""
    house.acts.did("x", CALLER, {}, 7)
    house.acts.did("x", CALLER, {}, 7)
    assert 2 == len({one.id for one in house.administrative})


def test_listeners_hear_of_an_act_once_it_is_in_the_log(house: House) -> None:
    """They find it written."""
    written: list[int] = []
    listening = replace(
        house.acts, listeners=(lambda _records: written.append(len(house.log.records)),)
    )
    listening.did("x", CALLER, {}, 7)
    assert [1] == written


def test_an_act_that_cannot_be_written_is_told_to_nobody(house: House) -> None:
    """Whoever acted gets an error instead of success."""
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        house.acts.did("x", CALLER, {}, 7)
    assert [] == house.told
