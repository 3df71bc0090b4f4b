"""A service that decides and decides needs no more memory for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.plane import arrivals, mixes, seeding
from tests.bench.plane.mixes import Mix
from tests.bench.plane.seeding import Seed
from tests.bench.plane.servers import Contestant, answering, contestants

COMPANIES = 200
SLICES = 20
"""So often memory is looked at."""
SETTLED = 5
"""After so many slices everything is held that is going to be."""
ROOM = 12_000_000
"""Bytes that an allocator may take once more without anything being kept."""
CONNECTIONS = 8


def served() -> list[Contestant]:
    """Give the service on each of its servers, one process on SQLite."""
    return [one for one in contestants() if one.name.endswith("× 1, SQLite")]


def asked(mix: Mix, times: int) -> Mix:
    """Give a mix with the same requests so many times over."""
    return Mix(mix.name, mix.path, [*mix.requests] * times)


@pytest.mark.soak
@pytest.mark.parametrize("server", served(), ids=lambda one: one.settings["AUTHZ_SERVER"])
def test_memory_is_flat(server: Contestant, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """
    What is resident stays, over a million decisions and more in the long form.

    In the short form 40,000. Single questions and batches, all answers checked; the first
    quarter fills what is held in memory.
    """
    long = request.config.getoption("--soak")
    url = f"sqlite:///{tmp_path}/authz.db"
    seed = Seed(url, COMPANIES, seeding.fill(url, COMPANIES, tmp_path))
    [singles, *batches] = mixes.mixes(COMPANIES, 200, 18)
    turn = [asked(one, 30 if long else 1) for one in (singles, *batches)]

    def requests(mix: Mix, port: int) -> list[bytes]:
        return [mixes.http(mix.path, port, seed.key, body) for body in mixes.bodies_for_us(mix)]

    resident = []
    with answering(server, seed, lambda port: requests(singles, port)[0]) as running:
        assert running.has_loaded(server.library)
        for _ in range(SLICES):
            for mix in turn:
                sent = requests(mix, running.port)
                arrivals.once(running.port, sent, mix.granted, CONNECTIONS)
            resident.append(sum(running.memory()))

    decisions = SLICES * sum(len(one.requests) * one.decisions for one in turn)
    assert (1_000_000 if long else 40_000) <= decisions
    assert max(resident[SETTLED:]) <= resident[SETTLED - 1] + ROOM, resident
