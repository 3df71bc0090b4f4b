"""
The one way out to the network: GET, with a deadline that nothing outlasts.

A time-out of a socket counts from byte to byte, so a server that drips one byte a second
holds its caller for ever. Here the connection is shut down when the time is over, wherever
it stands. No redirect is followed, no proxy and no environment is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Outcome(StrEnum):
    """How a fetch ended; metrics count by it."""

    OK = "ok"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    """No connection, no valid certificate, or it broke off."""
    STATUS = "status"
    """Another status than 200 and 204."""
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    """It came, and is not what was asked for."""


class FetchFailed(Exception):
    """
    A fetch that brought nothing; its text holds neither address nor token.

    Attributes:
        outcome: how it ended.
    """

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def fetch(
    url: str, *, seconds: float, longest: int, headers: Mapping[str, str] | None = None
) -> bytes:
    """
    Give the body at *url*, empty for a 204.

    Args:
        url: ``https``, or ``http`` to a simulator on the same machine.
        seconds: after which the whole fetch is over, name look-up included.
        longest: bytes of the longest body that is taken.
        headers: beside those of every request.

    Raises:
        FetchFailed: with its outcome.
    """
    raise NotImplementedError
