"""Instants have a zone; days are civil days of Brasília."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from authz_service.domain.errors import InvalidInput

BRASILIA = ZoneInfo("America/Sao_Paulo")
"""The legal time of Brasília (hora legal de Brasília), with its past summer times."""


CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of two machines of one deployment may be apart."""


def civil_day(moment: datetime) -> date:
    """Give the civil day of Brasília that *moment* falls on."""
    require_aware(moment, "moment")
    return moment.astimezone(BRASILIA).date()


def require_aware(moment: datetime, field: str) -> None:
    """
    Refuse an instant without a zone, which would mean another instant on another machine.

    Raises:
        InvalidInput: *moment* has no zone; names *field*.
    """
    if moment.tzinfo is None:
        raise InvalidInput(field, "must have a time zone")
