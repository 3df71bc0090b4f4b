"""
The HTTP servers: waitress, in Python all through, and granian, whose network is Rust.

Both serve the same WSGI application under the same bounds and stop without dropping anybody.
"""

from importlib.util import find_spec

from authz_service.server.bounds import IDLE_SECONDS, MAX_CONNECTIONS
from authz_service.server.door import Door
from authz_service.server.waitress_door import THREADS, Server

__all__ = [
    "IDLE_SECONDS",
    "MAX_CONNECTIONS",
    "THREADS",
    "WAITING_FOR_COMPANIES",
    "WAITING_FOR_KEYS",
    "Door",
    "Server",
    "has_granian",
]

WAITING_FOR_COMPANIES = 3
"""How many threads may wait for GOV.BR's companies API; the others are there for decisions."""
WAITING_FOR_KEYS = 1
"""How many may wait for GOV.BR's keys, so that made-up keys keep nobody from signing in."""


def has_granian() -> bool:
    """Tell whether granian is installed; it is an extra."""
    return find_spec("granian") is not None
