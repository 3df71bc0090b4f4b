"""What the tests of use cases start from."""

from __future__ import annotations

import pytest

from tests.usecases.house import House


@pytest.fixture
def house() -> House:
    """Give a house of its own to each test."""
    return House()
