"""What sign-ins need of GOV.BR, as protocols: who verifies its tokens, who asks for companies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Standing
from authz_service.domain.sign_in import Companies, Token, Verified


class TokenVerifier(Protocol):
    """Tells what GOV.BR's tokens prove."""

    def verify(self, access_token: Token, id_token: Token | None = None) -> Verified:
        """
        Check signature and claims of both tokens, and that they are of one sign-in.

        An id_token that has expired on its way is left out with a note.

        Raises:
            TokenRefused: a check failed.
            SignInUnavailable: the keys cannot be had now.
        """


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What GOV.BR's companies API answered about one person.

    Attributes:
        outcome: how far it answered.
        moment: when it was asked; what it said is as old as that.
        standing: what the person is, in each company whose role it told.
        unanswered: companies that it listed and whose role it did not tell.
    """

    outcome: Companies
    moment: datetime
    standing: tuple[Standing, ...] = ()
    unanswered: frozenset[Cnpj] = frozenset()

    @property
    def replaces(self) -> bool:
        """Whether it is an answer, which replaces what was known before."""
        return self.outcome in (Companies.OBSERVED, Companies.PARTIAL)


class CompaniesSource(Protocol):
    """Asks GOV.BR what a person is in which company."""

    def observe(
        self,
        person: Cpf,
        token: Token,
        first: Cnpj | None,
        moment: datetime,
        last_seen: Mapping[Cnpj, datetime],
    ) -> Seen:
        """
        Ask with the person's own access token.

        Takes a bounded time, whatever GOV.BR does; an answer that cannot be had is an outcome.
        *first* is asked about before the other companies, then those that stand not in
        *last_seen*, then those that were seen longest ago, so that nobody has so many that
        the same ones are never asked about.

        Raises:
            SignInUnavailable: as many wait for GOV.BR as may; try again.
        """
