"""
A chain that a process holds for life, written by its threads, and when its lines are on the disk.

``default``: a thread of the journal syncs what was written, 50 ms later at most. ``strict``:
a write returns when its lines are on the disk; those that come while one sync runs share the
next, so that many threads wait for few syncs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from authz_service.journal.writing import Open, Spot, Writer


class _Batch:
    """Writes that share a sync, and what came of it."""

    __slots__ = ("done", "error")

    def __init__(self) -> None:
        self.done = False
        self.error: OSError | None = None


class Owned:
    """
    Writes a chain of this process.

    Args:
        make: makes the writer, told what takes the files that are full.
        strict: whether a write returns only when its lines are on the disk.
        written: called when something is to be synced by and by, if not strict.
        full: called when a segment is closed.
    """

    def __init__(
        self,
        make: Callable[[Callable[[Open], None]], Writer],
        *,
        strict: bool,
        written: Callable[[], None],
        full: Callable[[], None],
    ) -> None:
        self._lock = threading.Lock()
        self._writer = make(self._finish if strict else self._retire)
        self._strict = strict
        self._written = written
        self._full = full
        self._dirty = False
        self._retired: list[Open] = []
        self._batch = _Batch()
        self._synced = Spot()
        self._failure: OSError | None = None
        self._stopped = False
        self._syncing = False
        self._told = threading.Condition()

    def resume(self) -> None:
        """
        Find where the chain has come to on the disk.

        Raises:
            OSError: it cannot be read.
        """
        with self._lock:
            self._writer.resume()
            self._synced = self._writer.spot

    def write(self, bodies: Sequence[bytes]) -> None:
        """
        Write lines, all or none that counts.

        Raises:
            OSError: none counts, but for those that heads were signed of meanwhile.
        """
        with self._lock:
            if self._stopped:
                raise OSError(0, "this process writes it no more")
            self._writer.write(bodies)
            batch = self._batch
        if self._strict:
            self._commit(batch)
        elif not self._dirty:
            self._dirty = True
            self._written()

    def sync(self) -> None:
        """
        Have on the disk what was written until now.

        Raises:
            OSError: it may not be there; what follows goes to a new segment.
        """
        # First: what is written from here on asks for another sync.
        self._dirty = False
        with self._lock:
            segment = self._writer.segment
            retired, self._retired = self._retired, []
        try:
            for full in retired:
                full.sync()
            if segment is not None:
                segment.sync()
                self._check()
        except OSError as error:
            with self._lock:
                if self._strict:
                    # Those that wait for it are refused.
                    self._fail(error)
                else:
                    self._writer.let_go()
            raise
        finally:
            for full in retired:
                full.close()

    def renew(self, before: str) -> None:
        """
        Begin a new segment if the one in use began earlier; an instant in the form of the log.

        Raises:
            OSError: it cannot be had.
        """
        with self._lock:
            if self._writer.segment is not None and self._writer.began < before:
                self._writer.begin()

    def stop(self) -> None:
        """Refuse what is still to be written."""
        with self._lock:
            self._stopped = True

    def close(self) -> None:
        """
        Write no more; what was written is on the disk then.

        Raises:
            OSError: it may not be there.
        """
        # Another process may go on with the chain from here on.
        self.stop()
        try:
            self.sync()
        finally:
            with self._lock:
                self._writer.let_go()

    def _retire(self, full: Open) -> None:
        self._retired.append(full)
        self._full()

    def _finish(self, full: Open) -> None:
        """Take a file that is full; the lock is held."""
        try:
            full.sync()
        except OSError as error:
            self._fail(error)
            raise
        finally:
            full.close()
        self._full()

    def _commit(self, batch: _Batch) -> None:
        """Wait until the batch is on the disk, or see to it."""
        with self._told:
            while self._syncing and not batch.done:
                self._told.wait()
            if batch.done:
                leads = False
            else:
                leads = self._syncing = True
        if leads:
            self._lead()
        if batch.error is not None:
            raise OSError(batch.error.errno, batch.error.strerror) from batch.error

    def _lead(self) -> None:
        """Sync once for all that have written until now."""
        with self._lock:
            batch, self._batch = self._batch, _Batch()
            segment, spot = self._writer.segment, self._writer.spot
            self._failure = None
        try:
            if segment is not None:
                segment.sync()
                self._check()
            with self._lock:
                if self._failure is None:
                    self._synced = spot
        except OSError as error:
            with self._lock:
                self._fail(error)
        finally:
            with self._told:
                batch.error = self._failure
                batch.done = True
                self._syncing = False
                self._told.notify_all()

    def _check(self) -> None:
        with self._lock:
            # One that is full may be compressed and gone by now.
            if self._writer.segment is not None:
                self._writer.segment.check()

    def _fail(self, error: OSError) -> None:
        """
        Have nothing count that was written since the last sync; the lock is held.

        Those that have written while it was under way stand behind what may be lost. What heads
        were signed of meanwhile is on the disk, and counts: the writer sees to that.
        """
        self._failure = error
        self._writer.go_back(self._synced)
        self._batch.error = error
        self._batch.done = True
        self._batch = _Batch()
