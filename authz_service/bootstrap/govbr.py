"""What talks to GOV.BR, put together."""

from __future__ import annotations

from dataclasses import dataclass

from authz_service.identity.companies import GovBrCompanies
from authz_service.identity.govbr import GovBrTokens
from authz_service.identity.jwks import KeyCache
from authz_service.identity.waiting import Waiting
from authz_service.metrics import Metrics
from authz_service.server import WAITING_FOR_COMPANIES, WAITING_FOR_KEYS
from authz_service.settings import GovBrSettings
from authz_service.usecases.ports import Ping


@dataclass(frozen=True, slots=True)
class GovBrParts:
    """
    What talks to GOV.BR.

    Attributes:
        keys: the keys that sign its tokens.
        tokens: verifies them.
        companies: its companies API, or None where no address of it is known.
    """

    keys: KeyCache
    tokens: GovBrTokens
    companies: GovBrCompanies | None

    def pings(self) -> tuple[Ping, ...]:
        """Give what is asked how it is; none is vital, since decisions need no GOV.BR."""
        companies = _not_configured if self.companies is None else self.companies.ailment
        return (
            Ping("GOV.BR keys", vital=False, ailment=self.keys.ailment),
            Ping("GOV.BR companies", vital=False, ailment=companies),
        )

    def close(self) -> None:
        """Ask nobody any more."""
        self.keys.close()
        if self.companies is not None:
            self.companies.close()


def _not_configured() -> str:
    return "not configured: AUTHZ_GOVBR_API_URL"


def talk_to(govbr: GovBrSettings, metrics: Metrics) -> GovBrParts:
    """Put together what talks to the GOV.BR of the settings; nothing is asked yet."""
    keys = KeyCache(
        govbr.jwks_url,
        Waiting(WAITING_FOR_KEYS),
        metrics.keys_refreshed,
        stale_seconds=govbr.keys_hours * 3600,
    )
    metrics.watch_keys(keys.age)
    companies = None
    if govbr.api_url is not None:
        places = Waiting(WAITING_FOR_COMPANIES)
        companies = GovBrCompanies(govbr.api_url, places, metrics.companies_called)
    return GovBrParts(keys, GovBrTokens(govbr.issuer, govbr.audience, keys), companies)
