"""A policy folder with a watcher, on a real disk and with a clock that stands still."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from authz_service.domain.decision import ActRecord
from authz_service.domain.policies import Attempt, PolicyStatus
from authz_service.policy.live.content import look_into
from authz_service.policy.live.current import CurrentPolicy, Look
from authz_service.policy.live.last_good import LastGood
from authz_service.policy.live.statuses import StatusBoard
from authz_service.policy.live.watching import Listeners, Watcher
from authz_service.usecases.acts import ActLog
from tests.fakes.clock import FrozenClock
from tests.fakes.gates import OpenGate
from tests.fakes.log import ListLog
from tests.fakes.store import MemoryStore
from tests.policy.compiled import reasons

PERMIT = 'permit(_p: Person, "open", _r: Process, "first");\n'
OTHER = 'permit(_p: Person, "open", _r: Process, "second");\n'
BROKEN = 'permit(_p: Person, "open", _r: Process, "first") if'


def write(folder: Path, rules: str = PERMIT, file: str = "rules.polar") -> None:
    """Write a policy folder, or one more file of rules into it."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(rules, encoding="utf-8")
    (folder / "reasons.toml").write_bytes(reasons().content)


class Watched:
    """
    One worker that watches ``home``/policies; what it keeps stands in ``home``/kept.

    ``heard`` holds what listeners heard of attempts, ``looks`` when it looked, ``log`` the
    decision log, ``gate`` what was tried.
    """

    def __init__(
        self,
        home: Path,
        place: str = "0",
        log: ListLog | None = None,
        *,
        gate: OpenGate | None = None,
        seconds: float = 0.01,
        look_at: Look = look_into,
        clock: FrozenClock | None = None,
    ) -> None:
        self.folder, self.kept = home / "policies", home / "kept" / "last-good.json"
        self.clock, self.gate, self.log = (
            clock or FrozenClock(),
            gate or OpenGate(),
            log or ListLog(),
        )
        self.heard: list[PolicyStatus] = []
        self.looks: list[datetime] = []
        self.policy = CurrentPolicy(self.folder, self.clock, self.gate, look_at)
        self.board = StatusBoard(home / "kept" / "status")
        acts = ActLog(self.log, (), self.clock)
        facts = MemoryStore().facts
        kept = LastGood(self.kept)
        self.watcher = Watcher(
            self.policy,
            kept,
            self.board,
            place,
            acts,
            facts,
            Listeners((self.heard.append,), self.looks.append),
            seconds=seconds,
        )

    def settle(self) -> PolicyStatus:
        """Look as often as a change needs that is over."""
        self.watcher.look()
        self.watcher.look()
        return self.policy.status

    @property
    def places(self) -> list[str]:
        """The places of the rules in force."""
        return [rule.place for rule in self.policy.current().rules]

    @property
    def acts(self) -> list[ActRecord]:
        """What was written down."""
        return [one for one in self.log.records if isinstance(one, ActRecord)]

    @property
    def attempt(self) -> Attempt:
        """The last attempt, which there must have been."""
        attempt = self.policy.status.attempt
        assert attempt is not None
        return attempt
