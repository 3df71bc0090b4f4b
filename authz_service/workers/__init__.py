"""
Several worker processes behind one socket, and the supervisor that keeps them running.

The supervisor opens the socket and serves nobody; it refuses those whom no worker takes in. Each
worker is a program of its own, started anew and not forked, with its own policy, keys and
connections; it inherits the socket, and a line to the supervisor: a byte on it says that the worker
serves, and its end that the other side is gone. So a worker that dies is replaced, and workers
without a supervisor stop.
"""

from authz_service.workers.place import Place
from authz_service.workers.supervisor import supervise

__all__ = ["Place", "supervise"]
