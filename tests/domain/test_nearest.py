"""Who can bring a change about has a name in both languages."""

from __future__ import annotations

from authz_service.domain.nearest import By


def test_everybody_who_can_help_has_a_portuguese_name() -> None:
    """Orquestra's designers compare it, so each is one word and no two are the same."""
    names = [one.por for one in By]

    assert len(By) == len(set(names))
    assert all(name.islower() and " " not in name for name in names)
