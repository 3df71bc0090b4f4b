"""A policy that answers by a function of the test instead of by rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from authz_service.domain.decision import NO_PERMIT, Decision, Question
from authz_service.domain.errors import PolicyUnavailable
from authz_service.domain.facts import Facts
from authz_service.usecases.ports import Text

Verdict = Callable[[Question, Facts], Decision]


def allow_all(_question: Question, _facts: Facts) -> Decision:
    """Allow whatever is asked."""
    return Decision(allowed=True, reasons=("represents",))


def deny_all(_question: Question, _facts: Facts) -> Decision:
    """Deny whatever is asked."""
    return Decision(allowed=False, reasons=(NO_PERMIT,))


class ScriptedPolicy:
    """One policy under one digest, answering by ``verdict``; a test may exchange it."""

    def __init__(self, verdict: Verdict = allow_all) -> None:
        self.verdict = verdict
        self.digest = "0" * 64

    def evaluate(self, question: Question, facts: Facts) -> Decision:
        """Answer by the test's function."""
        return self.verdict(question, facts)

    def text(self, reason: str, action: str, particulars: Mapping[str, str]) -> Text:
        """Give texts in which the reason and the particulars can be found again."""
        said = f"{reason} {action} {particulars['processo']} {particulars['cnpj']}"
        return Text(codigo=reason.upper().replace("-", "_"), pt=f"pt {said}", en=f"en {said}")


class ScriptedPolicies:
    """Holds one policy, or none."""

    def __init__(self, policy: ScriptedPolicy | None) -> None:
        self.policy = policy

    def current(self) -> ScriptedPolicy:
        """Give the policy, or say that there is none."""
        if self.policy is None:
            raise PolicyUnavailable("no valid policy is loaded")
        return self.policy
