"""A policy that answers by a function of the test instead of by rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from authz_service.domain.decision import NO_PERMIT, Decision, Question
from authz_service.domain.errors import PolicyUnavailable
from authz_service.domain.facts import Facts
from authz_service.domain.nearest import By, Change, Difference, Way
from authz_service.usecases.ports import Policy, Text

Verdict = Callable[[Question, Facts], Decision]


def allow_all(_question: Question, _facts: Facts) -> Decision:
    """Allow whatever is asked."""
    return Decision(allowed=True, reasons=("represents",))


STEP_UP = Way(
    (Change("sign-in", "ENTRADA_GOVBR", By.PERSON, "A pessoa entra.", "The person signs in."),),
    step_up=True,
)
"""What the acting person can do alone."""

GRANT = Way(
    (
        Change(
            "process-reopened",
            "PROCESSO_REABERTO",
            By.INMETRO,
            "O Inmetro reabre o processo.",
            "Inmetro opens the process again.",
            (Difference("process.state", "closed", "open"),),
        ),
        Change(
            "delegation-granted",
            "DELEGACAO_CONCEDIDA",
            By.REPRESENTATIVE,
            "Um sócio delega.",
            "A partner delegates.",
            (Difference("process.delegation.backing.days", None, 0),),
        ),
    ),
    step_up=False,
)
"""What others have to do."""


def deny_all(_question: Question, _facts: Facts) -> Decision:
    """Deny whatever is asked."""
    return Decision(allowed=False, reasons=(NO_PERMIT,))


class ScriptedPolicy:
    """
    One policy under one digest, answering by ``verdict``; a test may exchange it.

    The ways in which it says that a denial would be an allow are ``ways``, and the first of them
    is what who was denied is told.
    """

    def __init__(self, verdict: Verdict = allow_all) -> None:
        self.verdict = verdict
        self.ways: tuple[Way, ...] = ()
        self.digest = "0" * 64
        self.heeds_asserted = True

    def evaluate(self, question: Question, facts: Facts) -> Decision:
        """Answer by the test's function."""
        return self.verdict(question, facts)

    def nearest(self, question: Question, facts: Facts) -> tuple[Way, ...]:
        """Give the test's ways, of a denial."""
        assert not self.verdict(question, facts).allowed
        return self.ways

    def advice(self, question: Question, facts: Facts, decision: Decision) -> Way | None:
        """Give the first of the test's ways, of a denial."""
        assert decision == self.verdict(question, facts)
        assert not decision.allowed
        return self.ways[0] if self.ways else None

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


class GivenPolicies:
    """The port ``Policies``: holds the policy that a test puts into ``policy``, of any kind."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def current(self) -> Policy:
        """Give the policy."""
        return self.policy
