"""
The nearest allow: what would have to differ for a denial to become an allow, and by whose act.

A ``Way`` is a set of changes that together turn a decision, none of which can be left out. Some
ways only the acting person has to go, now, by signing in again or otherwise (step-up); to all
others the denial is a refusal until somebody has done something.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class By(StrEnum):
    """Who can bring a change about; in the words of Orquestra's designers it is ``por``."""

    PERSON = "person"
    """Who acts."""
    RECIPIENT = "recipient"
    """The other person of the question, who is to be delegated to."""
    REPRESENTATIVE = "representative"
    """A sócio or representante legal of the company."""
    MATRIZ = "matriz-representative"
    """A sócio or representante legal of the matriz."""
    COMPANY = "company"
    """The company, in the registers that GOV.BR answers from."""
    ORQUESTRA = "orquestra"
    INMETRO = "inmetro"

    @property
    def por(self) -> str:
        """Its Portuguese name, for Orquestra's flat answer."""
        return _POR[self]


_POR = {
    By.PERSON: "pessoa",
    By.RECIPIENT: "membro",
    By.REPRESENTATIVE: "representante",
    By.MATRIZ: "representante-da-matriz",
    By.COMPANY: "empresa",
    By.ORQUESTRA: "orquestra",
    By.INMETRO: "inmetro",
}

_NAMES = ("GOV.BR", "Inmetro", "Orquestra")

Value = str | int | bool | None
"""What one fact can be."""


@dataclass(frozen=True, slots=True)
class Difference:
    """
    A fact that would have to differ.

    Attributes:
        fact: its path, as rules write it, such as ``process.company.standing.days``.
        now: what it is; None where there is nothing.
        needed: what it would have to be.
    """

    fact: str
    now: Value
    needed: Value


@dataclass(frozen=True, slots=True)
class Change:
    """
    Something that can happen in life.

    Attributes:
        code: its stable name, such as ``delegation-granted``.
        codigo: the same for Orquestra's designers.
        by: who can bring it about.
        pt: what would have to happen, one Portuguese sentence.
        en: the same in English.
        differences: the facts that would differ by it and have to.
    """

    code: str
    codigo: str
    by: By
    pt: str
    en: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """
    Changes that together turn a denial into an allow, and of which none can be left out.

    Attributes:
        changes: in the order in which they can happen.
        step_up: whether the acting person can do all of it alone and now, by signing in.
    """

    changes: tuple[Change, ...]
    step_up: bool

    @property
    def pt(self) -> str:
        """The whole in one Portuguese sentence, for citizens."""
        # It is told as to a stranger, who has done nothing of it yet.
        missing = ", o que ainda faltar" if len(self.changes) > 1 else ""
        changes = "; ".join(_inner(one.pt) for one in self.changes)
        return f"Para obter a permissão{missing}: {changes}."

    @property
    def en(self) -> str:
        """The same in English."""
        missing = ", whatever is still missing" if len(self.changes) > 1 else ""
        changes = "; ".join(_inner(one.en) for one in self.changes)
        return f"To be allowed{missing}: {changes}."


def _inner(sentence: str) -> str:
    """Give a sentence as it stands inside another one."""
    begun = sentence if sentence.startswith(_NAMES) else sentence[0].lower() + sentence[1:]
    return begun.removesuffix(".")
