"""The bytes of policy files → text in which nothing is hidden from its reader."""

from __future__ import annotations

import unicodedata

from authz_service.domain.errors import Problem

MAX_BYTES = 256 * 1024
"""The size of one policy file, in bytes."""

# Controls, formats such as the marks that reverse the direction of reading, line separators.
_INVISIBLE = frozenset(("Cc", "Cf", "Zl", "Zp"))


class Unreadable(Exception):
    """A file that cannot be read at all; holds the one problem."""

    def __init__(self, file: str, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.problem = Problem(file, line, column, message)


def decode(file: str, content: bytes) -> str:
    """
    Give the text of a policy file.

    Raises:
        Unreadable: too large; not UTF-8; with a byte order mark; with characters that nobody
            sees, a carriage return inside a line among them, since oso ends a comment there
            and most editors do not; not in NFC, where two texts that look the same are not.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable(file, f"is larger than {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(file, "is not UTF-8; save it as UTF-8", line) from error
    if text.startswith("\ufeff"):
        raise Unreadable(file, "begins with a byte order mark; save it as UTF-8 without BOM", 1)
    for number, line_text in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line_text.removesuffix("\r"), start=1):
            if character != "\t" and unicodedata.category(character) in _INVISIBLE:
                message = f"holds the invisible character U+{ord(character):04X}"
                raise Unreadable(file, message, number, column)
        if not unicodedata.is_normalized("NFC", line_text):
            raise Unreadable(file, "holds decomposed characters; save it in form NFC", number)
    return text
