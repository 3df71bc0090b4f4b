"""What the tests of the web room start from."""

from __future__ import annotations

import pytest

from tests.fakes.service import Service


@pytest.fixture
def service() -> Service:
    """A service that allows whatever is asked."""
    return Service()
