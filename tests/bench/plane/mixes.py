"""
What is asked over HTTP, in the words of OpenID AuthZEN: once for us and once for Cerbos.

We are sent who, what and for whom, and look up the rest. Cerbos keeps no facts, so whoever asks
it brings them: the attributes are made here of the facts that our store gives for the same
question, and of no more of them than its policy reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from authz_service.domain.decision import ProcessAsked, Question
from authz_service.domain.facts import Facts, PersonFacts, ProcessFacts, StandingFacts
from authz_service.domain.processes import Ambiguous, ProcessName
from authz_service.usecases.ports import FactSource
from tests.bench.plane import world
from tests.bench.plane.world import Asked

BATCH = 50
"""Questions in a batch; Cerbos takes no more."""
EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
SINGLE = "single evaluations"
ONE_PERSON = "batches of 50: one person"
COMPANIES = "batches of 50: 50 companies"

Speaks = Literal["ours", "cerbos"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mix:
    """
    Requests that are sent in turn.

    Attributes:
        name: what it is called in tables.
        path: the endpoint.
        requests: the questions of each request, one or a batch.
    """

    name: str
    path: str
    requests: Sequence[Sequence[Asked]]

    @property
    def granted(self) -> tuple[int, ...]:
        """How many decisions have to be a yes in the answer of each request."""
        return tuple(sum(one.allowed for one in asked) for asked in self.requests)

    @property
    def decisions(self) -> int:
        """How many decisions a request asks for."""
        return len(self.requests[0])


def mixes(companies: int, count: int, batches: int) -> list[Mix]:
    """
    Make the three mixes about a store with so many companies.

    Args:
        companies: how many the store has; at least 50.
        count: how many different single questions.
        batches: how many different batches of each kind.
    """
    drawn = world.questions(companies, seed=6)
    singles = [[one] for one in islice(drawn, count)]
    everything = [world.everything_of(one % companies) for one in range(batches)]
    return [
        Mix(SINGLE, EVALUATION, singles),
        Mix(ONE_PERSON, EVALUATIONS, everything),
        Mix(COMPANIES, EVALUATIONS, [_of_as_many_companies(drawn) for _ in range(batches)]),
    ]


def _of_as_many_companies(drawn: Iterator[Asked]) -> list[Asked]:
    """
    Take a batch of questions, each about another company and by another person.

    A person's attributes are those in one company, and Cerbos takes those that it reads first for
    all that the same person asks in a batch.
    """
    found: dict[str, Asked] = {}
    people: set[str] = set()
    while len(found) < BATCH:
        one = next(drawn)
        if one.company.value not in found and one.person.digits not in people:
            found[one.company.value] = one
            people.add(one.person.digits)
    return list(found.values())


def question(asked: Asked) -> Question:
    """Give the question as the service's own noun."""
    return Question(asked.person, "open", ProcessAsked(ProcessName(asked.process), asked.company))


def bodies_for_us(mix: Mix) -> list[bytes]:
    """Give the bodies of the requests as our service takes them: who, what and for whom."""
    return [
        _body([(_person(one), _process(one, {"cnpj": one.company.value})) for one in asked])
        for asked in mix.requests
    ]


def bodies_for_cerbos(mix: Mix, facts: FactSource, moment: datetime) -> list[bytes]:
    """Give the bodies of the requests as Cerbos needs them: with what is known of both."""
    found = []
    for asked in mix.requests:
        known = facts.gather([question(one) for one in asked], moment).facts
        found.append(_body([_described(one, fact) for one, fact in zip(asked, known, strict=True)]))
    return found


def _body(parts: Sequence[tuple[Json, Json]]) -> bytes:
    return json.dumps(_request(parts), separators=(",", ":")).encode()


def _request(parts: Sequence[tuple[Json, Json]]) -> Json:
    action = {"action": {"name": "open"}}
    first, resource = parts[0]
    if len(parts) == 1:
        return {"subject": first, **action, "resource": resource}
    # Cerbos refuses a batch without a context that holds something; our rules read none.
    common = {**action, "context": {"channel": "orquestra"}}
    if all(subject == first for subject, _ in parts):
        return {
            "subject": first,
            **common,
            "evaluations": [{"resource": each} for _, each in parts],
        }
    items = [{"subject": subject, "resource": each} for subject, each in parts]
    return {**common, "evaluations": items}


def _person(asked: Asked) -> Json:
    return {"type": "person", "id": asked.person.digits}


def _process(asked: Asked, properties: Json) -> Json:
    return {"type": "process", "id": asked.process, "properties": properties}


def _described(asked: Asked, facts: Facts | Ambiguous) -> tuple[Json, Json]:
    """Give subject and resource with the attributes that Cerbos's policy reads."""
    if isinstance(facts, Ambiguous):
        raise TypeError("the benchmark names each process by a code of its own")
    actor, process = facts.actor, facts.resource
    if not isinstance(actor, PersonFacts) or not isinstance(process, ProcessFacts):
        raise TypeError("the benchmark asks about persons and processes only")
    company, delegation = process.company, process.delegation
    properties: Json = {
        "state": process.state,
        "origin": company.origin,
        "validation": company.validation,
        "standing": _standing(company.standing),
        "bond": {"in_force": company.bond.in_force},
        "delegation": {
            "state": delegation.state,
            "backing": _standing(delegation.backing),
            "matriz_backing": _standing(delegation.matriz_backing),
        },
    }
    subject = {**_person(asked), "properties": {"confirmed": actor.confirmed}}
    return subject, _process(asked, properties)


def _standing(standing: StandingFacts) -> Json:
    told: Json = {"role": standing.role, "in_force": standing.in_force}
    return told if standing.days is None else {**told, "days": standing.days}


def http(path: str, port: int, key: str | None, body: bytes) -> bytes:
    """Give a whole HTTP/1.1 request, as it goes over the wire."""
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *([] if key is None else [f"Authorization: Bearer {key}"]),
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
