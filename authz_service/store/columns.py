"""
Column types that turn what a table holds into the nouns of the domain, and back.

Text is compared byte for byte and ordered by code points: SQLite does nothing else, PostgreSQL
does it by the collation ``C``. There, text of a fixed length is a VARCHAR as well, since its CHAR
does not tell a blank at the end from none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import CHAR, BigInteger, Dialect, String, Text, TypeDecorator

from authz_service.domain.identifiers import Cnpj, CompanyId, Cpf, ForeignId, Login, ProcessId

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant from which instants are counted."""

_MICROSECOND = timedelta(microseconds=1)

_BYTE_FOR_BYTE = "C"


def fixed(length: int) -> String:
    """Make a column type for text that always has this length."""
    return CHAR(length).with_variant(String(length, _BYTE_FOR_BYTE), "postgresql")


def up_to(length: int) -> String:
    """Make a column type for text of at most this length."""
    return String(length).with_variant(String(length, _BYTE_FOR_BYTE), "postgresql")


def free_text() -> Text:
    """Make a column type for what people write, which may name anybody."""
    return Text().with_variant(Text(collation=_BYTE_FOR_BYTE), "postgresql")


def company_in(number: str) -> CompanyId:
    """Give the company of a number that was kept; only a national one has 14 characters."""
    return Cnpj(number) if len(number) == 14 else ForeignId(number)


class Instant(TypeDecorator[datetime]):
    """An instant as whole microseconds since 1970 in UTC: exact, and no zone to get wrong."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Count the microseconds; an instant without a zone is a TypeError."""
        return None if value is None else (value - EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """Give the same instant in UTC."""
        return None if value is None else EPOCH + value * _MICROSECOND


class CpfText(TypeDecorator[Cpf]):
    """A CPF as its eleven digits: text, so that a leading zero stays."""

    impl = fixed(11)
    cache_ok = True

    def process_bind_param(self, value: Cpf | None, _dialect: Dialect) -> str | None:
        """Give the digits."""
        return None if value is None else value.digits

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Cpf | None:
        """Give the CPF; it was parsed before it came here."""
        return None if value is None else Cpf(value)


class CnpjText(TypeDecorator[Cnpj]):
    """A CNPJ as its fourteen characters, upper case, compared byte for byte."""

    impl = fixed(14)
    cache_ok = True

    def process_bind_param(self, value: Cnpj | None, _dialect: Dialect) -> str | None:
        """Give the characters."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Cnpj | None:
        """Give the CNPJ; it was parsed before it came here."""
        return None if value is None else Cnpj(value)


class ProcessIdText(TypeDecorator[ProcessId]):
    """The service's own name of a process."""

    impl = up_to(64)
    cache_ok = True

    def process_bind_param(self, value: ProcessId | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> ProcessId | None:
        """Give the id; it was parsed before it came here."""
        return None if value is None else ProcessId(value)


class ForeignIdText(TypeDecorator[ForeignId]):
    """A foreign company's number, without punctuation."""

    impl = up_to(16)
    cache_ok = True

    def process_bind_param(self, value: ForeignId | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> ForeignId | None:
        """Give the number; it was parsed before it came here."""
        return None if value is None else ForeignId(value)


class CompanyText(TypeDecorator[CompanyId]):
    """The number of a company of either kind."""

    impl = up_to(16)
    cache_ok = True

    def process_bind_param(self, value: CompanyId | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> CompanyId | None:
        """Give the number; it was parsed before it came here."""
        return None if value is None else company_in(value)


class LoginText(TypeDecorator[Login]):
    """A login of Orquestra, compared byte for byte."""

    impl = up_to(128)
    cache_ok = True

    def process_bind_param(self, value: Login | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Login | None:
        """Give the login; it was parsed before it came here."""
        return None if value is None else Login(value)


class Word(TypeDecorator[StrEnum]):
    """
    A word of a closed set, kept as the text that it is.

    The database does not check the words: a later version with one more of them would
    have to rebuild the table on SQLite. Reading an unknown one is an error.
    """

    impl = up_to(32)
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: StrEnum | None, _dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> StrEnum | None:
        """Give the word; a ValueError if there is no such one."""
        return None if value is None else self.kind(value)
