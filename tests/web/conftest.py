"""What the tests of the web room start from."""

from __future__ import annotations

import pytest

from tests.fakes.service import Service


@pytest.fixture(params=[True, False], ids=["lean", "flask"])
def layer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have decisions answered in front of Flask, and again by its views."""
    monkeypatch.setattr(Service, "lean", request.param)


@pytest.fixture
def service() -> Service:
    """A service that allows whatever is asked."""
    return Service()
