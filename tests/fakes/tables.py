"""What the store in memory keeps, shared by its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authz_service.domain.clients import Client
from authz_service.domain.companies import ForeignCompany
from authz_service.domain.decision import Subject
from authz_service.domain.delegation import Delegation
from authz_service.domain.errors import StoreUnavailable
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login, ProcessId
from authz_service.domain.people import Bond, Evidence, Person, Standing
from authz_service.domain.processes import ProcessDefinition, ProcessVersion
from authz_service.domain.sign_in import SignIn
from authz_service.usecases.ports import Told


@dataclass
class Tables:
    """
    Everything kept, by key.

    Attributes:
        broken: whether every call is refused.
        revision: how many writes there were.
        observed: when GOV.BR last answered about a person.
        past: standings that were superseded, and when; no decision sees them.
        sign_ins: by the token's digest, in the order in which they were made.
        spent: when the tokens end whose sign-ins were erased, by digest.
        foreign: the foreign companies as they are now.
        named: who represented which of them, since when and until when, in order of naming.
    """

    broken: bool = False
    revision: int = 0
    people: dict[Cpf, Person] = field(default_factory=dict)
    observed: dict[Cpf, datetime] = field(default_factory=dict)
    surrogates: dict[Subject, str] = field(default_factory=dict)
    standings: dict[tuple[Cnpj, Cpf, Evidence], Standing] = field(default_factory=dict)
    past: tuple[tuple[Standing, datetime], ...] = ()
    sign_ins: dict[str, SignIn] = field(default_factory=dict)
    spent: dict[str, datetime] = field(default_factory=dict)
    bonds: dict[Cnpj, Bond] = field(default_factory=dict)
    processes: dict[ProcessId, ProcessDefinition] = field(default_factory=dict)
    versions: dict[ProcessId, tuple[ProcessVersion, ...]] = field(default_factory=dict)
    foreign: dict[ForeignId, ForeignCompany] = field(default_factory=dict)
    named: tuple[tuple[ForeignId, Login, datetime, datetime | None], ...] = ()
    delegations: dict[str, Delegation] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    def well(self) -> Tables:
        """Give the tables, or refuse if the test broke them."""
        if self.broken:
            raise StoreUnavailable("the database did not answer")
        return self

    def revise(self, told: Told, **changed: Mapping[Any, object] | tuple[object, ...]) -> int:
        """Put *changed* in the place of the tables of these names, if *told* lets it happen."""
        revision = self.revision + 1
        told(revision)
        for name, table in changed.items():
            setattr(self, name, table)
        self.revision = revision
        return revision
