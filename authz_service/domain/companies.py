"""
Foreign companies without legal representation in Brazil (Estrangeiro).

From Inmetro's "Cadastro Único", Passo 2: such a client fills in a form of its own, whose
contents the team in charge validates. It has no CNPJ, and its representative no CPF and no
account at GOV.BR: Inmetro's team says who it is, by a login of Orquestra. A foreign company
*with* representation has both and is a national one here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import ForeignId, Login, without_cpf
from authz_service.domain.time import require_aware

_COUNTRY = re.compile(r"[A-Z]{2}")
_LONGEST_NAME = 200
MOST_REPRESENTATIVES = 20
"""How many logins may represent one foreign company."""


class Origin(StrEnum):
    """Where a company stands to Brazilian law."""

    NATIONAL = "national"
    """Has a CNPJ, foreign companies with legal representation included."""
    FOREIGN = "foreign"
    """Has none: a number of this service names it."""


class Validation(StrEnum):
    """What Inmetro's team says of a foreign company's registration."""

    PENDING = "pending"
    """Registered, not looked at yet."""
    VALIDATED = "validated"
    """Looked at and found right."""
    WITHDRAWN = "withdrawn"
    """Was validated or pending, and counts no more."""


@dataclass(frozen=True, slots=True)
class ForeignCompany:
    """
    A foreign company as Inmetro's team registered it.

    Attributes:
        id: its number here.
        name: what it is called, up to 200 characters.
        country: where it is, ISO 3166-1 alpha-2, such as ``DE``; never ``BR``.
        representatives: the logins of Orquestra that act for it, without repetition.
        registered_at: when it was registered first.
        validation: what the team says of it.
        validated_at: when it was validated, None unless it is.
    """

    id: ForeignId
    name: str
    country: str
    representatives: tuple[Login, ...]
    registered_at: datetime
    validation: Validation = Validation.PENDING
    validated_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > _LONGEST_NAME or not self.name.isprintable():
            raise InvalidInput("name", f"must be 1 to {_LONGEST_NAME} visible characters")
        if without_cpf(self.name) != self.name:
            raise InvalidInput("name", "must not hold a CPF")
        if _COUNTRY.fullmatch(self.country) is None or self.country == "BR":
            raise InvalidInput("country", "must be two letters of ISO 3166-1, such as DE, not BR")
        if len(self.representatives) > MOST_REPRESENTATIVES:
            raise InvalidInput("representatives", f"must be at most {MOST_REPRESENTATIVES}")
        if len(set(self.representatives)) != len(self.representatives):
            raise InvalidInput("representatives", "must not name anybody twice")
        require_aware(self.registered_at, "registered_at")
        if self.validated_at is not None:
            require_aware(self.validated_at, "validated_at")
        if (self.validated_at is not None) is not (self.validation is Validation.VALIDATED):
            raise InvalidInput("validated_at", "is known of a validated company, and of no other")
