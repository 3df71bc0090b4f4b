"""A question as records keep it and as the texts of reasons speak of it: without a person."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from authz_service.domain.decision import ACTIONS, Asked, ProcessAsked, Question, Subject
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts, ProcessFacts
from authz_service.domain.identifiers import Cpf, Login, without_cpf
from authz_service.domain.people import Evidence

_LONGEST_KEPT = 64
_LONGEST_NAME = 128
_NAMES = 4_096
# Cleaning takes out at most three characters of four, so this is enough for the longest.
_LOOKED_AT = 8 * _LONGEST_KEPT
NO_PARTICULARS = MappingProxyType({"cnpj": "", "processo": ""})
"""What the texts of reasons speak of where nobody and nothing could be meant."""


def kept(text: str) -> str:
    """Give a text of the caller in a form that the log can keep: short, and without CPFs."""
    # Cut once more afterwards: half a CPF would pass.
    return without_cpf(text[:_LOOKED_AT])[:_LONGEST_KEPT]


def asked_of(question: Question, facts: Facts, names: Mapping[Subject, str]) -> Asked:
    """Give a question as a record keeps it; *names* are those of subjects in it."""
    resource = question.resource
    named = resource.name if isinstance(resource, ProcessAsked) else None
    entity = None
    if isinstance(resource, Thing):
        entity = (resource.name.type, without_cpf(resource.name.id))
    return Asked(
        action=question.action if question.action in ACTIONS else kept(question.action),
        actor=names[question.subject],
        actor_type=_type(question.subject),
        recipient=None if question.recipient is None else names[question.recipient],
        company=None if isinstance(resource, Thing) else resource.company,
        entity=entity,
        process=None if facts.process is None else facts.process.id,
        named=None if named is None else _cleaned(named.text),
        version=facts.resource.version if isinstance(facts.resource, ProcessFacts) else None,
        delegation=facts.delegation,
        actor_evidence=Evidence(facts.question.actor_evidence),
        sign_in=facts.sign_in,
    )


@lru_cache(_NAMES)
def _of_a_name(text: str) -> str:
    return without_cpf(text)


def _cleaned(text: str) -> str:
    """Give what a caller called a process, without CPFs; the same few names come again."""
    return _of_a_name(text) if len(text) <= _LONGEST_NAME else without_cpf(text)


def _type(subject: Subject) -> str:
    if isinstance(subject, Cpf):
        return "person"
    return "login" if isinstance(subject, Login) else subject.type


def particulars_of(question: Question, process: str | None) -> Mapping[str, str]:
    """Give what the texts of reasons may speak of: the company and the process, no person."""
    resource = question.resource
    if isinstance(resource, Thing):
        return NO_PARTICULARS
    if process is None and isinstance(resource, ProcessAsked):
        process = without_cpf(resource.name.text)
    return {"cnpj": resource.company.formatted, "processo": process or ""}
