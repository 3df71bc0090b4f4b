"""
What was worked out about facts before, when the same is asked about the very same facts again.

The same questions come again and again, and as long as the store has not changed, the same facts
with them. A policy always says the same about them, and a record keeps the question in the same
words: both are noted on the facts themselves, not by what they are equal to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from authz_service.domain.decision import ACTIONS, Asked, Decision, Question, Resource, Subject
from authz_service.domain.entities import Thing
from authz_service.domain.facts import Facts
from authz_service.usecases.asked import asked_of
from authz_service.usecases.ports import Policy


class Note:
    """
    What is noted of one action.

    Attributes:
        digest: of the policy that decided.
        decision: what it says.
        asked: the resource that was asked about and the actor's surrogate, with how the question
            was written down; replaced as a whole.
    """

    __slots__ = ("asked", "decision", "digest")

    def __init__(self, digest: str, decision: Decision) -> None:
        self.digest = digest
        self.decision = decision
        self.asked: tuple[Resource, str, Asked] | None = None


def note_of(question: Question, facts: Facts, policy: Policy) -> Note:
    """Give what is noted of a question, and decide it if that was not done before."""
    notes = facts.notes
    known = cast("Note | None", notes.get(question.action))
    if known is not None and known.digest == policy.digest:
        return known
    note = Note(policy.digest, policy.evaluate(question, facts))
    # What has erred may have had no time, and says nothing about the next time; other actions are
    # callers' texts, of any length and without an end.
    if question.action in ACTIONS and not note.decision.errors:
        notes[question.action] = note
    return note


def asked_by(note: Note, question: Question, facts: Facts, names: Mapping[Subject, str]) -> Asked:
    """Give a question as a record keeps it; see ``asked_of``."""
    resource = question.resource
    if question.recipient is not None or type(resource) is Thing or type(question.actor) is Thing:
        # These are not the facts' own, or they are texts that need not come again.
        return asked_of(question, facts, names)
    name = names[question.actor]  # type: ignore[index]  # no Thing
    known = note.asked
    if known is not None and known[0] is resource and known[1] == name:
        return known[2]
    asked = asked_of(question, facts, names)
    note.asked = (resource, name, asked)
    return asked
