"""A service on a file, for what may fail beneath it: one for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.operation.failing.scene import Scene, local
from tests.operation.failing.servers import BOTH, chosen, long_form
from tests.operation.signing_in import eventually


@pytest.fixture(name="scene", scope="module", params=BOTH)
def _scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Give a service on a file; all tests of a module share it."""
    if request.param == "granian":
        long_form(request.config)
    settings = chosen(request.param)
    with local(tmp_path_factory.mktemp("scene"), **settings) as scene:
        yield scene


@pytest.fixture(name="well")
def _well(scene: Scene) -> Iterator[None]:
    """See that all is well before a test, warm, and again after it."""
    assert scene.well()
    yield
    scene.back_to_the_beginning()
    assert eventually(scene.well)
    assert [] == scene.unforeseen()
