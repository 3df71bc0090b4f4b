"""What something costs, counted instead of timed: the same on every machine and at all times."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

from authz_service.domain.identifiers import without_cpf


class Looked(str):  # noqa: SLOT000 -- it counts, so it has something to keep
    """A text that counts how many of its characters are given out as parts of it."""

    characters = 0

    def __getitem__(self, part: object) -> str:
        """Give a part, and count it."""
        found = super().__getitem__(part)  # type: ignore[index] # whatever a text takes
        self.characters += len(found)
        return found


def calls(act: Callable[[], object]) -> int:
    """Give how many functions *act* calls or goes on with, C functions and generators included."""
    counted = 0

    def count(_frame: FrameType, event: str, _about: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    _watched(act, count)
    return counted


def cleaned(act: Callable[[], object]) -> list[int]:
    """Give how long the texts are that *act* has cleaned of CPFs."""
    found: list[int] = []

    def note(frame: FrameType, event: str, _about: object) -> None:
        if event == "call" and frame.f_code is without_cpf.__code__:
            found.append(len(frame.f_locals["text"]))

    _watched(act, note)
    return found


def _watched(act: Callable[[], object], watch: Callable[[FrameType, str, object], None]) -> None:
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        act()
    finally:
        sys.setprofile(before)
