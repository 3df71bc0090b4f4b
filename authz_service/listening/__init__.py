"""
The sockets that a service listens on: opened once, handed on, and closed to new callers.

Whoever has connected and finds nobody who takes him in is answered by the turnstile.
"""

from authz_service.listening.sockets import (
    BACKLOG,
    UNREAD_SECONDS,
    listen,
    port_of,
    turn_away,
    waiting,
)
from authz_service.listening.turnstile import Turnstile

__all__ = ["BACKLOG", "UNREAD_SECONDS", "Turnstile", "listen", "port_of", "turn_away", "waiting"]
