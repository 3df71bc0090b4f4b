"""
Reads the decision log backwards, the newest record first, in bounded steps.

There is no index: a search looks at the file itself, so it tells how far it came, and goes on
from there when it is asked to. Records stand in the order in which they were written, by
whichever process; that is nearly the order of their moments.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from authz_service.domain.errors import Conflict, LogUnavailable
from authz_service.journal.form import is_record
from authz_service.journal.matching import Filter, moment_of
from authz_service.usecases.records import Found, Line, Searched, Sought
from authz_service.usecases.stores import Page

_MIB = 1024 * 1024
_PLACE = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
# After so many of before what is wanted, none will follow: single moments may be wrong.
_OLD_IN_A_ROW = 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    How far one call goes.

    Attributes:
        block: bytes that are read at once; a longer line is none of this service's.
        search: bytes that a search looks at.
        opened: lines that a search parses, since that takes longest.
        find: bytes that are looked at for one record by its id.
    """

    block: int = _MIB
    search: int = 64 * _MIB
    opened: int = 5_000
    find: int = 512 * _MIB


@dataclass(frozen=True, slots=True)
class _Open:
    """The log's file, as long as it was when no writer was at work."""

    descriptor: int
    size: int
    file: int

    def blocks(self, end: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Give whole lines before *end*, from there backwards, with where they begin."""
        while end > 0:
            start = max(0, end - size)
            data = os.pread(self.descriptor, end - start, start)
            cut = 0 if start == 0 else data.find(b"\n") + 1
            if start > 0 and cut in (0, len(data)):
                # The end of an overlong line: what is left of it, before, is a torn one.
                end = start
                continue
            yield start + cut, data[cut:]
            end = start + cut

    def lines(self, end: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Give each line before *end*, the last first, with where it begins."""
        for start, data in self.blocks(end, size):
            position = start + len(data)
            for line in reversed(data.split(b"\n")):
                begin = position - len(line)
                if line:
                    yield begin, line
                position = begin - 1


class LogReader:
    """
    The port ``Records`` on the file that ``FileLog`` writes; files moved away are not looked at.

    Args:
        path: the file; if there is none, the log is empty.
        bounds: how far one call goes.
    """

    def __init__(self, path: Path, bounds: Bounds | None = None) -> None:
        self._path = path
        self._bounds = bounds or Bounds()

    def find(self, record_id: str) -> Found:
        """
        Look for a record by its id; see the port.

        Raises:
            LogUnavailable: the file cannot be read.
        """
        name = record_id.encode()
        with self._opened() as log:
            if log is None:
                return Found()
            for start, data in log.blocks(log.size, self._bounds.block):
                for line in _lines_with(name, data):
                    record = _record(line)
                    if record is not None and record["id"] == record_id:
                        return Found(record)
                if start > 0 and log.size - start >= self._bounds.find:
                    return Found(since=moment_of(data))
        return Found()

    def search(self, sought: Sought, after: str | None, limit: int) -> Searched:
        """
        Give records, the newest first; see the port.

        Raises:
            Conflict: the file has been moved away since *after* was given.
            LogUnavailable: the file cannot be read.
        """
        with self._opened() as log:
            if log is None:
                return Searched(Page(()))
            end = log.size if after is None else _end(after, log)
            return self._search(log, end, Filter(sought), limit)

    def _search(self, log: _Open, end: int, wanted: Filter, limit: int) -> Searched:
        found: list[Line] = []
        unreadable = opened = old = 0
        for begin, line in log.lines(end, self._bounds.block):
            record = None
            if not (line.startswith(b"{") and line.endswith(b"}")):
                unreadable += 1
            elif wanted.may_fit(line):
                opened += 1
                record = _record(line)
                unreadable += record is None
            if record is not None and wanted.fits(record):
                found.append(record)
            old = old + 1 if wanted.is_past(line) else 0
            if old == _OLD_IN_A_ROW:
                break
            enough = len(found) == limit or opened == self._bounds.opened
            if enough or end - begin >= self._bounds.search:
                return Searched(Page(tuple(found), _place(log, begin)), unreadable)
        return Searched(Page(tuple(found)), unreadable)

    @contextmanager
    def _opened(self) -> Iterator[_Open | None]:
        """Open the file, or give None if there is none."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            raise LogUnavailable(f"the decision log cannot be read: {error.strerror}") from error
        try:
            # Whoever writes has finished, and what is taken back after a failure is gone.
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            status = os.fstat(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            yield _Open(descriptor, status.st_size, status.st_ino)
        except OSError as error:
            raise LogUnavailable(f"the decision log cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)


def _lines_with(name: bytes, data: bytes) -> Iterator[bytes]:
    """Give the lines in which *name* stands, once for each time."""
    at = data.find(name)
    while at >= 0:
        begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        yield data[begin : end if end >= 0 else len(data)]
        at = data.find(name, at + 1)


def _record(line: bytes) -> Line | None:
    """Read a line; None if it is no record."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if is_record(value) else None


def _place(log: _Open, begin: int) -> str | None:
    """Name the place before which a search goes on, unless that is the beginning."""
    return f"{log.file}-{begin}" if begin > 0 else None


def _end(after: str, log: _Open) -> int:
    match = _PLACE.fullmatch(after)
    if match is None or int(match[1]) != log.file or int(match[2]) > log.size:
        raise Conflict("the decision log was moved away meanwhile, begin the list anew")
    return int(match[2])
