"""
Watches the policy folder, so that editing its files is enough.

By what is in the files, and not by their dates: a rename, a new folder and a swapped link, as
Kubernetes does with a ConfigMap, are changes, and a file that was only touched is none. What
was the same at two looks is quiet, and that very content is tried: nothing is read again, so
what was checked is what counts.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from authz_service.domain.policies import Outcome, PolicyStatus, WorkerPolicy
from authz_service.policy.judging import sandbox
from authz_service.policy.live.content import Content, unreadable
from authz_service.policy.live.current import CurrentPolicy
from authz_service.policy.live.last_good import LastGood
from authz_service.policy.live.statuses import StatusBoard, in_order
from authz_service.usecases.acts import OPERATOR, ActLog
from authz_service.usecases.ports import FactSource

SECONDS = 1.0
"""Between two looks; an edit counts one to two of them after the last byte was written."""

FIRST_REST, LONGEST_REST = 30.0, 600.0
"""Seconds until what could not be checked to the end is checked again: twice as long each time."""

STILL_SECONDS = 60 + sandbox.MAX_SECONDS
"""After how many a watch that has not looked stands still: a check may take its time."""

Heard = Callable[[PolicyStatus], None]
"""Hears what became of an attempt, once it is over."""

Looked = Callable[[datetime], None]
"""Hears of every look, when it is over."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """
    Who hears of a watch.

    Attributes:
        attempts: hear what became of each attempt.
        looks: hears of every look.
    """

    attempts: Sequence[Heard]
    looks: Looked


_log = logging.getLogger(__name__)
_AT_THE_END_SECONDS = 1.0
_ANY = datetime.min.replace(tzinfo=UTC)


class _Rest:
    """
    Says when a check that came to no end is made again: each time later.

    By looks and not by a clock, which may be set back.

    Args:
        step: seconds between two looks.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._seconds = self._left = 0.0

    @property
    def over(self) -> bool:
        """Whether it is time."""
        return self._left <= 0

    def look(self) -> None:
        """Hear of a look."""
        self._left -= self._step

    def longer(self) -> None:
        """Begin the next one."""
        self._seconds = min(max(FIRST_REST, 2 * self._seconds), LONGEST_REST)
        # Workers that have got in each other's way do not meet again.
        self._left = self._seconds * (1 + random.random() / 2)  # noqa: S311 -- no secret

    def end(self) -> None:
        """Begin anew, with the shortest one."""
        self._seconds = self._left = 0.0


class Watcher:
    """
    Puts into force what the policy folder holds, at the start and whenever that changes.

    Args:
        policy: the policy in force.
        last_good: where the last good one is kept.
        board: where the workers say what they decide by.
        place: which worker this is, ``0`` if it serves alone.
        acts: where it is written down that another policy comes into force, before it does.
        facts: knows the revision of the store, which stands in each record.
        listeners: hear of attempts and looks.
        seconds: how long it waits between two looks.
    """

    def __init__(
        self,
        policy: CurrentPolicy,
        last_good: LastGood,
        board: StatusBoard,
        place: str,
        acts: ActLog,
        facts: FactSource,
        listeners: Listeners,
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._policy = policy
        self._last_good = last_good
        self._board = board
        self._place = place
        self._acts = acts
        self._facts = facts
        self._listeners = listeners
        self._seconds = seconds
        self._seen = self._tried = self._unchecked = ""
        self._rest, self._rest_of_kept = _Rest(seconds), _Rest(seconds)
        self._fallen_back = False
        self._looked = _ANY
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="policy", daemon=True)

    def begin(self) -> None:
        """Take what the folder holds now, or the last good copy if that leaves nothing in force."""
        # Else a scrape would find a worker that has never looked, as long as it takes to begin.
        self._note_look()
        self._guarded(self._begin)

    def look(self) -> None:
        """
        Look once, and try what is there if it is new and was the same at the look before.

        Never raises: what nobody foresaw is told as an attempt that was refused.
        """
        self._guarded(self._look)

    def flaw(self) -> str | None:
        """Give why what the folder holds is not in force, or would not come into force, or None."""
        if self._thread.ident is None:
            return self._policy.flaw()
        if not self._thread.is_alive():
            return "edits are not noticed: the watch has ended; start the service anew"
        seconds = (self._acts.clock() - self._looked).total_seconds()
        if seconds > STILL_SECONDS:
            return f"edits are not noticed: the folder was last looked at {seconds:.0f} seconds ago"
        return self._policy.flaw()

    def _begin(self) -> None:
        content = self._policy.look()
        self._seen = content.digest
        self._try(content)
        self._fall_back()
        self._tell()

    def _look(self) -> None:
        self._rest.look()
        self._rest_of_kept.look()
        before = self._policy.status
        content = self._policy.look()
        seen, self._seen = self._seen, content.digest
        if content.digest == seen and content.digest != self._tried and not self._rests(content):
            self._try(content)
        self._fall_back()
        # What cannot be written down now is tried at every look, and told once.
        if _what(before) != _what(self._policy.status):
            self._tell()

    def start(self) -> None:
        """Look again and again, in a thread of its own, until ``close``."""
        self._thread.start()

    def close(self) -> None:
        """Look no more, and say nothing more of this worker."""
        self._over.set()
        if self._thread.is_alive():
            # A candidate that is being checked is not waited for; it comes in at the next start.
            self._thread.join(_AT_THE_END_SECONDS)
        self._board.close()

    def workers(self) -> list[WorkerPolicy]:
        """Tell which policy every worker decides by: this one, and those that share its folder."""
        found = [self._mine()]
        # What cannot be read of the others does not keep this one from telling its own.
        with suppress(OSError):
            found += self._board.others()
        return in_order(found)

    def _watch(self) -> None:
        while not self._over.wait(self._seconds):
            self.look()

    def _guarded(self, step: Callable[[], None]) -> None:
        # Who cannot even tell of it is seen by that there was no look.
        with suppress(Exception):
            try:
                step()
            except Exception as error:  # noqa: BLE001 -- nothing may end the watch
                self._stumble(type(error).__name__)
            self._note_look()

    def _stumble(self, cause: str) -> None:
        content = unreadable(f"cannot be looked at: {cause}")
        if content.digest == self._tried:
            return
        _log.error("%s while looking at the policy folder", cause)
        self._try(content)
        self._fall_back()
        self._tell()

    def _note_look(self) -> None:
        self._looked = self._acts.clock()
        self._listeners.looks(self._looked)

    def _rests(self, content: Content) -> bool:
        return content.digest == self._unchecked and not self._rest.over

    def _try(self, content: Content) -> None:
        attempt = self._policy.take(content, self._keep)
        postponed = attempt.outcome is Outcome.POSTPONED
        self._tried = "" if postponed else content.digest
        if not postponed or self._policy.passed(content):  # mutant: nothing else is tried again
            self._unchecked = ""
            return
        if content.digest != self._unchecked:
            self._rest.end()
        self._unchecked = content.digest
        self._rest.longer()

    def _fall_back(self) -> None:
        """Take the last good copy if nothing is in force, until it is known to be good or not."""
        if self._fallen_back or self._policy.ailment() is None or not self._rest_of_kept.over:
            return
        self._fallen_back = self._policy.restore(self._last_good.read)
        self._rest_of_kept.longer()

    def _keep(self, content: Content, questions: int) -> datetime:
        return self._last_good.keep(content, questions, self._acts.clock(), self._write_down)

    def _write_down(self, digest: str, before: str | None) -> None:
        revision = self._facts.gather((), self._acts.clock()).revision
        self._acts.did("policy.applied", OPERATOR, {"digest": digest, "before": before}, revision)

    def _mine(self) -> WorkerPolicy:
        return WorkerPolicy(self._place, os.getpid(), self._policy.status)

    def _tell(self) -> None:
        try:
            for heard in self._listeners.attempts:
                heard(self._policy.status)
            self._board.post(self._mine())
        except Exception as error:  # noqa: BLE001 -- to tell of it must not end the watch
            _log.error("%s while telling of the policy", type(error).__name__)


def _what(status: PolicyStatus) -> PolicyStatus:
    """Give *status* without when it was tried."""
    attempt = status.attempt
    return status if attempt is None else replace(status, attempt=replace(attempt, moment=_ANY))
