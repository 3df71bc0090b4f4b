"""Decision tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from authz_service.policy.showing.decision_tables import DecisionTable, Row, columns
from authz_service.policy.showing.table_words import Words

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(tables: Sequence[DecisionTable], words: Words, digest: str) -> str:
    """
    Write tables as one page of Markdown.

    Without a date: two pages differ only where the policies do.

    Args:
        tables: what is written.
        words: in which language, with which reasons.
        digest: which policy it is.
    """
    return "\n".join(_page(tables, words, digest))


def _page(tables: Sequence[DecisionTable], words: Words, digest: str) -> Iterator[str]:
    yield f"# {words['title']}\n"
    yield f"{words['digest']}: `{digest}`\n"
    yield f"{words['how']}\n"
    allowing = [table for table in tables if table.allows]
    for title, several in groupby(allowing, key=words.actions):
        yield f"## {_plain(title)}\n"
        for table in several:
            yield f"### {_capital(words.kinds(table))}\n"
            yield from _table(table, words)
    never = [table for table in tables if not table.allows]
    if never:
        yield f"## {words['never']}\n"
        yield f"{words['why never']}\n"
        for table in never:
            yield f"### {_capital(words.kinds(table))}: {_plain(words.actions(table))}\n"
            yield from _table(table, words)
    yield from _facts(tables, words)


def _table(table: DecisionTable, words: Words) -> Iterator[str]:
    if table.unexplored:
        yield f"**{words['unexplored']}: {', '.join(map(_code, table.unexplored))}**\n"
    for rows in table.blocks():
        yield f"{words[str(rows[0].answer.value)]}:\n"
        yield from _block(table, rows, words)
        yield ""
    reason = _reason(*words.otherwise(table))
    yield f"{_capital(words['else'])}: **{words['denied']}**, {reason}\n"


def _block(table: DecisionTable, rows: Sequence[Row], words: Words) -> Iterator[str]:
    found = columns(rows)
    headings = [words.heading(column) for column in found]
    names = [f"{one.group} › {one.name}" for one in headings]
    yield _line([*map(_plain, names), words["answer"], words["reason"], words["rule"]])
    yield "|" + "---|" * (len(found) + 3)
    for row in rows:
        reasons = [_reason(code, text) for code, text in words.reasons(table, row)]
        cells = [_plain(words.cell(row, column)) for column in found]
        answer = f"**{words.answer(row)}**"
        yield _line([*cells, answer, "<br>".join(reasons), _code(row.rule)])


def _facts(tables: Iterable[DecisionTable], words: Words) -> Iterator[str]:
    found = words.facts(tables)
    if found:
        yield f"## {words['facts']}\n"
        yield _line([words[name] for name in ("fact", "meaning", "words", "path")])
        yield "|---|---|---|---|"
        for one in found:
            called = ", ".join(f"{_plain(said)} (`{word}`)" for said, word in one.words)
            paths = ", ".join(map(_code, one.paths))
            yield _line([_plain(one.name), _plain(one.meaning), called, paths])
        yield ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Give a text of somebody's in which nothing is a sign of Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return _plain(text) if set(text) & {"`", "|"} else f"`{text}`"


def _reason(code: str, text: str) -> str:
    return f"`{code}`: {_plain(text)}" if text else f"`{code}`"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
