"""
The shipped policies, and the same rules written for Cedar and for casbin.

Neither of the two has helper rules, so what ``policies/standing.polar`` says once is put here
into each rule that asks it. ``tests/policy/test_bench_equivalents.py`` holds them to ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from authz_service.domain.decision import ACTIONS
from authz_service.domain.known import facts_of
from authz_service.policy.suites.suite import read
from tests.bench.peers import Asked, CasbinRule

FOLDER = Path(__file__).parents[2] / "policies"
TYPICAL = Path(__file__).with_name("typical.toml")


def asked_in(path: Path) -> list[tuple[Asked, bool]]:
    """Give the questions of a test file, each with the answer that it expects."""
    return [
        (Asked(one.question, facts_of(one.question, one.known, one.moment)), one.allowed)
        for one in read(path.name, path.read_bytes())
    ]


def _cedar_recognised(standing: str, days: int) -> str:
    return (
        f'["socio", "representante_legal"].contains({standing}.role) && '
        f"{standing}.in_force && {standing}.days <= {days}"
    )


def _cedar_matriz(company: str) -> str:
    return f"{company}.bond.in_force && " + _cedar_recognised(f"{company}.bond.standing", 7)


_OWN = _cedar_recognised("resource.company.standing", 7)
_MATRIZ = _cedar_matriz("resource.company")

CEDAR = f"""
permit (principal is Person, action == Action::"delegate", resource is Process)
when {{ {_OWN} }};

permit (principal is Person, action == Action::"delegate", resource is Process)
when {{ {_MATRIZ} }};

permit (principal is Person, action == Action::"revoke", resource is Process)
when {{ {_OWN} }};

permit (principal is Person, action == Action::"revoke", resource is Process)
when {{ {_MATRIZ} }};

permit (principal is Person, action == Action::"renounce", resource is Process)
when {{ resource.delegation.state == "in_force" }};

permit (principal is Person, action == Action::"read_delegations", resource is Company)
when {{ {_cedar_recognised("resource.standing", 7)} }};

permit (principal is Person, action == Action::"read_delegations", resource is Company)
when {{ {_cedar_matriz("resource")} }};

permit (principal is Person, action == Action::"read_delegations", resource is Company)
when {{ resource.question has recipient && resource.question.recipient.cpf == principal.cpf }};

forbid (principal is Person, action == Action::"delegate", resource is Process)
when {{
    resource.question has recipient && !resource.question.recipient.registered &&
    (({_OWN}) || ({_MATRIZ}))
}};

forbid (principal is Person, action == Action::"delegate", resource is Process)
when {{
    resource.question has recipient && resource.question.recipient.registered &&
    !resource.question.recipient.confirmed && (({_OWN}) || ({_MATRIZ}))
}};

permit (principal is Login, action == Action::"open", resource is Process)
when {{ resource.company.standing.role == "representante_legal" }};

forbid (principal, action, resource is Process)
when {{ resource.company.origin == "foreign" && resource.company.validation != "validated" }};

forbid (principal, action, resource is Company)
when {{ resource.origin == "foreign" && resource.validation != "validated" }};

forbid (principal is Login, action, resource is Process)
when {{ resource.company.origin == "national" }};

forbid (principal is Login, action, resource is Company)
when {{ resource.origin == "national" }};

permit (principal is Person, action == Action::"open", resource is Process)
when {{ {_OWN} }};

permit (principal is Person, action == Action::"open", resource is Process)
when {{
    principal.confirmed && resource.delegation.state == "in_force" && (
        ({_cedar_recognised("resource.delegation.backing", 365)}) ||
        (resource.company.bond.in_force &&
            {_cedar_recognised("resource.delegation.matriz_backing", 365)})
    )
}};

forbid (
    principal, action in [Action::"open", Action::"delegate"], resource is Process
) when {{ resource.state == "unknown" }};

forbid (
    principal, action in [Action::"open", Action::"delegate"], resource is Process
) when {{ resource.state == "closed" }};

forbid (principal is Person, action, resource is Process)
when {{ resource.question has sign_in && resource.question.sign_in.agent }};

forbid (principal is Person, action, resource is Company)
when {{ resource.question has sign_in && resource.question.sign_in.agent }};
"""


def _recognised(standing: str, days: int) -> str:
    return (
        f"({standing}.role in ['socio', 'representante_legal'] && "
        f"{standing}.in_force && {standing}.days <= {days})"
    )


def _matriz(company: str) -> str:
    return f"({company}.bond.in_force && {_recognised(f'{company}.bond.standing', 7)})"


_COMPANY, _QUESTION = "r.resource.company", "r.resource.question"
_REPRESENTS = _recognised(f"{_COMPANY}.standing", 7)
_REPRESENTS_MATRIZ = _matriz(_COMPANY)
_IN_FORCE = "r.resource.delegation.state == 'in_force'"


def casbin_rules() -> list[CasbinRule]:
    """Give the rules for casbin; what is about any action or actor stands once for each."""
    return [*_delegating(), *_opening(), *_forbidding()]


def _delegating() -> Iterator[CasbinRule]:
    for action in ("delegate", "revoke"):
        for when in (_REPRESENTS, _REPRESENTS_MATRIZ):
            yield CasbinRule("person process", action, "allow", when)
    yield CasbinRule("person process", "renounce", "allow", _IN_FORCE)
    for when in (
        _recognised("r.resource.standing", 7),
        _matriz("r.resource"),
        f"{_QUESTION}.recipient != None && {_QUESTION}.recipient.cpf == r.actor.cpf",
    ):
        yield CasbinRule("person company", "read_delegations", "allow", when)
    delegates = f"({_REPRESENTS} || {_REPRESENTS_MATRIZ})"
    for wrong in (
        f"!{_QUESTION}.recipient.registered",
        f"{_QUESTION}.recipient.registered && !{_QUESTION}.recipient.confirmed",
    ):
        when = f"{_QUESTION}.recipient != None && {wrong} && {delegates}"
        yield CasbinRule("person process", "delegate", "deny", when)


def _opening() -> Iterator[CasbinRule]:
    yield CasbinRule("person process", "open", "allow", _REPRESENTS)
    by_matriz = _recognised("r.resource.delegation.matriz_backing", 365)
    backed = (
        f"({_recognised('r.resource.delegation.backing', 365)} || "
        f"({_COMPANY}.bond.in_force && {by_matriz}))"
    )
    when = f"r.actor.confirmed && {_IN_FORCE} && {backed}"
    yield CasbinRule("person process", "open", "allow", when)
    when = f"{_COMPANY}.standing.role == 'representante_legal'"
    yield CasbinRule("login process", "open", "allow", when)


def _forbidding() -> Iterator[CasbinRule]:
    for by, action, state in product(
        ("person", "login"), ("open", "delegate"), ("unknown", "closed")
    ):
        yield CasbinRule(f"{by} process", action, "deny", f"r.resource.state == '{state}'")
    companies = {"process": _COMPANY, "company": "r.resource"}
    for action, (on, company) in product(ACTIONS, companies.items()):
        not_validated = f"{company}.origin == 'foreign' && {company}.validation != 'validated'"
        yield CasbinRule(f"person {on}", action, "deny", not_validated)
        yield CasbinRule(f"login {on}", action, "deny", not_validated)
        yield CasbinRule(f"login {on}", action, "deny", f"{company}.origin == 'national'")
        by_agent = f"{_QUESTION}.sign_in != None && {_QUESTION}.sign_in.agent"
        yield CasbinRule(f"person {on}", action, "deny", by_agent)
