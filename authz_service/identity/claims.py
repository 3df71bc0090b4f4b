"""
What the claims of a GOV.BR token say, once its signature, times and issuer are checked.

GOV.BR's shapes drift: booleans come as strings, ``amr`` was a string before it was a list, a
CPF or CNPJ may have its punctuation. So a claim is read in every shape that was ever seen, and
anything unrecognised grants nothing. A claim that is null is absent.

Names, e-mail addresses, telephone numbers and pictures are not read.

Source: GOV.BR's integration manual (roteiro técnico do Login Único), "Passo 9" and "Procuração
Eletrônica".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from authz_service.domain.errors import InvalidInput, TokenRefused
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.sign_in import Cause, Level

CNPJ_INVALID = "cnpj-invalid"
"""Note: a ``cnpj`` claim that cannot be a CNPJ was left out."""

_MOST_METHODS = 32
_LONGEST_METHOD = 64
_TIMES = ("exp", "iat", "nbf", "auth_time")
_ID_TOKEN_ONLY = ("nonce", "auth_time", "name")


class Kind(StrEnum):
    """Which of the two tokens of a sign-in."""

    ACCESS = "access_token"
    ID = "id_token"


@dataclass(frozen=True, slots=True, repr=False)
class Claims:
    """
    What one token says.

    Attributes:
        person: ``sub``.
        audience: ``aud``, the clients of GOV.BR that it was made for.
        methods: ``amr`` as it came, unknown ones included.
        scopes: what GOV.BR lets the token ask.
        company: whose certificate (e-CNPJ) was used, or None.
        agent: whether somebody acts by power of attorney (Procuração Eletrônica).
        issued_at: ``iat``.
        ends_at: ``exp``.
        authenticated_at: ``auth_time``, or None.
        level: the account's level, or None.
        access_token_hash: ``at_hash``, which binds an id_token to its access_token, or None.
        notes: what was left out, as codes.
    """

    person: Cpf
    audience: frozenset[str]
    methods: tuple[str, ...]
    scopes: frozenset[str]
    company: Cnpj | None
    agent: bool
    issued_at: datetime
    ends_at: datetime
    authenticated_at: datetime | None
    level: Level | None
    access_token_hash: object
    notes: tuple[str, ...]


def read(values: Mapping[str, object], kind: Kind) -> Claims:
    """
    Read the claims of a token of which ``govbr`` has checked what PyJWT checks.

    Raises:
        TokenRefused: CLAIMS, SUBJECT, or KIND for the other token in its place.
    """
    return _Reader(values, kind).read()


class _Reader:
    """Reads one token; refuses it in its name."""

    def __init__(self, values: Mapping[str, object], kind: Kind) -> None:
        # From here on no place has to think of the two ways to be absent.
        self._values = {name: value for name, value in values.items() if value is not None}
        self._kind = kind

    def read(self) -> Claims:
        self._be_of_its_kind()
        company, notes = self._company()
        # PyJWT takes "12", 12.5 and true for times, where GOV.BR writes integers.
        times = {name: self._instant(name) for name in _TIMES if name in self._values}
        return Claims(
            person=self._person(),
            audience=self._audience(),
            methods=self._methods(),
            scopes=self._scopes(),
            company=company,
            agent=self._agent(),
            issued_at=times["iat"],
            ends_at=times["exp"],
            authenticated_at=times.get("auth_time"),
            level=self._level(),
            access_token_hash=self._values.get("at_hash"),
            notes=notes,
        )

    def _refused(self, cause: Cause, message: str) -> TokenRefused:
        return TokenRefused(cause, message, self._kind)

    def _be_of_its_kind(self) -> None:
        """
        Refuse the other token; ``aud`` is the same client in both, and neither has a ``typ``.

        The manual forbids sending an id_token to an API: one that is used like an access
        token has gone astray.
        """
        is_id_token = any(name in self._values for name in _ID_TOKEN_ONLY)
        if is_id_token and self._kind is Kind.ACCESS:
            raise self._refused(Cause.KIND, "it is an id_token")
        if not is_id_token and self._kind is Kind.ID:
            raise self._refused(Cause.KIND, "it is no id_token")

    def _person(self) -> Cpf:
        person = _cpf(self._values["sub"])
        if person is None:
            raise self._refused(Cause.SUBJECT, "`sub` must be a CPF")
        if person != _cpf(self._values.get("preferred_username", self._values["sub"])):
            raise self._refused(Cause.SUBJECT, "`preferred_username` must be the CPF of `sub`")
        return person

    def _audience(self) -> frozenset[str]:
        given = self._values["aud"]
        return frozenset(given if isinstance(given, list) else [given])

    def _methods(self) -> tuple[str, ...]:
        given = self._values.get("amr", [])
        methods = self._strings("amr", [given] if isinstance(given, str) else given)
        if len(methods) > _MOST_METHODS or any(len(one) > _LONGEST_METHOD for one in methods):
            raise self._refused(Cause.CLAIMS, "`amr` must be a few short names")
        # They are kept: no line breaks for a log, no half characters that no database takes.
        if not all(one.isprintable() for one in methods):
            raise self._refused(Cause.CLAIMS, "`amr` must hold printable characters only")
        return methods

    def _scopes(self) -> frozenset[str]:
        given = self._values.get("scope", [])
        return frozenset(self._strings("scope", given.split() if isinstance(given, str) else given))

    def _strings(self, name: str, given: object) -> tuple[str, ...]:
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise self._refused(Cause.CLAIMS, f"`{name}` must be a string or a list of strings")
        return tuple(given)

    def _company(self) -> tuple[Cnpj | None, tuple[str, ...]]:
        """Give the company of the certificate; the manual's own sample is no valid CNPJ."""
        if "cnpj" not in self._values:
            return None, ()
        try:
            return Cnpj.parse(self._values["cnpj"]), ()
        except InvalidInput:
            return None, (CNPJ_INVALID,)

    def _agent(self) -> bool:
        """Tell whether it is by power of attorney; whatever is not a plain "no" is a "yes"."""
        flag = self._values.get("agent", False)
        own_act = flag is False or flag == "false"
        return not own_act or "grantor_account" in self._values

    def _instant(self, name: str) -> datetime:
        seconds = self._values[name]
        with suppress(ValueError, OverflowError, OSError):
            # Not isinstance: to that, true is an integer.
            if type(seconds) is int:
                return datetime.fromtimestamp(seconds, UTC)
        raise self._refused(Cause.CLAIMS, f"`{name}` must be an integer that is an instant")

    def _level(self) -> Level | None:
        given = self._values.get("reliability_info")
        level = given.get("level") if isinstance(given, dict) else None
        return next((one for one in Level if one == level), None)


def _cpf(value: object) -> Cpf | None:
    try:
        return Cpf.parse(value)
    except InvalidInput:
        return None
