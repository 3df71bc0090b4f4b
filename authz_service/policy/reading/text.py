"""The bytes of policy files → text in which nothing is hidden from its reader."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterator

from authz_service.domain.errors import Problem
from authz_service.policy.reading.telling import MAX_PROBLEMS

MAX_BYTES = 256 * 1024
"""The size of one policy file, in bytes."""

_AS_UTF8 = "save it as UTF-8"
_MARK = "\ufeff"
_SIXTEEN = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Controls, formats such as the marks that reverse the direction of reading, line separators,
# and characters that each computer shows as it likes.
_INVISIBLE = frozenset(("Cc", "Cf", "Zl", "Zp", "Co"))
# Letters and marks that leave no trace on the paper, by Unicode's Default_Ignorable_Code_Point;
# the Braille pattern without a dot looks like a space as well.
_TRACELESS = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)


class Unreadable(Exception):
    """A file that hides something, or cannot be read at all; holds what is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{problems[0].message}; {problems[0].remedy}")
        self.problems = tuple(problems)


def decode(file: str, content: bytes) -> str:
    """
    Give the text of a policy file.

    Raises:
        Unreadable: ``inspect`` finds something wrong with it.
    """
    text, problems = inspect(file, content)
    if problems:
        raise Unreadable(problems)
    return text


def inspect(file: str, content: bytes) -> tuple[str, list[Problem]]:
    """
    Read a policy file as well as it can be, and tell what its reader would not see.

    Too large; not UTF-8; with a byte order mark; with characters that nobody sees, or that look
    like another, a carriage return inside a line among them, since oso ends a comment there and
    most editors do not; not in NFC, where two texts that look the same are not.

    Returns:
        The text, and the problems. With problems the text is only good for finding more.
    """
    if len(content) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES} bytes"
        return "", [Problem(file, 0, 0, message, "too-large", "split it into several files")]
    problems: list[Problem] = []
    try:
        text = _decoded(file, content)
    except _OtherEncoding as other:
        text = other.text
        problems.append(other.problem)
    if text.startswith(_MARK):
        text = text.removeprefix(_MARK)
        message, remedy = "begins with a byte order mark", "save it as UTF-8 without BOM"
        problems.append(Problem(file, 1, 0, message, "encoding", remedy))
    problems += _hidden(file, text)
    return _plain(text) if problems else text, problems[:MAX_PROBLEMS]


class _OtherEncoding(Exception):
    """The bytes are not UTF-8; holds the problem, and the text as it was probably meant."""

    def __init__(self, problem: Problem, text: str) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.text = text


def _decoded(file: str, content: bytes) -> str:
    wide = content.startswith(_SIXTEEN)
    # Every second byte of Latin text is zero in UTF-16, with a mark at its beginning or without.
    if wide or content.count(0) * 4 > len(content):
        if wide:
            text = content.decode("utf-16", errors="replace")
        else:
            low = content[1::2].count(0) >= content[::2].count(0)
            text = content.decode("utf-16-le" if low else "utf-16-be", errors="replace")
        message = "is not UTF-8; it looks like UTF-16 (`Unicode` in some editors)"
        raise _OtherEncoding(Problem(file, 1, 0, message, "encoding", _AS_UTF8), text)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        above = content[: error.start]
        line = above.count(b"\n") + 1
        column = len(above[above.rfind(b"\n") + 1 :].decode("utf-8", errors="replace")) + 1
        windows = any(0x80 <= byte < 0xA0 for byte in content)
        name = "Windows-1252 (`ANSI`)" if windows else "Latin-1 (ISO 8859-1)"
        message = f"is not UTF-8; it looks like {name}"
        problem = Problem(file, line, column, message, "encoding", _AS_UTF8)
        text = content.decode("cp1252" if windows else "latin-1", errors="replace")
        raise _OtherEncoding(problem, text) from error


def _hidden(file: str, text: str) -> Iterator[Problem]:
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line.removesuffix("\r"), start=1):
            named = f"U+{ord(character):04X}"
            if _is_space(character):
                message = f"holds the space {named}, which looks like an ordinary one"
                remedy = "write an ordinary space"
                yield Problem(file, number, column, message, "invisible", remedy)
            elif _is_invisible(character):
                message = f"holds the invisible character {named}"
                yield Problem(file, number, column, message, "invisible", "delete it")
        if not unicodedata.is_normalized("NFC", line):
            message = "holds decomposed characters, letters with their accents apart"
            remedy = "type them again, or save it in form NFC"
            yield Problem(file, number, 0, message, "encoding", remedy)


def _is_space(character: str) -> bool:
    return character != " " and unicodedata.category(character) == "Zs"


def _is_invisible(character: str) -> bool:
    if character == "\t":
        return False
    return unicodedata.category(character) in _INVISIBLE or character in _TRACELESS


def _plain(text: str) -> str:
    """Give a text with spaces for all that is hidden in it, so that the rest can be examined."""
    lines = (
        "".join(" " if _is_space(one) or _is_invisible(one) else one for one in line)
        for line in text.split("\n")
    )
    return unicodedata.normalize("NFC", "\n".join(lines))
