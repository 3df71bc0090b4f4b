"""
Entities of types that this domain does not own, so that other services can ask about theirs.

What is known of them stands in the file ``AUTHZ_ENTITIES``. For them alone, what a request
says of an entity counts before what is stored (AuthZEN's certification fixture wants it):
for persons, logins, companies and processes a request only names, and the store knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from authz_service.domain.errors import InvalidInput

OWN_TYPES = frozenset({"person", "login", "company", "process"})
"""The types that the domain owns; no file describes entities of these."""

LONGEST_ID = 512
"""How many characters an entity's id may have."""

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, order=True)
class EntityName:
    """
    What an entity is called.

    Attributes:
        type: letters, digits, dots, hyphens and underscores, 1 to 64, a letter first.
        id: unique within the type, compared byte for byte; it may be a person's.
    """

    type: str
    id: str = field(repr=False)

    def __post_init__(self) -> None:
        if _TYPE.fullmatch(self.type) is None:
            message = "must be a letter and up to 63 letters, digits, dots, hyphens, underscores"
            raise InvalidInput("type", message)
        if self.type in OWN_TYPES:
            raise InvalidInput("type", f"`{self.type}` is a type of this service's own")
        if not self.id or len(self.id) > LONGEST_ID:
            raise InvalidInput("id", f"must have 1 to {LONGEST_ID} characters")


@dataclass(frozen=True, slots=True)
class Thing:
    """
    An entity as a question is about it.

    Attributes:
        name: what it is called.
        properties: what is known of it; see ``described``.
    """

    name: EntityName
    properties: Mapping[str, object] = field(default_factory=dict, repr=False)

    def described(self, stored: Mapping[str, object]) -> Thing:
        """Give the same with what is stored of it, each property of the question first."""
        return Thing(self.name, {**stored, **self.properties})
