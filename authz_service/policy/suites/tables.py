"""TOML tables of policy tests, read member by member, with the place in every complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Self

from authz_service.domain.errors import InvalidInput


class SuiteInvalid(InvalidInput):
    """A test file that cannot be read; the field says where."""


class Table:
    """One table of a test file that is emptied while it is read; what is left is a mistake."""

    def __init__(self, members: Mapping[str, Any], where: str = "top") -> None:
        if not isinstance(members, dict):
            raise SuiteInvalid(where, "must be a table")
        self._members = dict(members)
        self.where = where

    def take(self, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """Take one member; without a default it has to be there."""
        value = self._members.pop(name, default)
        if value is ...:
            raise SuiteInvalid(self.where, f"`{name}` is missing")
        # To Python, true is a number.
        wrong = not isinstance(value, kind) or (kind is int and isinstance(value, bool))
        if value is not default and wrong:
            raise SuiteInvalid(self.where, f"`{name}` is of the wrong type")
        return value

    def names(self, name: str, default: Sequence[str] | None = None) -> list[str]:
        """Take a list of names, or one name for a list of one; without a default it has to be."""
        if default is not None and not self.has(name):
            return list(default)
        value = self.take(name, (list, str))
        names = [value] if isinstance(value, str) else value
        if not names:
            raise SuiteInvalid(self.where, f"`{name}` is empty")
        if not all(isinstance(one, str) for one in names):
            raise SuiteInvalid(self.where, f"`{name}` is of the wrong type")
        return names

    def flag(self, name: str) -> bool:
        """Take true or false; false where it is not there."""
        return bool(self.take(name, bool, default=False))

    def has(self, name: str) -> bool:
        """Tell whether a member is there and not taken yet."""
        return name in self._members

    def tables(self, name: str) -> list[Table]:
        """Take a list of tables."""
        found = self.take(name, list, [])
        return [Table(one, f"{name} {number}") for number, one in enumerate(found, start=1)]

    def named(self, name: str) -> dict[str, Table]:
        """Take a table of tables."""
        found = self.take(name, dict, {})
        return {one: Table(members, f"{name}.{one}") for one, members in found.items()}

    def word(self, name: str, words: Mapping[str, Any], default: Any = ...) -> Any:
        """Take a name that has to be one of *words*, and give what it stands for."""
        value = self.take(name, str, default)
        if value is default:
            return default
        if value not in words:
            known = ", ".join(sorted(words))
            raise SuiteInvalid(self.where, f"`{name}` is `{value}`, which is none of: {known}")
        return words[value]

    def moment(self, name: str, default: Any = ...) -> Any:
        """Take an instant, which has to have an offset."""
        value = self.take(name, datetime, default)
        if value is not default and value.tzinfo is None:
            raise SuiteInvalid(self.where, f"`{name}` needs an offset, such as -03:00")
        return value

    def day(self, name: str) -> date | None:
        """Take a civil day, or None."""
        value = self.take(name, date, None)
        if isinstance(value, datetime):
            raise SuiteInvalid(self.where, f"`{name}` must be a day without a time")
        return value if isinstance(value, date) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """
        Refuse what nobody took, and give a complaint of the domain its place.

        Raises:
            SuiteInvalid: a member is left, since a mistyped name would silently test
                nothing; or a value cannot be what it is said to be.
        """
        if isinstance(error, InvalidInput) and not isinstance(error, SuiteInvalid):
            raise SuiteInvalid(self.where, str(error)) from error
        if error is None and self._members:
            raise SuiteInvalid(self.where, f"`{next(iter(self._members))}` is not known here")
