"""What is around every answer, whoever gives it: its request id, caches, and who hears of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from authz_service.domain.identifiers import without_cpf
from authz_service.usecases.names import new_name
from authz_service.web.body import Environ

REQUEST_ID = "X-Request-ID"
"""The header of the id that a caller gave a request, or else the service."""
NOT_KEPT = ("Cache-Control", "no-store")
"""The header of whatever does not say that it may be kept."""

_LONGEST_ID = 128
# Cleaning takes out at most three characters of four, so this is enough for the longest.
_LOOKED_AT = 8 * _LONGEST_ID

# As most are: ``without_cpf`` leaves them as they are, since their digits are nobody's.
_RANDOM = re.compile(r"[0-9a-f]{32,128}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Audience:
    """
    Who hears of answers.

    Attributes:
        answered: hears of every one: the route's template, the status, seconds.
        told: hears, with the id of the request, of those that are not in the decision log.
    """

    answered: Callable[[str, int, float], None]
    told: Callable[[str, int, float, str], None]

    def hear(
        self, route: str, status: int, seconds: float, request_id: str, *, logged: bool
    ) -> None:
        """Tell of an answer; *logged* says whether the decision log has it. Never raises."""
        try:
            self.answered(route, status, seconds)
            if not logged:
                self.told(route, status, seconds, request_id)
        except Exception as error:  # noqa: BLE001 -- counting must not cost an answer
            _log.error("%s while counting an answer", type(error).__name__)


def request_id_of(environ: Environ) -> str:
    """Give the id of a request: what the caller sent, or one of our own."""
    sent: str = environ.get("HTTP_X_REQUEST_ID", "")
    # A server that let a line break through would let a caller write headers of the answer.
    return new_name() if not sent or "\n" in sent or "\r" in sent else sent


def for_the_log(request_id: str) -> str:
    """Give the id of a request as the decision log may keep it: short, and without CPFs."""
    if _RANDOM.fullmatch(request_id):
        return request_id
    # Cut once more afterwards: half a CPF would pass.
    return without_cpf(request_id[:_LOOKED_AT])[:_LONGEST_ID]
