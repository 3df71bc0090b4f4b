"""Names of decisions and requests: nobody else gives them, whoever asks at once, or was forked."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from authz_service.usecases import names
from authz_service.usecases.names import new_name, new_names

ROOT = Path(__file__).parents[2]
_MANY = 20_000


def test_a_name_is_32_hexadecimal_digits() -> None:
    """As the form of the records has it."""
    given = [new_name(), *new_names(3)]
    assert [True] * 4 == [re.fullmatch("[0-9a-f]{32}", one) is not None for one in given]


@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_so_many_names_as_were_asked_for(count: int) -> None:
    """None is given where none is wanted."""
    assert count == len(set(new_names(count)))


def test_names_of_one_moment_go_on() -> None:
    """One after the other in their order, by the end alone."""
    given = new_names(500)
    ends = [int(one[20:], 16) for one in given]
    assert {given[0][:20]} == {one[:20] for one in given}
    assert [(ends[0] + number) % 2**48 for number in range(500)] == ends


@pytest.mark.parametrize("chance", ["0" * 32, "f" * 32, "7" + "f" * 31])
def test_a_name_has_all_its_digits_wherever_chance_begins(chance: str) -> None:
    """So many and no more, and those of one moment go on from one to the next."""
    names._ready.append(chance)
    given = new_names(3)
    assert [32, 32, 32] == [len(one) for one in given]
    first = int(given[0], 16)
    assert [first, first + 1, first + 2] == [int(one, 16) for one in given]


def test_no_two_are_alike() -> None:
    """Nor do two end alike: the end is what a short listing shows."""
    given = [new_name() for _ in range(_MANY)]
    assert _MANY == len(set(given)) == len({one[-12:] for one in given})


def test_many_threads_never_get_the_same() -> None:
    """Also when one is interrupted between any two steps, and asks for more chance meanwhile."""
    found: list[list[str]] = [[] for _ in range(4)]
    begin = threading.Barrier(len(found))

    def ask(mine: list[str]) -> None:
        begin.wait()
        for _ in range(_MANY):
            mine.append(new_name())
            mine.append(new_names(1)[0])

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask, args=(one,)) for one in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert 2 * _MANY * len(found) == len({name for one in found for name in one})


_FORKING = """
import os
from authz_service.usecases.names import new_name

def first():
    return " ".join(new_name() for _ in range(300))

new_name()
for _ in range(2):
    if not os.fork():
        print(first(), flush=True)
        os._exit(0)
    os.wait()
print(first(), flush=True)
"""


def test_a_child_gives_other_names_than_its_parent() -> None:
    """What was in readiness when it was forked is the parent's alone."""
    said = subprocess.run(
        [sys.executable, "-c", _FORKING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    given = [line.split() for line in said.stdout.splitlines()]
    assert [300] * 3 == [len(one) for one in given]
    assert 900 == len({name for one in given for name in one})
