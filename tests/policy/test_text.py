"""The bytes of policy files: what they look like, and that nothing in them is hidden."""

from __future__ import annotations

import unicodedata

import pytest

from authz_service.domain.errors import Problem
from authz_service.policy.bundle import Source, examined
from authz_service.policy.reading.text import Unreadable, decode, inspect
from tests.policy.compiled import reasons

SOUND = 'permit(_p: Person, "open", _r: Process, "first"); # sócio\n'
FLAWED = SOUND + 'forbid(_p, _a, r: Process, "first") if r.state = "opne"; # é'

ENCODINGS = {
    "UTF-16": (FLAWED.encode("utf-16"), "UTF-16", 1, 0),
    "UTF-16, the large end first": (b"\xfe\xff" + FLAWED.encode("utf-16-be"), "UTF-16", 1, 0),
    "UTF-16 without a mark": (FLAWED.encode("utf-16-le"), "UTF-16", 1, 0),
    "UTF-16, the large end first, without a mark": (FLAWED.encode("utf-16-be"), "UTF-16", 1, 0),
    "UTF-16 of another script": (f"{FLAWED}\n# {'日' * 500}".encode("utf-16"), "UTF-16", 1, 0),
    "Latin-1": (FLAWED.encode("latin-1"), "Latin-1", 1, 54),
    "Windows-1252": (FLAWED.replace("é", "—").encode("cp1252"), "Windows-1252", 1, 54),
}


@pytest.mark.parametrize(("content", "name", "line", "column"), ENCODINGS.values(), ids=ENCODINGS)
def test_another_encoding_has_a_name(content: bytes, name: str, line: int, column: int) -> None:
    """It says what the file looks like and what to do, and the rest of the file is checked."""
    [problem, flaw] = told(content)

    assert (line, column, "encoding") == (problem.line, problem.column, problem.check)
    assert f"is not UTF-8; it looks like {name}" in problem.message
    assert "save it as UTF-8" == problem.remedy
    assert (2, "unknown-value") == (flaw.line, flaw.check)


def told(content: bytes) -> list[Problem]:
    """Examine one file of rules."""
    found = examined([Source("a.polar", content), reasons(["first"])])
    return [*found.problems, *(flaw.problem for flaw in found.flaws)]


def test_a_mark_and_what_follows_it_are_told() -> None:
    """A byte order mark is one problem; the first rule is read all the same."""
    [problem, flaw] = told(FLAWED.encode("utf-8-sig"))

    assert (1, 0, "encoding", "save it as UTF-8 without BOM") == (
        problem.line,
        problem.column,
        problem.check,
        problem.remedy,
    )
    assert (2, "unknown-value") == (flaw.line, flaw.check)


HIDDEN = {
    "a space without a break": ("\u00a0", "the space U+00A0", "write an ordinary space"),
    "a thin space": ("\u2009", "the space U+2009", "write an ordinary space"),
    "a wide space": ("\u3000", "the space U+3000", "write an ordinary space"),
    "a space of no width": ("\u200b", "character U+200B", "delete it"),
    "a soft hyphen": ("\u00ad", "character U+00AD", "delete it"),
    "a mark inside": ("\ufeff", "character U+FEFF", "delete it"),
    "a joiner of letters": ("\u034f", "character U+034F", "delete it"),
    "a filler": ("\u3164", "character U+3164", "delete it"),
    "a dotless pattern": ("\u2800", "character U+2800", "delete it"),
    "a variation": ("\ufe0f", "character U+FE0F", "delete it"),
    "a private letter": ("\ue000", "character U+E000", "delete it"),
    "a control": ("\x1b", "character U+001B", "delete it"),
}


@pytest.mark.parametrize(("hidden", "named", "remedy"), HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("before", ["# ", "# é", 'half("'])
def test_nothing_is_hidden(before: str, hidden: str, named: str, remedy: str) -> None:
    """Neither in a remark nor in a text stands what its reader cannot see."""
    line = f'{before}{hidden}"); #' if before.endswith('"') else f"{before}{hidden}"

    [problem] = told(f"{SOUND}{line}".encode())

    assert (2, len(before) + 1, "invisible") == (problem.line, problem.column, problem.check)
    assert problem.message.startswith("holds the ")
    assert named in problem.message
    assert remedy == problem.remedy


def test_all_that_is_hidden_is_told_at_once() -> None:
    """Each with its place; what is wrong beside it, too."""
    text = unicodedata.normalize("NFD", FLAWED) + "\n# \u200b\u00a0"

    assert [
        (1, 0, "encoding"),
        (2, 0, "encoding"),
        (3, 3, "invisible"),
        (3, 4, "invisible"),
        (2, FLAWED.splitlines()[1].index("r.state") + 1, "unknown-value"),
    ] == [(one.line, one.column, one.check) for one in told(text.encode())]


@pytest.mark.parametrize(
    "text", ["", "# a\tb\n", "# Windows\r\nx\r\n", "# São Paulo — 2.ª via 😀 “x” ·\n", "# 日本\n"]
)
def test_what_can_be_seen_is_left_alone(text: str) -> None:
    """Letters, signs and pictures of any script, tabs, and the line ends of Windows."""
    assert (text, []) == inspect("a.polar", text.encode())
    assert text == decode("a.polar", text.encode())


def test_what_is_hidden_is_never_decoded() -> None:
    """Whoever only wants the text gets none that hides something."""
    with pytest.raises(Unreadable) as caught:
        decode("a.polar", b"\xef\xbb\xbf")

    assert "begins with a byte order mark; save it as UTF-8 without BOM" == str(caught.value)
    assert ["encoding"] == [one.check for one in caught.value.problems]
