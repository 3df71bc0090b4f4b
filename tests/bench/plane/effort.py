"""How much is measured: all of it for the documents, or little of it to see the bench work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """
    How much is measured.

    Attributes:
        rounds: how often everybody has a turn.
        seconds: of one run of load.
        connections: how many at once, closed loop.
        singles: how many different single questions are asked in turn.
        batches: how many different batches of each kind are asked in turn.
        rates: requests in a second, open loop.
        companies: of the stores of which scale is measured, ten delegations each.
        held: with how many questions at most scale is measured where many are held.
    """

    rounds: int
    seconds: float
    connections: tuple[int, ...]
    singles: int
    batches: int
    rates: tuple[int, ...]
    companies: tuple[int, ...]
    held: int


FULL = Effort(
    rounds=3,
    seconds=2,
    connections=(1, 8, 32),
    singles=4_000,
    batches=200,
    rates=(1_000, 2_000, 4_000, 8_000, 12_000),
    companies=(100, 10_000, 100_000),
    held=50_000,
)
SHORT = Effort(
    rounds=1,
    seconds=1,
    connections=(1, 8),
    singles=400,
    batches=20,
    rates=(500, 2_000),
    companies=(100, 1_000),
    held=400,
)
BASE = 2_000
"""How many companies the store has that everything but scale is measured with."""
