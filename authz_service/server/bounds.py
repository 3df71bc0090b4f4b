"""What every server holds callers to, whichever library speaks HTTP."""

from __future__ import annotations

MAX_BODY = 1024 * 1024
"""The longest body that an application may want, in bytes."""
MAX_HEADER = 16 * 1024
"""Bytes of all headers together."""
MAX_CONNECTIONS = 192
"""
Connections at once in one process; the others wait outside, where the turnstile is.

So many requests at most wait for each other: half a second where each takes more than two
milliseconds, as a batch of a hundred does. And so many silent connections lock out all others,
until ``IDLE_SECONDS`` are over.
"""
IDLE_SECONDS = 15
"""
How long a connection may be silent.

With granian, one whose request never comes to its end has up to twice as long, whatever it sends.
"""
DRAIN_SECONDS = 30.0
"""How long a stop waits for requests that are being answered."""
TAKING_IN_SECONDS = 1.0
"""How long a stop goes on taking in those who have already connected."""
HANDSHAKE_SECONDS = 0.2
"""How long a stop waits for those who are half way through connecting."""
COMING_SECONDS = 3.0
"""How long a stop waits for the rest of a request that has begun to come."""
QUIET_SECONDS = 1.0
"""How long a connection has to have been silent for a stop to close it."""


def longest(max_body: int) -> int:
    """
    Give how many bytes of a body a server takes in for an application that takes *max_body*.

    More, so that the application itself says what is too long; in chunks, a body takes more bytes
    than it has.
    """
    return 2 * max_body + 1
