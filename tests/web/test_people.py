"""People over HTTP: what is asserted about persons, and what is shown of one."""

from __future__ import annotations

from typing import Any

import pytest

from authz_service.domain.decision import ActRecord
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role, Standing
from tests.fakes.clock import NOON
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, Service
from tests.fakes.store import untold
from tests.web.asserted import NOW, actor_of, facts_about

PERSON: dict[str, Any] = {"cpf": REPRESENTATIVE, "registered": True, "confirmed": True}
STRANGER = "98765432100"
WRONG_FLAGS: list[object] = [None, 1, 0, "true", "", [], {}]


def act(service: Service) -> ActRecord:
    """Give the last record of the log, which is an act."""
    record = service.log.records[-1]
    assert isinstance(record, ActRecord)
    return record


@pytest.mark.parametrize(
    ("registered", "confirmed", "shown"),
    [(True, True, (NOW, NOW)), (True, False, (NOW, None)), (False, False, (None, None))],
)
def test_a_person_is_registered_and_confirmed(
    service: Service, *, registered: bool, confirmed: bool, shown: tuple[str | None, str | None]
) -> None:
    """What is said about a person is answered, and is what policies read from then on."""
    said = {**PERSON, "registered": registered, "confirmed": confirmed}
    answer = service.post("/v1/people", said)
    assert 200 == answer.status_code
    assert {
        "cpf": REPRESENTATIVE,
        "registered_at": shown[0],
        "confirmed_at": shown[1],
    } == answer.get_json()
    actor = actor_of(facts_about(service))
    assert (registered, confirmed) == (actor.registered, actor.confirmed)


def test_what_is_asserted_is_on_record(service: Service) -> None:
    """An assertion is an administrative act of the calling program, from where it called."""
    service.post("/v1/people", PERSON)
    record = act(service)
    assert ("person.assert", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("cpf", "72268402518"),
        ("cpf", 72268402517),
        ("cpf", None),
        *((member, value) for member in ("registered", "confirmed") for value in WRONG_FLAGS),
    ],
)
def test_what_cannot_be_read_is_refused(service: Service, member: str, value: object) -> None:
    """A member that is wrong is a 400 that names it, and no act is on record."""
    before = len(service.log.records)
    answer = service.post("/v1/people", {**PERSON, member: value})
    assert (400, member) == (answer.status_code, answer.get_json()["field"])
    assert before == len(service.log.records)


def test_what_is_required_is_required(service: Service) -> None:
    """Each member that is missing is a 400 that names it."""
    for missing in PERSON:
        rest = {name: value for name, value in PERSON.items() if name != missing}
        answer = service.post("/v1/people", rest)
        assert (400, missing) == (answer.status_code, answer.get_json()["field"])


def test_nobody_is_confirmed_without_being_registered(service: Service) -> None:
    """Confirmation needs a registration, so the other order is a 400."""
    answer = service.post("/v1/people", {**PERSON, "registered": False})
    assert (400, "confirmed") == (answer.status_code, answer.get_json()["field"])


def test_member_and_representative_are_different_persons(service: Service) -> None:
    """What is said about one person says nothing about another."""
    service.post("/v1/people", {"cpf": MEMBER, "registered": True, "confirmed": True})
    assert not actor_of(facts_about(service)).registered


# Looking up


def test_a_person_is_shown_with_all_standing(service: Service) -> None:
    """Registration, confirmation, and what the person is in each company, by every evidence."""
    service.post("/v1/people", PERSON)
    said = {"cpf": REPRESENTATIVE, "company": COMPANY, "role": "socio"}
    service.post("/v1/standing", said)
    person = Cpf.parse(REPRESENTATIVE)
    verified = Standing(
        Cnpj.parse("11222333000181"), person, Role.CONTADOR, Evidence.GOVBR, NOON, NOON, True
    )
    service.store.registry.save_standing(verified, untold)
    answer = service.post("/v1/people/lookup", {"cpf": REPRESENTATIVE})
    assert 200 == answer.status_code
    assert {
        "person": {"cpf": REPRESENTATIVE, "registered_at": NOW, "confirmed_at": NOW},
        "standings": [
            {
                "cpf": REPRESENTATIVE,
                "company": "11222333000181",
                "role": "contador",
                "evidence": "govbr",
                "observed_at": NOW,
                "ends_at": NOW,
                "cadastrador": True,
            },
            {
                "cpf": REPRESENTATIVE,
                "company": COMPANY,
                "role": "socio",
                "evidence": "asserted",
                "observed_at": NOW,
                "ends_at": None,
                "cadastrador": None,
            },
        ],
    } == answer.get_json()


def test_standing_alone_is_something(service: Service) -> None:
    """Of whom only standing is known, that is shown, and no registration."""
    service.post("/v1/standing", {"cpf": STRANGER, "company": COMPANY, "role": "socio"})
    shown = service.post("/v1/people/lookup", {"cpf": STRANGER}).get_json()
    assert (None, ["socio"]) == (shown["person"], [one["role"] for one in shown["standings"]])


def test_a_person_of_whom_nothing_is_known_is_not_found(service: Service) -> None:
    """It is a 404, on record as well, and the person gets no pairing with a surrogate by it."""
    answer = service.post("/v1/people/lookup", {"cpf": STRANGER})
    assert 404 == answer.status_code
    assert STRANGER not in answer.get_data(as_text=True)
    assert ("person.lookup", {"person": None, "found": False}) == (
        act(service).act,
        act(service).details,
    )
    assert service.store.surrogates.known(Cpf.parse(STRANGER)) is None


def test_who_looks_up_is_on_record(service: Service) -> None:
    """Before anything is shown the log has who asked, from where, about which surrogate."""
    service.post("/v1/people/lookup", {"cpf": MEMBER})
    record = act(service)
    assert ("person.lookup", "c0", "127.0.0.1") == (
        record.act,
        record.caller.name,
        record.caller.address,
    )
    name = service.store.surrogates.known(Cpf.parse(MEMBER))
    assert name is not None
    assert {"person": name, "found": True} == record.details
    assert MEMBER not in repr(record)
    assert service.store.facts.gather((), NOON).revision == record.store_revision


def test_nothing_is_shown_that_is_not_on_record(service: Service) -> None:
    """Without the log nobody sees anybody."""
    service.log.broken = True
    answer = service.post("/v1/people/lookup", {"cpf": MEMBER})
    assert 503 == answer.status_code
    assert MEMBER not in answer.get_data(as_text=True)


def test_looking_up_takes_its_own_scope(service: Service) -> None:
    """Who may assert may not look up."""
    answer = service.post(
        "/v1/people/lookup", {"cpf": MEMBER}, key=service.key_for("standing:assert")
    )
    assert (403, "`people:read`") == (
        answer.status_code,
        answer.get_json()["detail"].rpartition(" ")[2],
    )


@pytest.mark.parametrize("cpf", [None, "", "98765432101", 98765432100, [], {}])
def test_only_a_cpf_is_looked_up(service: Service, cpf: object) -> None:
    """Anything else is a 400 that names the member, and no act."""
    before = len(service.log.records)
    answer = service.post("/v1/people/lookup", {"cpf": cpf})
    assert (400, "cpf") == (answer.status_code, answer.get_json()["field"])
    assert before == len(service.log.records)
