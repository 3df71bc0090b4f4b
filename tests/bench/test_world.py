"""The benchmark's world in a real store: the service decides everything as the world says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

import pytest

from authz_service.bootstrap import Service, build
from authz_service.domain.decision import Caller
from authz_service.domain.identifiers import Cnpj, Cpf
from tests.bench.plane import mixes, seeding, world
from tests.bench.plane.stages import STAGES, watch

COMPANIES = 60


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service on a store that is filled with the world."""
    folder = tmp_path_factory.mktemp("world")
    url = f"sqlite:///{folder}/authz.db"
    seeding.fill(url, COMPANIES, folder)
    built = build(seeding.settings(url, folder))
    built.load_policy()
    yield built
    built.close()


def test_numbers_are_valid() -> None:
    """The CPFs and CNPJs of the world are such, and each is only one's."""
    people = [world.cpf(number) for number in range(3_000)]
    companies = [world.cnpj(number) for number in range(3_000)]

    assert people == [Cpf.parse(one.digits) for one in people]
    assert companies == [Cnpj.parse(one.value) for one in companies]
    assert (3_000, 3_000) == (len(set(people)), len(set(companies)))


def test_there_are_a_thousand_different_questions_and_both_answers() -> None:
    """No service can answer by heart, nor always the same."""
    [singles, *batches] = mixes.mixes(2_000, 4_000, 40)
    asked = [one for [one] in singles.requests]

    assert len({one.company for one in asked}) > 1_000
    assert len({one.person for one in asked}) > 1_000
    assert 0.7 < sum(singles.granted) / len(asked) < 0.9
    for mix in batches:
        assert {50} == {len(one) for one in mix.requests}
    assert {1} == {len({one.person for one in asked}) for asked in batches[0].requests}
    assert {50} == {len({one.company for one in asked}) for asked in batches[1].requests}


@pytest.mark.parametrize("companies", [100, 100_000])
def test_stores_of_every_size_are_asked_as_much(companies: int) -> None:
    """As many persons and companies, none of them twice, and each person for one company."""
    asked = world.one_each(companies, 100)

    assert 400 == len({(one.person, one.company) for one in asked})
    assert 100 == len({one.company for one in asked})


def test_the_service_decides_as_the_world_says(service: Service) -> None:
    """Each kind of question is answered as it has to be, one by one and in batches."""
    drawn = [one for mix in mixes.mixes(COMPANIES, 300, 10) for one in mix.requests]
    for asked in (*drawn, world.one_each(COMPANIES, COMPANIES)):
        given = service.point.decide_all([mixes.question(one) for one in asked], Caller("x"))

        assert [one.allowed for one in asked] == [one.decision.allowed for one in given]


def test_the_world_has_every_kind_of_question() -> None:
    """Partners, members, strangers, revoked delegations and closed processes are asked about."""
    draws = list(islice(world.questions(COMPANIES, seed=1), 500))
    revoked = [
        one
        for company in range(0, COMPANIES, world.REVOKED_EVERY)
        for one in draws
        if one.person == world.member(company, 1)
    ]

    assert {False} == {one.allowed for one in revoked}
    assert world.CLOSED in {one.process for one in draws}


def test_cerbos_is_told_what_its_policy_reads(service: Service) -> None:
    """What the store knows of a member who may open stands in the request as attributes."""
    asked = world.Asked(world.member(0, 0), world.cnpj(0), world.delegated(0, 0)[0], allowed=True)
    mix = mixes.Mix(mixes.SINGLE, mixes.EVALUATION, [[asked]])

    [body] = mixes.bodies_for_cerbos(mix, service.store.facts, service.point.clock())

    nobody = {"role": "none", "in_force": False}
    assert {
        "subject": {
            "type": "person",
            "id": asked.person.digits,
            "properties": {"confirmed": True},
        },
        "action": {"name": "open"},
        "resource": {
            "type": "process",
            "id": asked.process,
            "properties": {
                "state": "open",
                "origin": "national",
                "validation": "none",
                "standing": nobody,
                "bond": {"in_force": False},
                "delegation": {
                    "state": "in_force",
                    "backing": {"role": "socio", "in_force": True, "days": 0},
                    "matriz_backing": nobody,
                },
            },
        },
    } == json.loads(body)


def test_a_watched_service_decides_the_same_and_books_its_stages(service: Service) -> None:
    """The stop-watches change no decision, and every port that was asked is in the book."""
    book: dict[str, list[float]] = {name: [0.0, 0] for name in (*STAGES, "nothing")}
    asked = next(world.questions(COMPANIES, seed=3))

    given = watch(service, book).point.decide(mixes.question(asked), Caller("x"))

    assert asked.allowed == given.decision.allowed
    booked = {name for name, (seconds, calls) in book.items() if calls and seconds > 0}
    assert {"policies", "policy", "facts", "log"} <= booked <= set(STAGES)
