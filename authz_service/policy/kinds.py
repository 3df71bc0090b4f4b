"""
The kinds of fact that a rule may read, and what an entity is made of.

Facts are *closed* (yes or no, or one of a few words), *opaque* (compared, never taken apart),
lead to another entity, or are a bag of what a caller says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from authz_service.domain.decision import Bag

PERMIT, FORBID = "permit", "forbid"
"""The names of rules that decide; any other rule is a helper."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A closed fact: ``true`` or ``false``."""

    meaning: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A closed fact: one of a few words."""

    meaning: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Opaque:
    """
    A text or number that can be compared; nil where there is none.

    Attributes:
        meaning: what it is.
        form: what a text in a rule has to look like to be ever equal to it, or None if it
            is a whole number.
        example: one that does.
        personal: whether it names a person: evidence hides even what a rule compares it with.
    """

    meaning: str
    form: str | None
    example: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Another entity; nil only where that is said."""

    meaning: str
    entity: type
    may_be_nil: bool = False


@dataclass(frozen=True, slots=True)
class Members:
    """
    A bag of members that the CALLER may assert, under names of its own choice.

    An absent member is nil. A rule that trusts one trusts the caller.
    """

    meaning: str


Fact = Flag | Choice | Opaque | Link | Members


@dataclass(frozen=True, slots=True)
class Asserted:
    """
    A bag on its way into Polar.

    Attributes:
        members: what the caller sent.
    """

    members: Bag


@dataclass(frozen=True, slots=True)
class Entity:
    """
    One kind of thing that rules speak of.

    Attributes:
        name: its name in policies.
        type: the class of the facts behind it.
        meaning: what it is.
        facts: what may be read from it.
    """

    name: str
    type: type
    meaning: str
    facts: Mapping[str, Fact]

    @property
    def in_polar(self) -> str:
        """
        Its name in oso: as long as that in policies, so that columns stay.

        oso keeps ``Resource`` for itself; no policy can write the name that stands for it.
        """
        return self.name.upper() if self.name == "Resource" else self.name
