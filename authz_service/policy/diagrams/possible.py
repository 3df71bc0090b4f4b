"""
What facts can be together: the joint constraints that ``domain.known`` keeps.

The vocabulary says what each fact can be by itself. Most combinations are nobody's: a role
without evidence, a delegation of a process that is not in the catalogue. Who looks for a
situation (one in which a rule errs, or the nearest one that is allowed) stays within these.

A combination is ruled out only where no records that bear on one question give it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from authz_service.domain.companies import Origin, Validation
from authz_service.domain.facts import (
    NONE,
    UNKNOWN,
    BondFacts,
    CompanyFacts,
    DelegationFacts,
    Facts,
    LoginFacts,
    PersonFacts,
    ProcessFacts,
    QuestionFacts,
    SignInFacts,
    StandingFacts,
    SubjectFacts,
)
from authz_service.domain.people import Evidence, Role
from authz_service.domain.sign_in import Method
from authz_service.policy.kinds import Link, Opaque
from authz_service.policy.vocabulary import BY_TYPE

ABSENT: Final = object()
"""The value at a path that leads through nil."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """
    What facts have to be together.

    Attributes:
        at: the class of facts that the paths start from, wherever such facts stand; or
            ``Facts`` for paths from the question as a whole, which begin with ``actor`` or
            ``resource``.
        reads: dotted paths of facts, relative to ``at``.
        holds: tells, given the values at these paths in their order, whether they can be
            together. The value of another entity is True, or None for nil; a path that leads
            through nil has the value ``ABSENT``.
        why: the reason, one sentence.
        actors: the classes of actor for which it holds; empty for any.
        resources: the classes of resource for which it holds; empty for any.
    """

    at: type
    reads: tuple[str, ...]
    holds: Callable[..., bool]
    why: str
    actors: tuple[type, ...] = ()
    resources: tuple[type, ...] = ()

    def concerns(self, actor: type, resource: type) -> bool:
        """Tell whether it holds for questions of these classes of facts."""
        return actor in (self.actors or (actor,)) and resource in (self.resources or (resource,))


_NATIONAL, _FOREIGN = Origin.NATIONAL.value, Origin.FOREIGN.value
_GOVBR, _ASSERTED = Evidence.GOVBR.value, Evidence.ASSERTED.value
_INMETRO = Evidence.INMETRO.value
_REPRESENTATIVE = Role.REPRESENTANTE_LEGAL.value
_CERTIFICATE = Method.CERTIFICATE.value
_VALIDATED = Validation.VALIDATED.value
_NO = False
_FOREIGN_ID = re.compile("EX[0-9]{8}")
_NO_PERSON = (LoginFacts, SubjectFacts)
_NO_LOGIN = (PersonFacts, SubjectFacts)
_MAY_BE_NIL = {
    (CompanyFacts, "cnpj"),
    (ProcessFacts, "id"),
    (ProcessFacts, "code"),
    (SignInFacts, "cnpj"),
}


def _is(wanted: object) -> Callable[..., bool]:
    return lambda value: value == wanted


def _is_not(unwanted: object) -> Callable[..., bool]:
    return lambda value: value != unwanted


def _with(one: object, other: object) -> Callable[..., bool]:
    """Hold if the first is *one* and the second *other*, or if neither is."""
    return lambda first, second: (first == one) == (second == other)


def _then(one: object, other: object) -> Callable[..., bool]:
    """Hold if the second is *other* wherever the first is *one*."""
    return lambda first, second: first != one or second == other


def _whole(least: int) -> Callable[..., bool]:
    return lambda value: value is None or (type(value) is int and value >= least)


def _formed(form: str, *, may_be_nil: bool) -> Callable[..., bool]:
    # A name of another service's may hold a line break, which no rule can write.
    right = re.compile(form, re.DOTALL)
    return lambda value: may_be_nil if value is None else bool(right.fullmatch(value))


def _same(one: object, other: object) -> bool:
    # Below what only one of them has, it is the difference above that counts.
    return ABSENT in (one, other) or one == other


def _declared() -> Iterator[Constraint]:
    """Give what the vocabulary says of each text and number, and whether a text may be nil."""
    for at, entity in BY_TYPE.items():
        for name, fact in entity.facts.items():
            if not isinstance(fact, Opaque):
                continue
            if fact.form is None:
                least = 1 if name == "version" else 0
                why = f"`{name}` is a whole number of at least {least}, or nil."
                yield Constraint(at, (name,), _whole(least), why)
            elif (at, name) != (CompanyFacts, "id"):  # which follows from origin and CNPJ
                may_be_nil = (at, name) in _MAY_BE_NIL
                why = f"`{name}` has its form{', or is nil' if may_be_nil else ''}."
                yield Constraint(at, (name,), _formed(fact.form, may_be_nil=may_be_nil), why)


def _paths(at: type) -> Iterator[str]:
    """Give the paths of all facts that can be read from *at* on."""
    for name, fact in BY_TYPE[at].facts.items():
        yield name
        if isinstance(fact, Link):
            yield from (f"{name}.{path}" for path in _paths(fact.entity))


def _of(
    at: type,
    *rows: tuple[tuple[str, ...], Callable[..., bool], str],
    actors: tuple[type, ...] = (),
) -> Iterator[Constraint]:
    return (Constraint(at, *row, actors=actors) for row in rows)


CONSTRAINTS: tuple[Constraint, ...] = (
    *_declared(),
    *_of(
        PersonFacts,
        (("registered", "confirmed"), _then(_NO, _NO), "Only who has registered is confirmed."),
    ),
    *_of(
        StandingFacts,
        (("role", "evidence"), _with(NONE, NONE), "Every role is known by some evidence."),
        (("evidence", "in_force"), _then(NONE, _NO), "What is not, is not in force."),
        (("evidence", "cadastrador"), _then(NONE, UNKNOWN), "Who is nothing holds nothing."),
        (("evidence", "cadastrador"), _then(_INMETRO, UNKNOWN), "GOV.BR knows no logins."),
        (("evidence", "role"), _then(_INMETRO, _REPRESENTATIVE), "Logins represent a company."),
        (
            ("evidence", "days"),
            lambda evidence, days: evidence == _INMETRO or (evidence == NONE) == (days is None),
            "What was observed or asserted of a person has an age, and nothing has none.",
        ),
        (
            ("evidence", "in_force", "days"),
            lambda evidence, in_force, days: evidence != _INMETRO or in_force != (days is None),
            "A login's standing is in force and has an age once the company is validated.",
        ),
    ),
    *_of(
        BondFacts,
        (("recorded", "in_force"), _then(_NO, _NO), "Only a recorded bond is in force."),
        (("recorded", "standing.role"), _then(_NO, NONE), "Without a bond there is no matriz."),
        (("standing.evidence",), _is_not(_INMETRO), "A matriz is a national company."),
    ),
    *_of(
        BondFacts,
        (("standing.role",), _is(NONE), "In a matriz only persons are something."),
        actors=_NO_PERSON,
    ),
    *_of(
        DelegationFacts,
        (("state", "version"), _with(NONE, None), "What was delegated had a version then."),
        (("state", "backing.role"), _then(NONE, NONE), "Nobody backs what never was."),
        (("state", "matriz_backing.role"), _then(NONE, NONE), "Nobody backs what never was."),
        (("backing.evidence",), _is_not(_INMETRO), "Only national companies delegate."),
        (("matriz_backing.evidence",), _is_not(_INMETRO), "A matriz is a national company."),
    ),
    *_of(
        SignInFacts,
        (("certificate", "cnpj"), _then(NONE, None), "A company's certificate is a certificate."),
        (
            ("method", "certificate"),
            lambda method, kind: (method == _CERTIFICATE) != (kind == NONE),
            "A certificate is the strongest way in, so it is the method wherever there is one.",
        ),
    ),
    *_of(
        QuestionFacts,
        (
            ("sign_in.agent", "actor_evidence"),
            _then(_NO, _GOVBR),
            "A sign-in of the person's own proves who acts.",
        ),
    ),
    *_of(
        QuestionFacts,
        (("sign_in",), _is(None), "Only persons sign in at GOV.BR."),
        (("actor_evidence",), _is(_ASSERTED), "GOV.BR proves persons only."),
        actors=_NO_PERSON,
    ),
    *_of(
        CompanyFacts,
        (("origin", "cnpj"), _with(_FOREIGN, None), "Only a foreign company has no CNPJ."),
        (("id", "cnpj"), lambda name, cnpj: cnpj in (None, name), "A CNPJ names its company."),
        (
            ("origin", "id"),
            lambda origin, name: (origin == _FOREIGN) == bool(name and _FOREIGN_ID.fullmatch(name)),
            "A foreign company, and no other, has a number of this service's.",
        ),
        (("origin", "validation"), _with(_NATIONAL, NONE), "Foreign companies are validated."),
        (("origin", "bond.recorded"), _then(_FOREIGN, _NO), "A filial has a CNPJ."),
        (
            ("origin", "standing.evidence"),
            lambda origin, by: by == NONE or (origin == _FOREIGN) == (by == _INMETRO),
            "Inmetro's team says who represents foreign companies, and those only.",
        ),
        (
            ("validation", "standing.evidence"),
            _then(UNKNOWN, NONE),
            "Nobody represents a foreign company that is not registered.",
        ),
        (
            ("validation", "standing.evidence", "standing.in_force"),
            lambda state, by, in_force: by != _INMETRO or in_force == (state == _VALIDATED),
            "A login's standing is in force as long as the company is validated.",
        ),
    ),
    *_of(
        CompanyFacts,
        (("origin", "standing.role"), _then(_FOREIGN, NONE), "Only logins act abroad."),
        actors=_NO_LOGIN,
    ),
    *_of(
        CompanyFacts,
        (
            ("origin", "standing.role"),
            _then(_NATIONAL, NONE),
            "Only persons have a role in a national company.",
        ),
        actors=_NO_PERSON,
    ),
    *_of(
        ProcessFacts,
        (("state", "id"), _with(UNKNOWN, None), "What is in the catalogue has an id."),
        (("state", "code"), _with(UNKNOWN, None), "What is in the catalogue has a code."),
        (
            ("state", "version"),
            lambda state, version: state == UNKNOWN or version is not None,
            "What is in the catalogue has a newest version.",
        ),
        (("state", "delegation.state"), _then(UNKNOWN, NONE), "What is unknown is not delegated."),
        (("company.origin", "delegation.state"), _then(_FOREIGN, NONE), "None abroad delegates."),
        (
            ("company.bond.recorded", "delegation.matriz_backing.role"),
            _then(_NO, NONE),
            "Without a bond there is no matriz whose people could back a delegation.",
        ),
        *(
            (
                (f"question.{path}", f"company.question.{path}"),
                _same,
                f"Process and company are of one question, so of one `{path}`.",
            )
            for path in _paths(QuestionFacts)
        ),
    ),
    *_of(
        ProcessFacts,
        (("delegation.state",), _is(NONE), "Only persons are delegated to."),
        actors=_NO_PERSON,
    ),
    *_of(
        Facts,
        *(
            (
                (
                    "actor.cpf",
                    "resource.question.recipient.cpf",
                    f"actor.{name}",
                    f"resource.question.recipient.{name}",
                ),
                lambda actor, recipient, of_actor, of_recipient: (
                    actor != recipient or of_actor == of_recipient
                ),
                f"Actor and recipient may be one person, {name} or not.",
            )
            for name in ("registered", "confirmed")
        ),
        actors=(PersonFacts,),
    ),
)
"""Every constraint; those of one class of facts stand together."""


def broken(facts: Facts) -> list[Constraint]:
    """Give the constraints that *facts* break, in their order; facts of a question break none."""
    found = [facts, *_within(facts.actor), *_within(facts.resource)]
    return [
        one
        for one in CONSTRAINTS
        if one.concerns(type(facts.actor), type(facts.resource))
        and not all(
            one.holds(*(_value(at, path) for path in one.reads))
            for at in found
            if type(at) is one.at
        )
    ]


def _within(entity: object) -> Iterator[object]:
    """Give *entity* and every other one that it leads to."""
    yield entity
    for name, fact in BY_TYPE[type(entity)].facts.items():
        if isinstance(fact, Link) and getattr(entity, name) is not None:
            yield from _within(getattr(entity, name))


def _value(start: object, path: str) -> object:
    value = start
    for name in path.split("."):
        if value is None:
            return ABSENT
        value = getattr(value, name)
    return True if type(value) in BY_TYPE else value
