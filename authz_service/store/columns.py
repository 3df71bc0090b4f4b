"""Column types that turn what a table holds into the nouns of the domain, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import CHAR, BigInteger, Dialect, Enum, String, TypeDecorator

from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login, ProcessId

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An instant as whole microseconds since 1970 in UTC: exact, and no zone to get wrong."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Count the microseconds; an instant without a zone is a TypeError."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """Give the same instant in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class CpfText(TypeDecorator[Cpf]):
    """A CPF as its eleven digits: text, so that a leading zero stays."""

    impl = CHAR(11)
    cache_ok = True

    def process_bind_param(self, value: Cpf | None, _dialect: Dialect) -> str | None:
        """Give the digits."""
        return None if value is None else value.digits

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Cpf | None:
        """Give the CPF; it was parsed before it came here."""
        return None if value is None else Cpf(value)


class CnpjText(TypeDecorator[Cnpj]):
    """A CNPJ as its fourteen characters, upper case, compared byte for byte."""

    impl = CHAR(14)
    cache_ok = True

    def process_bind_param(self, value: Cnpj | None, _dialect: Dialect) -> str | None:
        """Give the characters."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Cnpj | None:
        """Give the CNPJ; it was parsed before it came here."""
        return None if value is None else Cnpj(value)


class ProcessIdText(TypeDecorator[ProcessId]):
    """The service's own name of a process."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: ProcessId | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> ProcessId | None:
        """Give the id; it was parsed before it came here."""
        return None if value is None else ProcessId(value)


class ForeignIdText(TypeDecorator[ForeignId]):
    """A foreign company's number, without punctuation."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: ForeignId | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> ForeignId | None:
        """Give the number; it was parsed before it came here."""
        return None if value is None else ForeignId(value)


class LoginText(TypeDecorator[Login]):
    """A login of Orquestra, compared byte for byte."""

    impl = String(128)
    cache_ok = True

    def process_bind_param(self, value: Login | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Login | None:
        """Give the login; it was parsed before it came here."""
        return None if value is None else Login(value)


def one_of(kind: type[StrEnum]) -> Enum:
    """
    Make a column type for a closed set of words, kept as the text that they are.

    The database does not check the words: a later version with one more of them would
    have to rebuild the table on SQLite. Reading an unknown one is an error.
    """
    return Enum(
        kind,
        native_enum=False,
        length=32,
        values_callable=lambda words: [word.value for word in words],
    )
