"""The rules that the benchmark writes for Cedar and casbin say what ours say."""

from __future__ import annotations

import pytest

from tests.bench import deciding


@pytest.mark.uncovered
@pytest.mark.parametrize("size", [None, 10, 100], ids=["shipped", "10 rules", "100 rules"])
def test_everybody_decides_alike(size: int | None) -> None:
    """What the benchmark compares answers every question alike: ours, oso, Cedar and casbin."""
    policy = deciding.shipped_policy() if size is None else deciding.generated_policy(size)

    assert [] == list(deciding.disagreements(policy))
