"""
The same question asked of ours and of others, each used as its own manual says.

A peer is built once from its policy and then asked. Wherever a peer offers a faster way it is
taken: Cedar's policies are parsed once, casbin sees only the rules of the action.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import casbin
import cedarpy
from casbin.model import FastModel
from polar.polar import Polar
from polar.variable import Variable

from authz_service.domain.decision import Question
from authz_service.domain.facts import (
    ActorFacts,
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    ResourceFacts,
    SignInFacts,
    StandingFacts,
)
from authz_service.policy.bundle import Source, build
from authz_service.policy.vocabulary import BY_TYPE, VOCABULARY

CASBIN_MODEL = """
[request_definition]
r = about, action, actor, resource

[policy_definition]
p = about, action, eft, when

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = eval(p.when)
"""


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """A question and its facts, gathered already; each is only equal to itself."""

    question: Question
    facts: Facts

    @property
    def about(self) -> str:
        """The classes of actor and resource, as casbin's rules name them."""
        by, on = (BY_TYPE[type(one)].name for one in (self.facts.actor, self.facts.resource))
        return f"{by} {on}".lower()


Ask = Callable[[Asked], bool]
"""Tells whether it is allowed."""


@dataclass(frozen=True, slots=True)
class CasbinRule:
    """
    One line of casbin's policy.

    Attributes:
        about: classes of actor and resource, such as ``person process``.
        action: the one action.
        effect: ``allow`` or ``deny``.
        when: the condition, over ``r.actor`` and ``r.resource``.
    """

    about: str
    action: str
    effect: str
    when: str


def diagram(sources: Sequence[Source]) -> Ask:
    """Give the decision path of the service."""
    policy = build(sources)
    return lambda asked: policy.evaluate(asked.question, asked.facts).allowed


def explored(sources: Sequence[Source]) -> Ask:
    """Give the same, with every way through the rules learned beforehand."""
    policy = build(sources)
    policy.explore()
    return lambda asked: policy.evaluate(asked.question, asked.facts).allowed


def plain_oso(sources: Iterable[Source]) -> Ask:
    """Ask the same files of oso as it comes, with the facts as they are, permits and forbids."""
    polar = Polar()
    for entity in VOCABULARY.values():
        polar.register_class(entity.type, name=entity.in_polar)
    # It prints that there is no `allow` rule.
    with contextlib.redirect_stdout(io.StringIO()):
        polar.load_str(
            "\n".join(one.content.decode() for one in sources if one.file.endswith(".polar"))
        )

    def ask(asked: Asked) -> bool:
        arguments = (
            asked.facts.actor,
            asked.question.action,
            asked.facts.resource,
            Variable("reason"),
        )
        forbids, permits = (
            list(polar.query_rule(kind, *arguments)) for kind in ("forbid", "permit")
        )
        return bool(permits) and not forbids

    return ask


def cedar(policies: str) -> Ask:
    """Ask Cedar, which gets the facts as JSON with each question."""
    parsed = cedarpy.PolicySet.from_str(policies)

    def ask(asked: Asked) -> bool:
        request, entities = cedar_request(asked)
        return bool(cedarpy.is_authorized(request, parsed, json.dumps(entities)).allowed)

    return ask


Prepared = Mapping[Asked, tuple[dict[str, Any], cedarpy.Entities]]
"""Requests to Cedar whose facts it has parsed."""


def prepared_for_cedar(known: Iterable[Asked]) -> Prepared:
    """Let Cedar parse the facts of questions before they are asked."""
    prepared = {}
    for one in known:
        request, entities = cedar_request(one)
        prepared[one] = request, cedarpy.Entities.from_json_str(json.dumps(entities))
    return prepared


def cedar_prepared(policies: str, prepared: Prepared) -> Ask:
    """Ask Cedar about facts that it has parsed before: what is left is its evaluator alone."""
    parsed = cedarpy.PolicySet.from_str(policies)

    def ask(asked: Asked) -> bool:
        request, entities = prepared[asked]
        return bool(cedarpy.is_authorized(request, parsed, entities).allowed)

    return ask


def in_casbin(rules: Iterable[CasbinRule]) -> Ask:
    """Ask casbin, whose conditions read the facts as they are."""
    # With two keys it looks only at the rules of this action and these classes.
    keys = (0, 1)
    model = FastModel(keys)
    model.load_model_from_text(CASBIN_MODEL)
    enforcer = casbin.FastEnforcer(model, cache_key_order=keys)
    rules = list(rules)
    enforcer.add_policies([[one.about, one.action, one.effect, one.when] for one in rules])
    known = {(one.about, one.action) for one in rules}

    def ask(asked: Asked) -> bool:
        about, action = asked.about, asked.question.action
        # casbin raises where it has no rule to evaluate.
        if (about, action) not in known:
            return False
        return bool(enforcer.enforce(about, action, asked.facts.actor, asked.facts.resource))

    return ask


def cedar_request(asked: Asked) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Give a request to Cedar, and the entities behind it; what is nil is left out."""
    actor, resource = asked.facts.actor, asked.facts.resource
    principal = {"type": BY_TYPE[type(actor)].name, "id": _name(actor)}
    on = {"type": BY_TYPE[type(resource)].name, "id": resource.id or ""}
    request = {
        "principal": principal,
        "action": {"type": "Action", "id": asked.question.action},
        "resource": on,
    }
    entities = [
        {"uid": principal, "attrs": _actor(actor), "parents": []},
        {"uid": on, "attrs": _resource(resource), "parents": []},
    ]
    return request, entities


def _name(actor: ActorFacts) -> str:
    if isinstance(actor, PersonFacts):
        return actor.cpf
    return actor.login if isinstance(actor, LoginFacts) else actor.id


def _actor(one: ActorFacts) -> dict[str, Any]:
    return _person(one) if isinstance(one, PersonFacts) else {}


def _person(one: PersonFacts) -> dict[str, Any]:
    return {"cpf": one.cpf, "registered": one.registered, "confirmed": one.confirmed}


def _resource(one: ProcessFacts | CompanyFacts | ResourceFacts) -> dict[str, Any]:
    if isinstance(one, ProcessFacts):
        return _process(one)
    if isinstance(one, CompanyFacts):
        return _company(one)
    return {"type": one.type, "id": one.id, "question": _question(one.question)}


def _process(one: ProcessFacts) -> dict[str, Any]:
    return {
        "state": one.state,
        "company": _company(one.company),
        "delegation": _delegation(one.delegation),
        "question": _question(one.question),
    } | _given(id=one.id, code=one.code, version=one.version)


def _company(one: CompanyFacts) -> dict[str, Any]:
    return {
        "id": one.id,
        "origin": one.origin,
        "validation": one.validation,
        "standing": _standing(one.standing),
        "bond": _bond(one.bond),
        "question": _question(one.question),
    } | _given(cnpj=one.cnpj)


def _bond(one: BondFacts) -> dict[str, Any]:
    return {
        "recorded": one.recorded,
        "in_force": one.in_force,
        "standing": _standing(one.standing),
    }


def _delegation(one: DelegationFacts) -> dict[str, Any]:
    return {
        "state": one.state,
        "backing": _standing(one.backing),
        "matriz_backing": _standing(one.matriz_backing),
    } | _given(version=one.version)


def _standing(one: StandingFacts) -> dict[str, Any]:
    return {
        "role": one.role,
        "evidence": one.evidence,
        "in_force": one.in_force,
        "cadastrador": one.cadastrador,
    } | _given(days=one.days)


def _question(one: QuestionFacts) -> dict[str, Any]:
    return {"actor_evidence": one.actor_evidence} | _given(
        recipient=None if one.recipient is None else _person(one.recipient),
        sign_in=None if one.sign_in is None else _sign_in(one.sign_in),
    )


def _sign_in(one: SignInFacts) -> dict[str, Any]:
    return {
        "level": one.level,
        "method": one.method,
        "certificate": one.certificate,
        "second_factor": one.second_factor,
        "agent": one.agent,
    } | _given(cnpj=one.cnpj, minutes=one.minutes)


def _given(**members: object) -> dict[str, object]:
    """Leave out what is nil; Cedar has no nil, and asks whether a member is there."""
    return {name: value for name, value in members.items() if value is not None}
