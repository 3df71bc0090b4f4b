"""
The decision log as its writers have it: records go to chained files before an answer leaves.

Decisions and acts are chains of their own, since they may be kept for different times. A worker
holds its chains for life; the command line's are locked for each write.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, cast

from authz_service.domain.decision import DecisionRecord, Record
from authz_service.domain.errors import LogUnavailable
from authz_service.journal import keys
from authz_service.journal.keeping import Keeper
from authz_service.journal.lines import Clock
from authz_service.journal.owned import Owned
from authz_service.journal.packing import Packer
from authz_service.journal.places import make_folder, settle
from authz_service.journal.rendering import Renderer
from authz_service.journal.segments import CLASSES, Chain
from authz_service.journal.shared import SHARED, Shared, finish
from authz_service.journal.writing import Writer

_log = logging.getLogger(__name__)

SYNC_SECONDS = 0.05
"""How long, by default, what was answered may be missing from the disk itself."""


@dataclass(frozen=True, slots=True)
class Options:
    """
    How a log is written and kept.

    Attributes:
        sync: ``strict``: a write returns when its records are on the disk. ``default``: when
            the operating system has them; they are on the disk 50 ms later.
        failure: what becomes of records that cannot be written. ``refuse``: the write raises.
            ``lose``: they are counted, and the service goes on.
        segment_bytes: from which size on a new segment begins.
        heads_seconds: how often heads are signed.
        keep_decisions_days: how long decisions are kept at least, 0 for ever.
        keep_acts_days: likewise acts.
    """

    sync: Literal["default", "strict"] = "default"
    failure: Literal["refuse", "lose"] = "refuse"
    segment_bytes: int = 64 * 1024 * 1024
    heads_seconds: float = 60.0
    keep_decisions_days: int = 0
    keep_acts_days: int = 0

    @property
    def days(self) -> dict[str, int]:
        """How long each class is kept."""
        return {"decision": self.keep_decisions_days, "act": self.keep_acts_days}


class _Chains(Protocol):
    """What writes the chains of a place."""

    def write(self, kind: str, bodies: Sequence[bytes]) -> None:
        """Write records of one class; raises ``OSError`` if none counts."""

    def ailment(self) -> str | None:
        """Give what goes wrong beside the writing, or None."""

    def close(self) -> None:
        """Write no more."""


class Journal:
    """
    Writes records; what ``write`` returned from is in the log, whatever becomes of the process.

    Args:
        folder: the log's folder; it is made if absent, for the owner only.
        place: who writes: a worker's number, or ``cli`` for the command line.
        options: how.
        lost: told how many records could not be written, with the failure ``lose``.
        clock: tells the present instant, in seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        place: str,
        options: Options,
        lost: Callable[[int], None],
        clock: Clock = time.time,
    ) -> None:
        self._folder = folder
        self._place = place
        self._options = options
        self._lost = lost
        self._clock = clock
        self._lock = threading.Lock()
        self._renderer = Renderer()
        self._chains: _Chains | None = None
        self._closed = False
        self._failed: str | None = None
        if place != SHARED:
            # So that no decision waits for it. What goes wrong is told by the ailment.
            self.ailment()

    def write(self, records: Sequence[Record]) -> None:
        """
        Write all the records, in their order, or none.

        Records that were refused may stand in the log behind a whole line if the process is killed
        just then, like those of an answer that was on its way: what is there was decided, and what
        was answered is there.

        Args:
            records: one or more of one class: nobody writes decisions and acts at once.

        Raises:
            LogUnavailable: not written, unless the failure is ``lose``.
        """
        try:
            chains = self._chains or self._begun()
            if type(records[0]) is DecisionRecord:
                decisions = cast("Sequence[DecisionRecord]", records)
                chains.write("decision", self._renderer.decisions(decisions))
            else:
                chains.write("act", [self._renderer.body(one) for one in records])
        except OSError as error:
            first = self._failed is None
            self._failed = f"cannot be written: {_cause(error)}"
            if self._options.failure == "lose":
                if first:
                    # Once: an answer that is in no log has no line of its own either.
                    _log.error("records are being lost: the decision log %s", self._failed)
                self._lost(len(records))
                return
            raise LogUnavailable(f"the decision log {self._failed}") from error
        if self._failed is not None:
            self._failed = None
            if self._options.failure == "lose":
                _log.warning("no more records are lost: the decision log is written again")

    def ailment(self) -> str | None:
        """
        Give what keeps the log from being written, now or at the last record, or None.

        Also what keeps its files from being synced, compressed, signed or removed.
        """
        try:
            chains = self._chains or self._begun()
            make_folder(self._folder)
        except OSError as error:
            return f"cannot be written: {_cause(error)}"
        # A full disk opens and locks files as ever; only a write finds it out.
        return self._failed or chains.ailment()

    def close(self) -> None:
        """Write no more; what was written is on the disk then, if it can be."""
        with self._lock:
            chains, self._chains = self._chains, None
            self._closed = True
        if chains is not None:
            chains.close()

    def _begun(self) -> _Chains:
        """Give what writes, and take its place first if need be."""
        with self._lock:
            if self._closed:
                raise OSError(0, "it is closed")
            if self._chains is None:
                key = keys.own(self._folder)
                if self._place == SHARED:
                    self._chains = _Command(self._folder, key, self._options, self._clock)
                else:
                    self._chains = _Worker(
                        self._folder, self._place, key, self._options, self._clock
                    )
            return self._chains


class _Command:
    """Writes the chains of the command line."""

    def __init__(self, folder: Path, key: keys.Key, options: Options, clock: Clock) -> None:
        limit = options.segment_bytes
        self._shared = {
            kind: Shared(
                folder, Writer(folder, Chain(kind, SHARED), key.machine, limit, clock, finish)
            )
            for kind in CLASSES
        }

    def write(self, kind: str, bodies: Sequence[bytes]) -> None:
        self._shared[kind].write(bodies)

    def ailment(self) -> str | None:
        return None

    def close(self) -> None:
        for shared in self._shared.values():
            shared.close()


class _Worker:
    """Writes the chains of a worker, and looks after the log's files meanwhile."""

    def __init__(
        self, folder: Path, place: str, key: keys.Key, options: Options, clock: Clock
    ) -> None:
        name, self._held = settle(folder, place)
        self._begun = False
        self._written = threading.Event()
        self._stop = threading.Event()
        self._full = threading.Event()
        self._ailments: dict[str, str] = {}
        self._packer = Packer()
        self._keeper = Keeper(folder, key, options.days, clock, self._packer)
        self._seconds = options.heads_seconds
        self._threads: list[threading.Thread] = []
        self._begin = threading.Lock()
        self._owned = {
            kind: Owned(
                partial(
                    Writer, folder, Chain(kind, name), key.machine, options.segment_bytes, clock
                ),
                strict=options.sync == "strict",
                written=self._written.set,
                full=self._full.set,
            )
            for kind in CLASSES
        }
        try:
            for owned in self._owned.values():
                owned.resume()
        except BaseException:
            self._held.close()
            raise

    def write(self, kind: str, bodies: Sequence[bytes]) -> None:
        self._owned[kind].write(bodies)
        if not self._begun:
            self._start()

    def ailment(self) -> str | None:
        return next(iter(list(self._ailments.values())), None)

    def close(self) -> None:
        self._stop.set()
        self._written.set()
        self._full.set()
        self._packer.stop()
        for thread in self._threads:
            thread.join()
        for owned in self._owned.values():
            self._tried("synced", owned.close)
        if self._begun:
            # The last head covers what was written last.
            self._round()
        self._held.close()

    def _start(self) -> None:
        with self._begin:
            if self._begun:
                return
            self._begun = True
            for name, target in (
                ("log-sync", self._sync),
                ("log-keep", self._look_after),
                ("log-pack", self._compress),
            ):
                thread = threading.Thread(target=target, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _sync(self) -> None:
        """Have on the disk what was written, a moment after it was."""
        while not self._stop.is_set():
            self._written.wait()
            self._stop.wait(SYNC_SECONDS)
            self._written.clear()
            self._tried("written", self._hold)
            for kind, owned in self._owned.items():
                self._tried(f"synced ({kind})", owned.sync)

    def _look_after(self) -> None:
        """Sign heads and remove what is old, at the interval."""
        while not self._stop.wait(self._seconds):
            self._round()

    def _compress(self) -> None:
        """Compress what is full, at once; what was left over, at the interval of the heads."""
        while not self._stop.is_set():
            self._full.wait(self._seconds)
            self._full.clear()
            if not self._stop.is_set():
                self._tried("compressed", self._keeper.pack)

    def _round(self) -> None:
        """Do all that is to be done; what fails keeps nothing else from being done."""
        self._tried("written", self._hold)
        self._tried("begun anew", self._renew)
        self._tried("signed", self._sign)

    def _hold(self) -> None:
        """Write no more where another process may have taken the chains: they would fork."""
        try:
            self._held.check()
        except BlockingIOError:
            for owned in self._owned.values():
                owned.stop()
            raise

    def _renew(self) -> None:
        for kind, owned in self._owned.items():
            horizon = self._keeper.horizon(kind)
            if horizon is not None:
                owned.renew(horizon)
        self._keeper.renew()

    def _sign(self) -> None:
        flaws = self._keeper.keep().flaws
        if flaws:
            raise OSError(0, flaws[0])

    def _tried(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            self._ailments[what] = f"cannot be {what}: {_cause(error)}"
        else:
            self._ailments.pop(what, None)


def _cause(error: OSError) -> str:
    """Give what went wrong, without a path."""
    return error.strerror or type(error).__name__
