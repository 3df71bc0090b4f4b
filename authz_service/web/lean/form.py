"""
Orquestra's question as its forms send it, read at once: a person by CPF for a company by CNPJ.

Whatever is read here means the same to the schema in ``orquestra``, which a test holds it to; for
everything else there is None, and the schema is asked.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

from authz_service.domain.decision import INVALID_IDENTIFIER, Impossible, ProcessAsked, Question
from authz_service.domain.errors import InvalidInput
from authz_service.web.fields import handle_of, version_of
from authz_service.web.lean import strict
from authz_service.web.lean.strict import MOST, Doubt, decoder

ACTIONS = MappingProxyType({"iniciar": "open", "delegar": "delegate"})
"""What Orquestra's designers call the actions."""
LONGEST_INSTANCE = 64
"""Characters of Orquestra's number of an instance."""

_REMEMBERED = 65_536
# Characters: longer questions are made each time, so that nobody fills the memory with them.
_LONGEST_REMEMBERED = 320


class _Form(Struct, forbid_unknown_fields=True, gc=False):
    cpf: str
    cnpj: str
    processo: str
    acao: str
    login: str | UnsetType = UNSET
    empresa: str | UnsetType = UNSET
    versao: int | float | str | UnsetType | None = UNSET
    instancia: int | float | str | UnsetType | None = UNSET
    sessao: str | UnsetType | None = UNSET


_form = decoder(_Form)


class Form(NamedTuple):
    """
    Orquestra's question.

    Attributes:
        question: what is asked; the same texts are read as the very same object.
        instance: the number of the process instance, as the form has it.
    """

    question: Question | Impossible
    instance: str | None


def form_in(data: bytes) -> Form | None:
    """Read the bytes of a request, or give None."""
    found = _form(data)
    if found is None or found.acao not in ACTIONS or not (found.cpf and found.cnpj):
        return None
    # A form sends an empty text for what was not filled in.
    if found.login or found.empresa:
        return None
    try:
        instance = None if found.instancia is UNSET else _instance(found.instancia)
        version = None if found.versao is UNSET else _version(found.versao)
        return Form(_question(found, version), instance)
    except Doubt:
        return None


def _question(found: _Form, version: int | None) -> Question | Impossible:
    action, handle = ACTIONS[found.acao], found.sessao
    texts = (found.cpf, found.cnpj, found.processo, action, version)
    try:
        if handle:
            # It is a secret, and not remembered.
            return _made(*texts, handle_of(handle))
        if len(found.cpf) + len(found.cnpj) + len(found.processo) <= _LONGEST_REMEMBERED:
            return _remembered(*texts)
        return _made(*texts)
    except InvalidInput:
        return Impossible(action, INVALID_IDENTIFIER)


def _made(
    cpf: str,
    cnpj: str,
    process: str,
    action: str,
    version: int | None,
    sign_in: str | None = None,
) -> Question:
    name = strict.process(process, version)
    company = strict.cnpj(cnpj)
    return Question(strict.cpf(cpf), action, ProcessAsked(name, company), sign_in=sign_in)


# The same people start the same processes again.
_remembered = lru_cache(_REMEMBERED)(_made)


def _instance(found: float | str | None) -> str | None:
    if found is None:
        return None
    if isinstance(found, int) and -MOST <= found <= MOST:
        return str(found)
    if isinstance(found, str) and len(found) <= LONGEST_INSTANCE:
        return found
    raise Doubt


def _version(found: float | str | None) -> int | None:
    if found is None or found == "":
        return None
    try:
        return version_of(found)
    except InvalidInput:
        raise Doubt from None
