"""Entities of others in a dict, in the place of the file ``AUTHZ_ENTITIES``."""

from __future__ import annotations

from collections.abc import Mapping

from authz_service.domain.entities import EntityName


class KnownEntities:
    """The port ``Entities``: what a test puts into ``stored``."""

    def __init__(self) -> None:
        self.stored: dict[EntityName, Mapping[str, object]] = {}

    @property
    def types(self) -> frozenset[str]:
        """The types of which something is known."""
        return frozenset(name.type for name in self.stored)

    def properties(self, name: EntityName) -> Mapping[str, object]:
        """Give what is stored of an entity, nothing of one that is not there."""
        return self.stored.get(name, {})
