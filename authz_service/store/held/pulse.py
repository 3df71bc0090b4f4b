"""Whether anything was committed: the question asked before every answer out of memory."""

from __future__ import annotations

from typing import Protocol

Beat = tuple[int, int]
"""
A state of the pulse: how often it was taken up, and how many changes it has felt.

A later beat is never smaller. Where the first number grew, it is a new pulse, perhaps of another
database: what was held before tells nothing of it.
"""

NO_BEAT: Beat = (0, 0)
"""Before anything was asked."""


class Pulse(Protocol):
    """The pulse of one database, felt in one process by all its threads."""

    def beat(self, *, strict: bool = False) -> Beat:
        """
        Give a beat that is another one if anything was committed since the last.

        Everything is felt whose commit had returned before this call, whoever made it. A pulse
        that is allowed to lag feels it within its bound; *strict* asks even so.

        Raises:
            sqlite3.Error, psycopg.Error, OSError: the database did not answer.
        """

    def close(self) -> None:
        """Let go of the connection; a later call takes the pulse up anew."""
