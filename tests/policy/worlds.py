"""Test files as policy authors write them, and what is asked when they are read."""

from __future__ import annotations

from authz_service.domain.decision import ProcessAsked
from authz_service.domain.entities import Thing
from authz_service.domain.facts import (
    Facts,
)
from authz_service.domain.identifiers import Cnpj
from authz_service.domain.known import facts_of
from authz_service.policy.suites.cases import Expected
from authz_service.policy.suites.suite import read

NOW = "now = 2026-11-20T12:00:00-03:00\n"
WORLD = (
    NOW
    + """
[people]
ana = { registered = true, confirmed = true }
bia = { registered = true }
eva = {}
[companies]
acme = {}
filial = { filial_of = "acme" }
[processes]
P001 = { version = 3 }
P015 = { state = "closed" }
"""
)
CASE = '[[case]]\nname = "it"\npeople = "ana"\nactions = "open"\ncompany = "acme"\n'
ASKING = f'{CASE}processes = "P001"\n'
STANDING = '[[standing]]\nperson = "ana"\ncompany = "acme"\nrole = "socio"\n'
DELEGATION = '[[delegation]]\ncompany = "acme"\nmember = "bia"\nprocess = "P001"\nby = "ana"\n'
ABROAD = (
    WORLD
    + """
[logins]
weber = {}
dupont = { login = "dupont@exemplo.fr" }
[foreign]
gmbh = { country = "DE", validation = "validated", representatives = "weber" }
sarl = { representatives = ["weber", "dupont"] }
over = { validation = "withdrawn", number = "EX-0000123-0", representatives = ["dupont"] }
nobody = { validation = "unknown" }
[entities]
robo = { type = "robot" }
laudo = { type = "report", id = "r-1", properties = { status = "open", tags = ["a"] } }
"""
)
LOGIN = CASE.replace("people", "logins").replace('"ana"', '"weber"').replace("acme", "gmbh")
THING = '[[case]]\nname = "it"\nsubjects = "robo"\nactions = "read"\nresources = "laudo"\n'


def expected_of(text: str) -> list[Expected]:
    """Read a test file."""
    return read("a_test.toml", text.encode())


def facts(one: Expected) -> Facts:
    """Give the facts of a question, as the run gives them to the policy."""
    return facts_of(one.question, one.known, one.moment)


def process(one: Expected) -> ProcessAsked:
    """Give the process that a question asks about."""
    assert isinstance(one.question.resource, ProcessAsked)
    return one.question.resource


def company_of(one: Expected) -> Cnpj:
    """Give the national company that a question is about."""
    resource = one.question.resource
    assert not isinstance(resource, Thing)
    assert isinstance(resource.company, Cnpj)
    return resource.company
