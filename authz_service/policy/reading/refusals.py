"""
What no rule may hold, seen word by word, before anything recursive reads it.

What oso would take beyond the accepted subset is refused with its place: ``cut`` hides rules,
``forall`` is true of nothing, arithmetic has no bound, ``new``, ``debug`` and ``print`` reach
the server. What is too long or too deep would make oso slow, or kill it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lark import Token

from authz_service.domain.errors import Problem
from authz_service.policy.reading.telling import at, shown

MAX_NESTING = 32
"""How deep parentheses may nest. 10,000 brackets kill the process that hands them to oso."""
MAX_RULE_TOKENS = 2_000
"""How long one rule may be. oso's cost grows with the square of a chain of conditions."""
MAX_LENGTH = 1_000
"""How long one name or text may be, in characters."""
_MAX_DIGITS = 15  # a double holds any whole number of 15 digits; oso's own limit is 2**63

_LEAVE_OUT = "leave it out"
_ANOTHER_FACT = "ask for another fact"
_NO_ARITHMETIC = ("rules do no arithmetic", _ANOTHER_FACT)
_IN_HEAD = ("", "write the class in the head of a rule, as in `process: Process`")
_NO_SUCH_NUMBER = ("rules know no such number", "write it in digits")
# Why a word is refused, and what to write instead.
_WORDS: dict[str, tuple[str, str]] = {
    "cut": ("it hides other rules, and their order must not matter", "write a `forbid` instead"),
    "debug": ("it waits for a person at the server's terminal", _LEAVE_OUT),
    "forall": ("it is true of an empty list", _ANOTHER_FACT),
    "inf": _NO_SUCH_NUMBER,
    "isa": _IN_HEAD,
    "matches": _IN_HEAD,
    "mod": _NO_ARITHMETIC,
    "nan": _NO_SUCH_NUMBER,
    "new": ("rules make no objects", _LEAVE_OUT),
    "print": ("a rule has nobody to talk to", _LEAVE_OUT),
    "rem": _NO_ARITHMETIC,
    "type": ("it means something else to Polar", "choose another name"),
}
_SIGNS: dict[str, tuple[str, str]] = {
    '"': ("a text ends on its own line and holds no backslash", 'end it with `"` on this line'),
    "'": ("", "write texts in double quotes"),
    "“": ("", 'write the straight `"`, as outside of a word processor'),
    "”": ("", 'write the straight `"`, as outside of a word processor'),
    "{": ("rules make no objects", "compare the facts in the condition"),
    "}": ("rules make no objects", "compare the facts in the condition"),
    "!": ("", "write `not` before a condition, or `!=` between two values"),
    "&": ("", "write `and`"),
    "|": ("", "write `or`"),
    "?": ("", "tests stand in files of their own, `*_test.toml`"),
} | dict.fromkeys("+-*/", _NO_ARITHMETIC)
_OTHER_SIGN = (
    "",
    "names have small letters without accents, digits and `_`; texts stand in quotes",
)


def refused(file: str, tokens: Sequence[Token]) -> Iterator[Problem]:
    """Find refused words, and the first refused sign, behind which words may mean nothing."""
    before = ""
    for token in tokens:
        if token.type == "STRAY":
            yield _refusal(file, token, *_SIGNS.get(token, _OTHER_SIGN))
            return
        # After a dot it is the name of a fact, such as `context.type`.
        if token in _WORDS and before != ".":
            yield _refusal(file, token, *_WORDS[token])
        before = token


def _refusal(file: str, token: Token, why: str, remedy: str) -> Problem:
    message = f"`{shown(token)}` is not accepted" + (f": {why}" if why else "")
    return at(file, token, "refused", message, remedy)


def bounds(file: str, tokens: Sequence[Token]) -> list[Problem]:
    """Refuse what would make oso slow or kill it, before anything recursive sees it."""
    if len(tokens) > MAX_RULE_TOKENS:
        message = f"the rule has more than {MAX_RULE_TOKENS} parts"
        return [at(file, tokens[0], "too-large", message, "split it into several rules")]
    depth = 0
    for token in tokens:
        if token.type == "LPAR":
            depth += 1
        elif token.type == "RPAR":
            depth -= 1
        digits = token.lstrip("-").replace(".", "")
        if depth > MAX_NESTING:
            message, remedy = (
                f"nests deeper than {MAX_NESTING}",
                "name a part of it in a helper rule",
            )
        elif token.type == "NUMBER" and len(digits) > _MAX_DIGITS:
            message = f"the number has more than {_MAX_DIGITS} digits"
            remedy = "write it as a text in double quotes"
        elif len(token) > MAX_LENGTH:
            message, remedy = f"is longer than {MAX_LENGTH} characters", "shorten it"
        else:
            continue
        return [at(file, token, "too-large", message, remedy)]
    return []
