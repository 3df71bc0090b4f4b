"""A service that decides and decides needs no more memory for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.plane import arrivals, mixes, seeding
from tests.bench.plane.mixes import Mix
from tests.bench.plane.seeding import Seed
from tests.bench.plane.servers import Contestant, answering, contestants
from tests.operation.failing.servers import long_form

COMPANIES = 200
SLICES = 20
"""So often memory is looked at."""
SETTLED = 28_000
"""After so many decisions everything is held that is going to be, by granian's network as well."""
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
    What is resident stays, over a million decisions and more.

    In the long form alone: what is resident moves for the length of a short one. Single questions
    and batches, all answers checked. The first of them fill what is held in memory, which ends:
    were 14 bytes of each decision kept, the rest would show it.
    """
    long_form(request.config)
    url = f"sqlite:///{tmp_path}/authz.db"
    seed = Seed(url, COMPANIES, seeding.fill(url, COMPANIES, tmp_path))
    [singles, *batches] = mixes.mixes(COMPANIES, 200, 18)
    turn = [asked(one, 30) for one in (singles, *batches)]

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

    decisions = sum(len(one.requests) * one.decisions for one in turn)
    settled = max(SLICES // 4, -(-SETTLED // decisions))
    assert 1_000_000 <= SLICES * decisions
    assert max(resident[settled:]) <= resident[settled - 1] + ROOM, resident
