"""Persons, companies, and what a person is in a company."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.time import CLOCKS_APART, civil_day, require_aware


class Role(StrEnum):
    """What a person is in a company (atuação), in the words of GOV.BR's companies API."""

    SOCIO = "socio"
    """A partner (sócio)."""
    REPRESENTANTE_LEGAL = "representante_legal"
    """The legal representative."""
    CONTADOR = "contador"
    """The accountant: holds a certificate, does not represent."""
    NAO_ATUANTE = "nao_atuante"
    """Holds a company certificate but has no role at Receita Federal."""
    COLABORADOR = "colaborador"
    """Linked at GOV.BR by a representative; Orquestra does not recognise it."""
    OUTRO = "outro"
    """A role that GOV.BR told and this service does not know: it grants nothing."""

    @property
    def represents(self) -> bool:
        """Whether Orquestra recognises the role (Inmetro's FAQ: the first two only)."""
        return self in (Role.SOCIO, Role.REPRESENTANTE_LEGAL)


class Evidence(StrEnum):
    """How the service came to know a fact."""

    GOVBR = "govbr"
    """Verified: from a signed token or from GOV.BR's own API."""
    ASSERTED = "asserted"
    """Said by a caller that has the scope for it: migration, tests, demonstrations."""
    INMETRO = "inmetro"
    """Kept by Inmetro's own team: who represents a foreign company (Estrangeiro)."""


@dataclass(frozen=True, slots=True)
class Person:
    """
    A natural person known to the service.

    Attributes:
        cpf: whom.
        registered_at: when the person signed up through GOV.BR, None if only spoken of.
        confirmed_at: when Orquestra confirmed the registration, None if it did not yet.
    """

    cpf: Cpf
    registered_at: datetime | None = None
    confirmed_at: datetime | None = None

    def __post_init__(self) -> None:
        for moment, field in (
            (self.registered_at, "registered_at"),
            (self.confirmed_at, "confirmed_at"),
        ):
            if moment is not None:
                require_aware(moment, field)
        if self.confirmed_at is not None and self.registered_at is None:
            raise InvalidInput("confirmed", "needs a person who has registered")


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What a person is in a company, as observed once.

    Attributes:
        company: the establishment it holds for, and no other.
        person: whose standing it is.
        role: what the person is there.
        evidence: how the service knows.
        observed_at: when it was seen or said, with a zone.
        ends_at: the instant from which it counts no more (GOV.BR's ``dataExpiracao``), or None.
        cadastrador: whether the person holds the company's certificate at GOV.BR and may
            register collaborators there; None if that is unknown.
    """

    company: Cnpj
    person: Cpf
    role: Role
    evidence: Evidence
    observed_at: datetime
    ends_at: datetime | None = None
    cadastrador: bool | None = None

    def __post_init__(self) -> None:
        require_aware(self.observed_at, "observed_at")
        if self.ends_at is not None:
            require_aware(self.ends_at, "ends_at")

    def in_force(self, moment: datetime) -> bool:
        """
        Tell whether the standing counts at *moment*; at ``ends_at`` it is over.

        One that was seen later than *moment*, by a clock that was wrong, does not count either:
        it would stay fresh until then, however long that is.
        """
        if self.observed_at > moment + CLOCKS_APART:
            return False
        return self.ends_at is None or moment < self.ends_at

    def represents(self, moment: datetime) -> bool:
        """Tell whether the person may speak for the company at *moment*."""
        return self.in_force(moment) and self.role.represents

    def days(self, moment: datetime) -> int:
        """Give the whole days of 24 hours since it was observed, 0 on the first."""
        return max(0, (moment - self.observed_at).days)


def prevailing(standings: Iterable[Standing]) -> Standing | None:
    """
    Give the one standing that counts for a person in a company, or None.

    What GOV.BR says prevails over what a caller asserts, also when it says less:
    an asserted sócio whom GOV.BR knows as the accountant is the accountant.
    """
    ranked = sorted(standings, key=lambda one: (one.evidence is Evidence.GOVBR, one.observed_at))
    return ranked[-1] if ranked else None


@dataclass(frozen=True, slots=True)
class Bond:
    """
    Recorded proof that a filial belongs to a matriz (prova de vínculo).

    Inmetro's FAQ: where a filial has no e-CNPJ of its own, the matriz's representative
    may delegate users of the filial. Each filial stands for itself until this is recorded.

    Attributes:
        filial: the establishment that is spoken for.
        matriz: the establishment whose representatives may speak.
        proof: where the proof is kept, such as a process number; never empty.
        recorded_at: when it was recorded, with a zone.
        last_day: the last civil day of Brasília on which it counts, or None.
    """

    filial: Cnpj
    matriz: Cnpj
    proof: str
    recorded_at: datetime
    last_day: date | None = None

    def __post_init__(self) -> None:
        require_aware(self.recorded_at, "recorded_at")
        if self.filial == self.matriz:
            raise InvalidInput("matriz", "must be another establishment than the filial")
        if self.filial.root != self.matriz.root:
            raise InvalidInput("matriz", "must share the first eight characters of the filial")
        if not self.proof.strip():
            raise InvalidInput("proof", "must say where the proof of the bond is kept")

    def in_force(self, moment: datetime) -> bool:
        """Tell whether the bond counts at *moment*, its last day included."""
        return self.last_day is None or civil_day(moment) <= self.last_day
