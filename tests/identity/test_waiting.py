"""The room for those who wait for GOV.BR."""

from __future__ import annotations

import pytest

from authz_service.domain.errors import SignInUnavailable
from authz_service.identity.waiting import Waiting


def test_nobody_waits_beyond_the_places() -> None:
    """With all places taken the next one is sent away at once, so that a thread stays free."""
    waiting = Waiting(2)
    with waiting.place(), waiting.place():
        with pytest.raises(SignInUnavailable, match="too many sign-ins wait"), waiting.place():
            pass
        # Being sent away takes and frees nothing.
        with pytest.raises(SignInUnavailable), waiting.place():
            pass


def test_a_place_is_free_again_whatever_happened_on_it() -> None:
    """A failure while waiting does not take a place for good."""
    waiting = Waiting(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), waiting.place():
            raise ZeroDivisionError
    with waiting.place():
        pass
