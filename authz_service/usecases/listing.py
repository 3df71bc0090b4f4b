"""Which delegations are wanted, and a part of what was found. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from authz_service.domain.delegation import Delegation, DelegationState
from authz_service.domain.errors import Conflict
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.processes import ProcessName
from authz_service.usecases.stores import Page


@dataclass(frozen=True, slots=True)
class Search:
    """
    Which delegations are wanted, ended ones included.

    Attributes:
        company: of which establishment.
        member: only those of this member, or None for all of the company.
        process: only those of the process that this names, or None.
        state: only those that stand so now, or None.
    """

    company: Cnpj
    member: Cpf | None = None
    process: ProcessName | None = None
    state: DelegationState | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A part of a list of delegations.

    Attributes:
        page: the part.
        tag: the tag of all the member's delegations, or of the company's where no member is named.
    """

    page: Page[Delegation]
    tag: str


def part_of(
    found: Sequence[Delegation],
    process: ProcessId | None,
    state: DelegationState | None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Delegation]:
    """
    Give at most *limit* of those of a process and a state that follow the one called *after*.

    Raises:
        Conflict: it is not among *found* any more.
    """
    rest = [
        one
        for one in found[_begin(found, after) :]
        if process in (None, one.process) and state in (None, one.state(now))
    ]
    return Page.of(rest, limit, lambda one: one.id)


def _begin(found: Sequence[Delegation], after: str | None) -> int:
    if after is None:
        return 0
    # Looked for among all: it may have changed its state since.
    for position, one in enumerate(found):
        if one.id == after:
            return position + 1
    raise Conflict("the list has changed meanwhile, begin it anew")
