"""
Reads what GOV.BR's companies API answers; knows nothing of how it is asked.

Shapes and words: GOV.BR's technical manual ("Cadastro de Pessoas Jurídicas"). It is read
leniently, since further members and forms will come, and it is decided strictly, since
nothing that is not understood may grant anything.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.time import BRASILIA
from authz_service.identity.documents import parsed

_ROLES = {
    "SOCIO": Role.SOCIO,
    "REPRESENTANTE_LEGAL": Role.REPRESENTANTE_LEGAL,
    "CONTADOR": Role.CONTADOR,
    "NAO_ATUANTE": Role.NAO_ATUANTE,
}
_CADASTRADOR = {"true": True, "false": False}
# The manual's mask and its examples: with `T` or a blank, with or without fraction and offset.
_INSTANT = re.compile(
    r"(?:19|[2-9][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_LAST = datetime.max.replace(tzinfo=UTC)
_WORD = re.compile(r"[A-Z_]{1,40}")

_log = logging.getLogger(__name__)
_Shape = TypeVar("_Shape", list[Any], dict[str, Any])


class Unusable(Exception):
    """An answer that came and says nothing that can be understood; it holds none of it."""


def companies_of(body: bytes) -> tuple[list[Cnpj], bool]:
    """
    Read the list: each company once, and whether all that is listed could be read.

    What is listed and cannot be a CNPJ is no company of ours: it is left out.

    Raises:
        Unusable: it is no such list, or nothing in it is a CNPJ.
    """
    # A 204 brings no body: nothing is listed.
    entries = _document(body, list) if body else []
    companies: dict[Cnpj, None] = {}
    complete = True
    for entry in entries:
        if not isinstance(entry, dict) or "cnpj" not in entry:
            raise Unusable
        try:
            companies[Cnpj.parse(_number(entry["cnpj"], 14))] = None
        except InvalidInput:
            complete = False
    if entries and not companies:
        raise Unusable
    return list(companies), complete


def standing_of(body: bytes, person: Cpf, company: Cnpj, moment: datetime) -> Standing:
    """
    Read what *person* is in *company*, as observed at *moment*.

    Raises:
        Unusable: it is no such answer, or one about anybody else.
    """
    answer = _document(body, dict)
    try:
        of = Cpf.parse(_number(answer.get("cpf"), 11))
    except InvalidInput:
        raise Unusable from None
    if of != person:
        raise Unusable
    role = _role_of(answer.get("atuacao"))
    try:
        end = _end_of(answer.get("dataExpiracao"))
    except Unusable:
        # Left unanswered, an older and better standing would live on: this one is over.
        _log.warning("GOV.BR's companies API told an end of standing that cannot be read")
        end = moment
    cadastrador = _CADASTRADOR.get(str(answer.get("cadastrador")).lower())
    return Standing(company, person, role, Evidence.GOVBR, moment, end, cadastrador)


def _role_of(word: object) -> Role:
    """
    Give the role that *word* means; no word at all is the colaborador's.

    A word that is unknown here is an answer all the same: GOV.BR has a word for a sócio, and
    it was not said. Left unanswered, a sócio of last year would live on. So it counts as the
    role that grants nothing, until somebody reads the log and teaches this service the word.
    """
    if word is None:
        return Role.COLABORADOR
    if not isinstance(word, str):
        raise Unusable
    role = _ROLES.get(word)
    if role is None:
        shown = word if _WORD.fullmatch(word) else "?"
        _log.warning("GOV.BR's companies API told a role that is unknown here: %s", shown)
        return Role.OUTRO
    return role


def _end_of(text: object) -> datetime | None:
    """Give the instant at which a standing ends; one that cannot be read is not "never"."""
    if text is None:
        return None
    if not isinstance(text, str) or _INSTANT.fullmatch(text) is None:
        raise Unusable
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unusable from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=BRASILIA)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # The last evening of the year 9999 in Brasília, where Java's "for ever" may stand.
        return _LAST


def _number(value: object, length: int) -> str:
    """Give a CPF or CNPJ as text; one that travelled as a number has lost its leading zeros."""
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        raise Unusable
    text = value.strip()
    return text.zfill(length) if text.isdigit() else text


def _document(body: bytes, shape: type[_Shape]) -> _Shape:
    document: object = None
    with suppress(ValueError):
        document = parsed(body)
    if not isinstance(document, shape):
        raise Unusable
    return document
