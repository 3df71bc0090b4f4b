"""
A question as records keep it and as the texts of reasons speak of it: without a person.

The same questions come again and again, and the same facts with them: how they were written down
is remembered, by the facts themselves and not by what they are equal to.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from authz_service.domain.decision import Asked, ProcessAsked, Question, Subject
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts, ProcessFacts
from authz_service.domain.identifiers import Cpf, Login, without_cpf
from authz_service.domain.people import Evidence

_MOST_REMEMBERED = 65_536
_LONGEST_KEPT = 64
# Cleaning takes out at most three characters of four, so this is enough for the longest.
_LOOKED_AT = 8 * _LONGEST_KEPT
NO_PARTICULARS = MappingProxyType({"cnpj": "", "processo": ""})
"""What the texts of reasons speak of where nobody and nothing could be meant."""


def kept(text: str) -> str:
    """Give a text of the caller in a form that the log can keep: short, and without CPFs."""
    # Cut once more afterwards: half a CPF would pass.
    return without_cpf(text[:_LOOKED_AT])[:_LONGEST_KEPT]


def kept_or_none(text: str | None) -> str | None:
    """Give a text of the caller as ``kept`` does; None stays None."""
    return None if text is None else kept(text)


def asked_of(question: Question, facts: Facts, names: Mapping[Subject, str]) -> Asked:
    """Give a question as a record keeps it; *names* are those of subjects in it."""
    resource = question.resource
    named = resource.name if isinstance(resource, ProcessAsked) else None
    entity = None
    if isinstance(resource, Thing):
        entity = (resource.name.type, without_cpf(resource.name.id))
    return Asked(
        action=kept(question.action),
        actor=names[question.subject],
        actor_type=_type(question.subject),
        recipient=None if question.recipient is None else names[question.recipient],
        company=None if isinstance(resource, Thing) else resource.company,
        entity=entity,
        process=None if facts.process is None else facts.process.id,
        named=None if named is None else without_cpf(named.text),
        version=facts.resource.version if isinstance(facts.resource, ProcessFacts) else None,
        delegation=facts.delegation,
        actor_evidence=Evidence(facts.question.actor_evidence),
        instance=kept_or_none(question.instance),
        sign_in=facts.sign_in,
    )


class AskedBefore:
    """
    Remembers how questions were written down. Any number of threads may ask at once.

    Args:
        most: how many are remembered; after that it begins anew.
    """

    def __init__(self, most: int = _MOST_REMEMBERED) -> None:
        self._most = most
        # The facts stand in the value: as long as they do, no other object has their id.
        self._asked: dict[tuple[int | str | None, ...], tuple[Facts, Asked]] = {}

    def asked_of(self, question: Question, facts: Facts, names: Mapping[Subject, str]) -> Asked:
        """Give a question as a record keeps it; see the function ``asked_of``."""
        resource, recipient = question.resource, question.recipient
        if question.instance is not None or isinstance(resource, Thing):
            return asked_of(question, facts, names)
        # All that the record has of the question itself; the rest it has of the facts.
        key = (
            id(facts),
            question.action,
            names[question.subject],
            None if recipient is None else names[recipient],
            resource.company.value,
            resource.name.text if isinstance(resource, ProcessAsked) else None,
        )
        known = self._asked.get(key)
        if known is not None:
            return known[1]
        asked = asked_of(question, facts, names)
        if len(self._asked) >= self._most:
            self._asked.clear()
        self._asked[key] = (facts, asked)
        return asked


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
