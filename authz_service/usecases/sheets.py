"""
CSV files with columns of known names, read row by row: a wrong row costs itself and no other.

The cells become the nouns of the domain here. Days mean days of Brasília: as an instant, a
day is its midnight.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Generic, TypeVar

from authz_service.domain.errors import InvalidInput
from authz_service.domain.time import BRASILIA
from authz_service.usecases.stores import Progress

Item = TypeVar("Item")

# `fromisoformat` alone takes weeks and days without hyphens, which nobody means.
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")

_WHOLE = ""
"""The name under which a row keeps whether it has as many cells as there are columns."""


class SheetInvalid(InvalidInput):
    """A file that cannot be read as a whole; ``field`` names which."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """
    A row that is left out.

    Attributes:
        sheet: the name of the file's kind.
        line: its last line, 1 for the first of the file.
        message: what is wrong, without the value.
    """

    sheet: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Item]):
    """
    What a kind of file holds.

    Attributes:
        name: of the kind.
        needed: columns that it has to have.
        possible: columns that it may have beside them.
        parse: makes an item of a row; raises ``InvalidInput`` if it cannot.
        key: tells items apart; who says the same thing twice is rejected the second time.
    """

    name: str
    needed: tuple[str, ...]
    possible: tuple[str, ...]
    parse: Callable[[Mapping[str, str]], Item]
    key: Callable[[Item], Hashable]

    def read(self, content: bytes, progress: Progress) -> Read[Item]:
        """
        Read a file: CSV in UTF-8, with commas or semicolons.

        Raises:
            SheetInvalid: it is none, or a column is missing, unknown or there twice.
        """
        lines, items, rejected = [], [], []
        seen: dict[Hashable, int] = {}
        total = content.count(b"\n") + 1
        for line, row in self._rows(content):
            progress(f"reading {self.name}", line, total)
            try:
                item = self._item(row)
            except InvalidInput as error:
                rejected.append(Rejected(self.name, line, str(error)))
                continue
            first = seen.setdefault(self.key(item), line)
            if first != line:
                rejected.append(Rejected(self.name, line, f"row: speaks again of line {first}"))
                continue
            lines.append(line)
            items.append(item)
        return Read(lines, items, rejected)

    def _item(self, row: Mapping[str, str]) -> Item:
        if row[_WHOLE]:
            raise InvalidInput("row", "must have as many cells as there are columns")
        return self.parse(row)

    def _rows(self, content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
        """Give the rows with their lines, cells under the names of their columns."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise SheetInvalid(self.name, "is not UTF-8; save it as CSV UTF-8") from None
        header = text.partition("\n")[0]
        # Spreadsheets with Brazilian settings write semicolons.
        delimiter = ";" if header.count(";") > header.count(",") else ","
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            names = [name.strip() for name in next(reader, [])]
            self._check(names)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                row = dict.fromkeys(names, "") | {
                    name: cell.strip() for name, cell in zip(names, cells, strict=False)
                }
                row[_WHOLE] = "" if len(cells) == len(names) else "no"
                yield reader.line_num, row
        except csv.Error as error:
            message = f"cannot be read at line {reader.line_num}: {error}"
            raise SheetInvalid(self.name, message) from None

    def _check(self, names: Sequence[str]) -> None:
        known = (*self.needed, *self.possible)
        for name in self.needed:
            if name not in names:
                raise SheetInvalid(self.name, f"lacks the column `{name}`")
        if not set(names) <= set(known) or len(set(names)) != len(names):
            listed = ", ".join(known)
            raise SheetInvalid(self.name, f"must have each column once, and only: {listed}")


@dataclass(frozen=True, slots=True)
class Read(Generic[Item]):
    """
    What a file held.

    Attributes:
        lines: of the rows that could be read.
        items: what they say, in the same order.
        rejected: the other rows.
    """

    lines: Sequence[int] = ()
    items: Sequence[Item] = ()
    rejected: Sequence[Rejected] = ()


def day(row: Mapping[str, str], name: str) -> date | None:
    """
    Read a day such as 2026-12-31 out of a cell, None if it is empty or there is no such column.

    Raises:
        InvalidInput: it is no day.
    """
    text = row.get(name, "")
    if not text:
        return None
    if _DAY.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise InvalidInput(name, "must be a day such as 2026-12-31")


def instant(row: Mapping[str, str], name: str) -> datetime | None:
    """
    Read an instant with its zone, or a day, out of a cell; None as for ``day``.

    Raises:
        InvalidInput: it is neither.
    """
    text = row.get(name, "")
    if not text:
        return None
    with suppress(ValueError, OverflowError):
        if _DAY.fullmatch(text):
            midnight = datetime.combine(date.fromisoformat(text), time(), tzinfo=BRASILIA)
            return midnight.astimezone(UTC)
        found = datetime.fromisoformat(text)
        if _INSTANT.match(text) and found.tzinfo is not None:
            return found.astimezone(UTC)
    message = "must be a day such as 2026-12-31, or an instant such as 2026-12-31T23:59:59Z"
    raise InvalidInput(name, message)
