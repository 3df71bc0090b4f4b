"""The policy in force, and the one way in which another one takes its place."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from authz_service.domain.errors import PolicyInvalid, PolicyUnavailable, Problem, Unavailable
from authz_service.domain.identifiers import without_cpf
from authz_service.domain.policies import Attempt, Origin, Outcome, PolicyStatus
from authz_service.policy.bundle import Source, build
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.judging import sandbox
from authz_service.policy.live.content import Content, look_into
from authz_service.policy.live.last_good import Kept
from authz_service.usecases.ports import Clock

Gate = Callable[[Sequence[Source], Sequence[Source]], int]
"""
Gives how many questions the tests asked.

Raises ``PolicyInvalid`` unless what decides compiles and its tests pass.
"""

Taken = Callable[[Content, int], datetime]
"""
Hears of a content that has passed, as the last thing before it counts; gives since when it does.

It hears how many questions the tests asked as well. If it raises ``PolicyInvalid``, the attempt
is refused; if it raises ``Unavailable`` or ``OSError``, it is postponed.
"""

MOST_PASSED_OVER = 20
"""How many files are told that are passed over for their names."""

Look = Callable[[Path], Content]
"""Gives what a folder holds."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _InForce:
    """What is exchanged in one step: a policy, or none, and what is to be said of it."""

    policy: CompiledPolicy | None
    status: PolicyStatus


class CurrentPolicy:
    """
    Holds the policy in force; without one nothing is decided.

    One thread may take another content while any number of them decide: they see the policy
    before or the one after, whole.

    Args:
        folder: the policy folder.
        clock: tells the present instant.
        gate: what every content has to pass before it is compiled here.
        look_into: reads the folder.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock = _utc_now,
        gate: Gate = sandbox.check,
        look_into: Look = look_into,
    ) -> None:
        self._folder = folder
        self._look_into = look_into
        self._clock = clock
        self._gate = gate
        # The last content that passed, which need not pass again, such as one that had to wait,
        # and how many questions its tests asked.
        self._passed, self._questions = "", 0
        self._attempt: Attempt | None = None
        self._wrong_with_kept: tuple[Problem, ...] = ()
        self._in_force = _InForce(None, PolicyStatus())

    def load(self) -> None:
        """Take what the folder holds now and keep it nowhere: for who looks, and does not serve."""
        self.take(self.look(), lambda _content, _questions: self._clock())

    def look(self) -> Content:
        """Give what the folder holds now."""
        return self._look_into(self._folder)

    def take(self, content: Content, taken: Taken) -> Attempt:
        """Put *content* in force if it is good; otherwise what there was stays. Never raises."""
        passed_over = tuple(map(without_cpf, content.passed_over[:MOST_PASSED_OVER]))
        attempt = Attempt(self._clock(), content.digest, Outcome.APPLIED, passed_over=passed_over)
        try:
            policy = self._compiled(content)
            attempt = replace(attempt, questions=self._questions)
            since = taken(content, self._questions)
        except Exception as error:  # noqa: BLE001 -- no edit may end the one that looks for edits
            outcome, problems = _why(error)
            attempt = self._attempt = replace(attempt, outcome=outcome, problems=problems)
            self._note()
            return attempt
        self._attempt = attempt
        self._swap(policy, PolicyStatus(policy.digest, since, Origin.FOLDER, attempt))
        return attempt

    def passed(self, content: Content) -> bool:
        """Tell whether *content* was the last that passed, so that to try it again costs little."""
        return content.digest == self._passed

    def restore(self, read: Callable[[], Kept | None]) -> bool:
        """
        Decide by what was kept, after an attempt that leaves nothing in force. Never raises.

        What is kept has to pass as any content. If it does not, that is told among the
        problems of the attempt.

        Args:
            read: gives what was kept; may raise ``PolicyInvalid``.

        Returns:
            whether that is the end of it; if not, what is kept may pass another time.
        """
        try:
            kept = read()
            if kept is None:
                return True
            policy = self._compiled(kept.content)
        except Exception as error:  # noqa: BLE001 -- as above
            outcome, self._wrong_with_kept = _why(error)
            self._note()
            return outcome is not Outcome.POSTPONED
        status = PolicyStatus(policy.digest, kept.since, Origin.LAST_GOOD, self._attempt)
        self._swap(policy, status)
        return True

    def _compiled(self, content: Content) -> CompiledPolicy:
        if content.problems:
            raise PolicyInvalid(content.problems)
        if content.digest != self._passed:
            self._questions = self._gate(content.sources, content.suites)
            self._passed = content.digest
        before = self._in_force.policy
        if before is not None and before.digest == content.policy:
            # Only the tests have changed, or it is as it was before a bad edit.
            return before
        policy = build(content.sources)
        # Before it decides, so that no decision has to learn a rule from oso, or waits for it.
        policy.explore()
        return policy

    def _note(self) -> None:
        """Tell the last attempt, and what is wrong with what was kept where that was needed."""
        attempt = self._attempt
        if attempt is not None:
            attempt = replace(attempt, problems=(*attempt.problems, *self._wrong_with_kept))
        self._in_force = replace(
            self._in_force, status=replace(self._in_force.status, attempt=attempt)
        )

    def _swap(self, policy: CompiledPolicy, status: PolicyStatus) -> None:
        changed = self._in_force.policy is not policy
        self._in_force = _InForce(policy, status)
        self._wrong_with_kept = ()
        if changed:
            # oso's engines lie in cycles of references, and would pile up until chance frees them.
            gc.collect()

    def current(self) -> CompiledPolicy:
        """
        Give the policy in force.

        Raises:
            PolicyUnavailable: there is none.
        """
        policy = self._in_force.policy
        if policy is None:
            raise PolicyUnavailable("no valid policy is loaded")
        return policy

    @property
    def status(self) -> PolicyStatus:
        """Which policy is in force, and what became of the last attempt."""
        return self._in_force.status

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong with what the folder held at the last attempt."""
        attempt = self.status.attempt
        return () if attempt is None else attempt.problems

    def flaw(self) -> str | None:
        """Give why what the folder holds is not in force though another policy is, or None."""
        now = self._in_force
        if now.policy is None or now.status.current or not self.problems:  # mutant: same as current
            return None
        what = "the policy before the last edit"
        if now.status.origin is Origin.LAST_GOOD:
            what = "the last good policy that was kept"
        said = f"1 problem: {self.problems[0]}"
        if len(self.problems) > 1:
            said = f"{len(self.problems)} problems, the first: {self.problems[0]}"
        return f"{what} is in force, not what the folder holds: {said}"

    def ailment(self) -> str | None:
        """Give why there is no policy, or None if there is one."""
        if self._in_force.policy is not None:
            return None
        first = self.problems[0] if self.problems else "it was never loaded"
        return f"no valid policy is loaded: {first}"


def _why(error: Exception) -> tuple[Outcome, tuple[Problem, ...]]:
    """Give what becomes of a content about which *error* was raised, and what is told of it."""
    match error:
        case PolicyInvalid():
            unknown = sandbox.NO_VERDICT.issuperset(one.check for one in error.problems)
            return (Outcome.POSTPONED if unknown else Outcome.REFUSED), _clean(error.problems)
        case Unavailable():
            outcome, said = Outcome.POSTPONED, str(error)
        case OSError():
            outcome, said = Outcome.POSTPONED, str(error.strerror)
        case _:
            outcome, said = Outcome.REFUSED, f"cannot be compiled: {type(error).__name__}"
    return outcome, _clean([Problem(".", 0, 0, said)])


def _clean(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Give *problems* without what looks like a CPF: they quote what stands in the files."""
    return tuple(
        replace(
            one,
            file=without_cpf(one.file),
            message=without_cpf(one.message),
            remedy=without_cpf(one.remedy),
        )
        for one in problems
    )
