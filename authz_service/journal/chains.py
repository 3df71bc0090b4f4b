"""The port ``Lines`` on the files of the log: what stands in its chains, compressed or not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from authz_service.domain.errors import LogUnavailable
from authz_service.journal.extents import Known, extents
from authz_service.journal.packed import PackedFile
from authz_service.journal.segments import (
    Chain,
    chains,
    open_content,
    opened,
    whole_lines,
)
from authz_service.usecases.records import Segment

_OPEN = 16
"""How many segments that single lines were read from are kept open, with what was unpacked last."""


class Chains:
    """
    Reads the chains of a log; any number of threads may use it while others write.

    Args:
        log: the log's folder; if there is none, the log is empty.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._known: Known = {}
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[Chain, int], PackedFile] = OrderedDict()

    def segments(self) -> list[Segment]:
        """Give the segments; see the port."""
        with _told():
            found = []
            for chain in chains(self._log):
                there = extents(self._log, chain, self._known)
                for one in there:
                    if one.header is not None and one.whole:
                        closed = one.number != there[-1].number
                        name, machine = chain.name, one.header.machine
                        found.append(
                            Segment(chain.kind, name, one.number, one.whole, closed, machine)
                        )
            return found

    def lines(self, segment: Segment, offset: int = 0) -> Iterator[tuple[int, bytes]]:
        """Give whole lines from a byte on; see the port."""
        with _told(), opened(self._log, Chain(segment.kind, segment.chain), segment.number) as file:
            yield from whole_lines(file, offset, segment.size)

    def read(self, segment: Segment, offset: int, length: int) -> bytes:
        """Give one line; see the port."""
        chain = Chain(segment.kind, segment.chain)
        with _told():
            # What is unpacked is kept for the next one, and one thread at a time may do that.
            with self._lock:
                known = self._open.get((chain, segment.number))
                if known is not None:
                    self._open.move_to_end((chain, segment.number))
                    return known.read(offset, length)
                content = open_content(self._log, chain, segment.number)
                if isinstance(content, PackedFile):
                    self._keep((chain, segment.number), content)
                    return content.read(offset, length)
            try:
                return content.read(offset, length)
            finally:
                content.close()

    def close(self) -> None:
        """Close the files that are kept open."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _keep(self, name: tuple[Chain, int], content: PackedFile) -> None:
        self._open[name] = content
        while len(self._open) > _OPEN:
            self._open.popitem(last=False)[1].close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise LogUnavailable(f"the decision log cannot be read: {cause}") from error
