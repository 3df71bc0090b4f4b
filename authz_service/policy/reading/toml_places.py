"""Where tables and keys stand in a TOML text, which Python's reader does not tell."""

from __future__ import annotations

import re

# Comments and texts, whose inside may look like anything. A text over several lines may end
# with quotes of its own.
_OPAQUE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_LINE = re.compile(r"(?P<brackets>\[{0,2})(?P<name>[A-Za-z0-9_.\- \t]+)[\]=]")
_LONGEST_NAME = 200
_SHOWN = re.compile(r"[^\n]")

Place = tuple[int, int]
"""Line and column, both 1-based; 0 where they are not known."""
Steps = tuple[str | int, ...]
"""The way to a table or a key: names, and the 1-based number of a table in a list."""


class Places:
    """
    The places of tables and keys in one text.

    A scan of lines, not a reader: what it does not find has the place of the table around it.

    Args:
        text: a TOML text that Python has read without an error.
    """

    def __init__(self, text: str) -> None:
        self._places: dict[Steps, Place] = {}
        numbers: dict[str, int] = {}
        table: Steps = ()
        blank = _OPAQUE.sub(lambda found: _SHOWN.sub(" ", found[0]), text)
        for line, said in enumerate(blank.split("\n"), start=1):
            begun = said.lstrip()
            found = _LINE.match(begun[:_LONGEST_NAME])
            if found is None:
                continue
            steps = tuple(part.strip() for part in found["name"].split("."))
            if found["brackets"]:
                table = self._table(steps, numbers, another=len(found["brackets"]) > 1)
                steps = ()
            self._places.setdefault((*table, *steps), (line, len(said) - len(begun) + 1))

    @staticmethod
    def _table(steps: tuple[str, ...], numbers: dict[str, int], *, another: bool) -> Steps:
        """Give the way to a table: behind each name that has a list, the number in that list."""
        way: list[str | int] = []
        for position, step in enumerate(steps, start=1):
            way.append(step)
            name = repr(way)
            if another and position == len(steps):
                numbers[name] = numbers.get(name, 0) + 1
            if name in numbers:
                way.append(numbers[name])
        return tuple(way)

    def of(self, *steps: str | int) -> Place:
        """Give the place of what *steps* lead to, or of the nearest table around it."""
        for end in range(len(steps), 0, -1):
            if steps[:end] in self._places:
                return self._places[steps[:end]]
        return 0, 0


def place_of(text: str, key: str, value: str) -> Place:
    """Give the place of the first line that gives *key* the text *value*."""
    line = re.compile(rf"(\s*){key}\s*=\s*[\"']{re.escape(value)}[\"']")
    for number, said in enumerate(text.split("\n"), start=1):
        if found := line.match(said):
            return number, found.end(1) + 1
    return 0, 0
