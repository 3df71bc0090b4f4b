"""What a database or a log raises in the midst of a transaction, turned into what callers hear."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from authz_service.domain.errors import Conflict, InvalidInput, StoreUnavailable
from authz_service.store.backend import Backend
from authz_service.usecases.ports import Told


class _NotTold(Exception):
    """Carries what a ``Told`` raised past ``translated``, which would take it for ours."""

    def __init__(self, raised: Exception) -> None:
        super().__init__()
        self.raised = raised


def tell(told: Told, revision: int) -> None:
    """Tell of *revision*; what *told* raises comes out of the transaction unchanged."""
    try:
        told(revision)
    except Exception as error:  # noqa: BLE001 - whatever it is, `write` raises it again
        raise _NotTold(error) from None


@contextmanager
def telling() -> Iterator[None]:
    """Let out what a ``Told`` raised, as it was."""
    try:
        yield
    except _NotTold as failure:
        raise failure.raised from failure.raised.__cause__


@contextmanager
def translated(backend: Backend) -> Iterator[None]:
    """Turn SQLAlchemy's errors into ours, without a cause that could bring data into a log."""
    try:
        yield
    except IntegrityError:
        raise Conflict("what is to be written contradicts what is stored") from None
    except SQLAlchemyError as error:
        raise unavailable(error, backend) from None
    except UnicodeEncodeError:
        # Half a surrogate pair, which no door lets in.
        raise StoreUnavailable("the database cannot keep such a text") from None
    except (InvalidInput, LookupError, ValueError, OverflowError):
        # Not the caller's fault: no value of a stored row was read from the request.
        raise StoreUnavailable("the database holds a row that cannot be read") from None


def cause(error: Exception, backend: Backend) -> str:
    """Name the kind of error; only a name, because a message may quote what was stored."""
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    original = error.orig if isinstance(error, DBAPIError) else None
    named = original or error
    return backend.cause(named) or type(named).__name__


def unavailable(error: Exception, backend: Backend) -> StoreUnavailable:
    """Give our error for one of the database's, by name alone."""
    return StoreUnavailable(f"the database did not answer: {cause(error, backend)}")
