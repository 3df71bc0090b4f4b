"""
The guide for administrators, done as it is written: ``docs/guia-das-politicas.md``.

The page is the script. Its parts are done one after another, in a folder that holds what a
reader has at that point, and what comes out has to be what the page shows:

- ``console``: each line behind ``$`` is run, and what follows it is what it says;
- a block with ``file=`` is written to that file, or put in front of the line that ``before=``
  gives;
- a ``polar`` block without a file is quoted from the shipped policies;
- what stands between ``<!-- NAME ... -->`` and ``<!-- fim -->`` is made anew, as ``Reader``
  says for each name.

``python -m tests.guide`` writes the page anew, with what comes out now.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "guia-das-politicas.md"
"""The guide."""

PART = re.compile(
    r"^```(?P<head>\w+[^\n]*)\n(?P<body>.*?)^```$"
    r"|^<!-- (?P<name>\w+)(?P<of>[^\n]*?) -->\n(?P<made>.*?)^<!-- fim -->$",
    re.MULTILINE | re.DOTALL,
)
"""A part of the page that is done: a block, or what is made anew."""

_VARIES = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"(?m)^(\d+ +)\d+( +)[0-9a-f]{12}(?= )"), r"\1PID\2DIGEST"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)"), "MOMENT"),
    (re.compile(r"\b\d+\.\d+(?= (?:s|ms|seconds)\b)"), "TIME"),
    (re.compile(r" {2,}"), "  "),
)


def same_each_time(page: str) -> str:
    """Give the page without what is another at each run: digests, moments, processes, spaces."""
    for pattern, word in _VARIES:
        page = pattern.sub(word, page)
    return page


def quotations(page: str) -> list[str]:
    """Give the rules that the page quotes from the shipped policies."""
    return [one["body"] for one in PART.finditer(page) if one["head"] == "polar"]
