"""Edits of the shipped policies as they happen: each is caught without a human reading anything."""

from __future__ import annotations

from functools import cache

import pytest

from authz_service.policy.bundle import collect, collect_suites
from authz_service.policy.judging.stages import judge
from tests.policy.edits import (
    EDITS,
    EXPLORING,
    READING,
    TESTS,
    Edit,
    caught,
    done,
    on_page,
    table,
)

once = cache(caught)
"""What catches an edit; the table asks it again."""


@pytest.mark.uncovered
@pytest.mark.soak
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_is_caught(edit: Edit, request: pytest.FixtureRequest) -> None:
    """What goes wrong in an editor is refused by what its entry says, and told with its place."""
    found = once(edit, wholly=request.config.getoption("--soak"))

    assert edit.caught == found.by
    assert found.says


@pytest.mark.uncovered
@pytest.mark.parametrize(
    "edit", [one for one in EDITS if one.caught == READING], ids=lambda edit: edit.name
)
def test_what_reading_tells_never_comes_into_force(edit: Edit) -> None:
    """An unused reason or a stray file alone forbids nothing, so there something else has to."""
    with done(edit) as folder:
        verdict = judge(collect(folder), collect_suites(folder), lambda _said: None)

    assert verdict.problems


def test_there_are_many() -> None:
    """The edits are many, of different names, and each of the three ways has to catch some."""
    assert len(EDITS) == len({edit.name for edit in EDITS})
    assert len(EDITS) >= 60
    assert {READING, EXPLORING, TESTS} == {edit.caught for edit in EDITS}


@pytest.mark.uncovered
def test_the_page_tells_what_happens(request: pytest.FixtureRequest) -> None:
    """The table in `docs/policy-edits.md` says of each edit what caught it, and where."""
    wholly = request.config.getoption("--soak")

    assert table((edit, once(edit, wholly=wholly)) for edit in EDITS) == on_page()
