"""One operation that answers without Flask: what it is called, who may call it, what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from authz_service.domain.errors import InvalidInput
from authz_service.web.body import Environ, read_json
from authz_service.web.guards import Access, Admitted, Gate, access_of
from authz_service.web.lean.reply import JSON, Reply

AT_LEAST = "Store-Revision-At-Least"
"""The header of a request that demands a revision of the store."""
REVISION = "Store-Revision"
"""The header of an answer with the revision of the store that it saw or made."""

DEMANDS = {
    AT_LEAST: f"A revision that an earlier answer gave as `{REVISION}`: the decision is made on "
    "that state of the store or a later one. Until the store has come to it, this is a 503."
}
"""The header, for ``@describes``."""
TELLS = {REVISION: "The revision of the store on which was decided; it grows with every write."}
"""The header, for ``@describes``."""

_DIGITS = 16


class Call:
    """
    A request that has got past the gate.

    Raises:
        InvalidInput: it demands a revision that can be none.
        StoreBehind: the store has not come to the revision that it demands.

    Attributes:
        caller: who calls.
        revision: what the store was at when it called.
        request_id: the id of the request, as the decision log may keep it.
    """

    __slots__ = ("_environ", "_gate", "caller", "request_id", "revision")

    def __init__(self, environ: Environ, gate: Gate, admitted: Admitted, request_id: str) -> None:
        self._environ = environ
        self._gate = gate
        self.caller, self.revision = admitted
        self.request_id = request_id
        if "HTTP_STORE_REVISION_AT_LEAST" in environ:
            demanded = _revision(environ["HTTP_STORE_REVISION_AT_LEAST"])
            self.revision = gate.truth.look(demanded)

    def body(self) -> bytes:
        """
        Give the bytes that were sent as JSON.

        Raises:
            InvalidInput: another media type, or fewer bytes than were announced.
            RequestEntityTooLarge: more than the service takes.
        """
        return read_json(self._environ, self._gate.max_body)

    def count(self, evaluations: int) -> None:
        """
        Count the request as one for each of its *evaluations*.

        Raises:
            TooManyRequests: the client may not ask so many now.
        """
        self._gate.limits.take_batch(self.caller.name, evaluations)


@dataclass(frozen=True, slots=True)
class Operation:
    """
    What answers a POST, in whichever layer it comes.

    Attributes:
        path: where it is called.
        answer: gives the reply; declared with ``@needs`` and ``@describes``, as a view is.
    """

    path: str
    answer: Callable[[Call], Reply]

    @property
    def access(self) -> Access:
        """Who may call it. Raises ``TypeError`` where that is not declared."""
        return access_of(self.answer)


def decided(body: bytes, revision: int, *headers: tuple[str, str]) -> Reply:
    """Give the reply that shows a decision made on *revision*."""
    return 200, JSON, (*headers, (REVISION, str(revision))), body


def _revision(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return int(text)
    raise InvalidInput(AT_LEAST, f"must be a whole number of at most {_DIGITS} digits")
