"""What is compared: the part of a decision that may not depend on how it was reached."""

from __future__ import annotations

from typing import NamedTuple

from authz_service.domain.decision import Decision


class Answer(NamedTuple):
    """
    A decision without its evidence, and without the texts of its errors.

    Attributes:
        allowed: yes or no.
        reasons: in their declared order.
        rules: the places of the rules that spoke for it, or erred.
        erred: the places of the rules that erred.
    """

    allowed: bool
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    erred: tuple[str, ...]


def answer_of(decision: Decision) -> Answer:
    """Give what is compared of a decision of ours."""
    erred = tuple(one.rule for one in decision.errors)
    return Answer(decision.allowed, decision.reasons, decision.rules, erred)
