"""
Finds the checks in a source, and what disables each.

A check is an ``if`` or ``elif`` whose body leaves, or complains: its last statement raises,
returns or continues, or appends to a list or yields, as to a list of problems. It is disabled
as a whole (its test becomes ``False``), and part by part: an operand of an ``or`` becomes
``False``, one of an ``and`` becomes ``True``, so that only the others count. A ``raise`` that no
``if`` stands over, as in a method that refuses whatever comes, is a check of its own, and
becomes ``pass``. A library that is told what to check, ``{"verify_exp": True}``, is told not to,
and one that is told what has to be there, ``{"require": ["exp", "iat"]}``, of another one twice.

Replacing works on positions in the source, so every other character stays as it is.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_EXCEPTED = re.compile(r"#\s*mutant:\s*(?P<why>.*\S)")


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    One disabled check.

    Attributes:
        line: where the disabled expression begins, 1-based.
        start: the offset of its first byte in the source as UTF-8.
        end: the offset after its last byte.
        source: the disabled expression, in one line.
        value: what stands in its place, ``True``, ``False`` or a text; None for a ``pass``.
        excepted: why no test can see it, as a comment on that line says, or None.
    """

    line: int
    start: int
    end: int
    source: str
    value: bool | str | None
    excepted: str | None = None

    def applied(self, text: str) -> str:
        """Give *text*, the source it was found in, with the check disabled."""
        raw = text.encode()
        # The brackets keep `if(x)` and `not x` apart from what stands before them.
        instead = b"pass" if self.value is None else f"({self.value!r})".encode()
        return (raw[: self.start] + instead + raw[self.end :]).decode()


def find(text: str) -> list[Mutant]:
    """
    Give the mutants of a source, in its order, the whole check before its parts.

    Raises:
        SyntaxError: *text* is no Python.
    """
    reasons = _reasons(text)
    lines = _line_offsets(text)
    found = []
    for node, value in _disabled(ast.parse(text)):
        start = lines[node.lineno - 1] + node.col_offset
        end = lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        found.append(
            Mutant(
                line=node.lineno,
                start=start,
                end=end,
                source=" ".join(text.encode()[start:end].decode().split()),
                value=value,
                excepted=reasons.get(node.lineno),
            )
        )
    return sorted(found, key=lambda one: (one.start, -one.end))


def stale_exceptions(text: str, survivors: set[int]) -> list[int]:
    """Give the lines with a comment that excepts nothing, *survivors* being those that do."""
    return sorted(_reasons(text).keys() - survivors)


def _disabled(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, bool | str | None]]:
    for node in ast.walk(tree):
        if isinstance(node, _UNCONDITIONAL):
            yield from ((one, None) for one in node.body if isinstance(one, ast.Raise))
        if isinstance(node, ast.If) and _is_check(node.body[-1]):
            yield node.test, False
            for part in ast.walk(node.test):
                if isinstance(part, ast.BoolOp):
                    neutral = isinstance(part.op, ast.And)
                    yield from ((operand, neutral) for operand in part.values)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if _switches_on(key, value):
                    yield value, False
                yield from _required(key, value)


def _required(key: ast.expr | None, value: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(key, ast.Constant) and key.value == "require" and isinstance(value, ast.List):
        for element in value.elts:
            others = [ast.literal_eval(one) for one in value.elts if one is not element]
            yield element, next(iter(others), "")


def _switches_on(key: ast.expr | None, value: ast.expr) -> bool:
    named = isinstance(key, ast.Constant) and str(key.value).startswith("verify_")
    return named and isinstance(value, ast.Constant) and value.value is True


def _is_check(last: ast.stmt) -> bool:
    if not isinstance(last, ast.Expr):
        return isinstance(last, _LEAVING)
    told = last.value
    appends = isinstance(told, ast.Call) and ast.unparse(told.func).endswith(".append")
    return appends or isinstance(told, ast.Yield)


_UNCONDITIONAL = (ast.FunctionDef, ast.For, ast.ExceptHandler)
_LEAVING = (ast.Raise, ast.Return, ast.Continue)


def _line_offsets(text: str) -> list[int]:
    """Give the offset in bytes at which each line begins, lines being what Python takes for one."""
    offsets, total = [], 0
    for line in io.StringIO(text, newline=""):
        offsets.append(total)
        total += len(line.encode())
    return offsets


def _reasons(text: str) -> dict[int, str]:
    """Give the reasons of exceptions by line; a text that looks like one is none."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        match = _EXCEPTED.match(token.string) if token.type == tokenize.COMMENT else None
        if match is not None:
            found[token.start[0]] = match["why"]
    return found
