"""Decision tables as one HTML page, for the screen, the telephone and the printer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import groupby

from authz_service.policy.showing.decision_tables import DecisionTable, Row, columns
from authz_service.policy.showing.table_words import NOT_ASKED, Heading, Words

# Nothing is fetched and nothing runs, so that the page can be mailed and kept.
_STYLE = """
:root { color-scheme: light; --line: #d5d9e0; --soft: #f4f6f9; --quiet: #5b6472; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 90rem; padding: 1rem; color: #1b2330; background: #fff;
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem;
  border-top: 3px solid #1351b4; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
p { max-width: 60rem; margin: .5rem 0; }
code { font: .85em/1.3 ui-monospace, Consolas, monospace; overflow-wrap: anywhere; }
.about, .otherwise { color: var(--quiet); }
.warning { padding: .5rem .75rem; border-left: 4px solid #b3540a; background: #fdf3e7; }
nav ul { columns: 18rem; padding-left: 1.2rem; }
a { color: #1351b4; }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .875rem; line-height: 1.35; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { border: 1px solid var(--line); padding: .4rem .55rem; text-align: left;
  vertical-align: top; }
thead th { background: var(--soft); font-weight: 600; }
thead th[scope=colgroup] { text-align: center; color: var(--quiet); }
td.cell { white-space: nowrap; }
td.wide { white-space: normal; min-width: 8rem; }
td.any { color: #98a1ae; text-align: center; }
td.reason { min-width: 15rem; max-width: 32rem; }
td.rule { white-space: nowrap; }
td.reason span { display: block; }
.answer { white-space: nowrap; font-weight: 600; }
.answer::before { margin-right: .35em; }
.error { color: #8a3a00; } .error::before { content: "!"; }
.denied { color: #a11a1a; } .denied::before { content: "✕"; }
.allowed { color: #14622b; } .allowed::before { content: "✓"; }
@media screen and (max-width: 44rem) {
  /* One card for each row, with what matters in it. */
  .rows, .rows tbody, .rows tr, .rows td, .rows tbody th, .rows caption { display: block; }
  .rows thead, .rows td.any { display: none; }
  .rows tr { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; }
  .rows td, .rows tbody th { border: 0; min-width: 0; white-space: normal; }
  .rows tbody th { background: var(--soft); }
  .rows td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav { display: none; }
  .scroll { overflow: visible; }
  table { font-size: 7pt; width: 100%; }
  th, td { padding: .2rem .3rem; }
  td.rule { white-space: normal; }
  td.reason, td.wide { min-width: 0; }
  thead { display: table-header-group; }
  tr, h2, h3, caption { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
}
"""

_SHORT = 16


def html(tables: Sequence[DecisionTable], words: Words, digest: str, made: datetime) -> str:
    """
    Write tables as one page that needs nothing else.

    Args:
        tables: what is written.
        words: in which language, with which reasons.
        digest: which policy it is.
        made: the moment that the page tells as its own.
    """
    return "\n".join(_page(tables, words, digest, made)) + "\n"


def _page(
    tables: Sequence[DecisionTable], words: Words, digest: str, made: datetime
) -> Iterator[str]:
    sections = list(_sections(tables, words))
    yield "<!doctype html>"
    yield f'<html lang="{words["lang"]}">'
    yield '<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(words['title'])}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<header>\n<h1>{escape(words['title'])}</h1>"
    moment = made.isoformat(sep=" ", timespec="minutes")
    yield f'<p class="about">{escape(words["digest"])}: <code>{escape(digest)}</code><br>'
    yield f'{escape(words["made"])}: <time datetime="{made.isoformat()}">{moment}</time></p>'
    yield f"<p>{escape(words['how'])}</p>\n<nav>\n<ul>"
    for number, (title, _several) in enumerate(sections, start=1):
        yield f'<li><a href="#s{number}">{escape(title)}</a></li>'
    yield "</ul>\n</nav>\n</header>\n<main>"
    for number, (title, several) in enumerate(sections, start=1):
        yield f'<section id="s{number}">\n<h2>{escape(title)}</h2>'
        yield from several
        yield "</section>"
    yield "</main>\n</body>\n</html>"


def _sections(tables: Sequence[DecisionTable], words: Words) -> Iterator[tuple[str, Sequence[str]]]:
    """Give the parts of the page, each with its title."""
    allowing = [table for table in tables if table.allows]
    for title, several in groupby(allowing, key=words.actions):
        yield (
            title,
            [part for one in several for part in _table(one, words.kinds(one), words)],
        )
    never = [table for table in tables if not table.allows]
    if never:
        parts = [f"<p>{escape(words['why never'])}</p>"]
        for one in never:
            parts += _table(one, f"{words.kinds(one)}: {words.actions(one)}", words)
        yield words["never"], parts
    if facts := list(_facts(tables, words)):
        yield words["facts"], facts


def _table(table: DecisionTable, title: str, words: Words) -> Iterator[str]:
    yield f"<h3>{escape(title[:1].upper() + title[1:])}</h3>"
    if table.unexplored:
        places = ", ".join(f"<code>{escape(place)}</code>" for place in table.unexplored)
        yield f'<p class="warning">{escape(words["unexplored"])}: {places}</p>'
    for rows in table.blocks():
        yield from _block(table, rows, words)
    reason = _reason(*words.otherwise(table))
    otherwise = words["else"]
    yield (
        f'<p class="otherwise">{escape(otherwise[:1].upper() + otherwise[1:])}: '
        f'<span class="answer denied">{escape(words["denied"])}</span>, {reason}</p>'
    )


def _block(table: DecisionTable, rows: Sequence[Row], words: Words) -> Iterator[str]:
    found = columns(rows)
    headings = [words.heading(column) for column in found]
    yield '<div class="scroll" tabindex="0">\n<table class="rows">'
    yield f"<caption>{escape(words[str(rows[0].answer.value)])}</caption>\n<thead>"
    yield from _head(headings, words)
    yield "</thead>\n<tbody>"
    for number, row in enumerate(rows, start=1):
        cells = "".join(
            _cell(words.cell(row, column), heading)
            for column, heading in zip(found, headings, strict=True)
        )
        reasons = "<br>".join(_reason(*reason) for reason in words.reasons(table, row))
        yield (
            f'<tr><th scope="row">{number}</th>{cells}'
            f'<td class="answer {row.answer.name.lower()}">{escape(words.answer(row))}</td>'
            f'<td class="reason">{reasons}</td>'
            f'<td class="rule"><code>{escape(row.rule)}</code></td></tr>'
        )
    yield "</tbody>\n</table>\n</div>"


def _head(headings: Sequence[Heading], words: Words) -> Iterator[str]:
    """Give two rows: what facts belong to, and the facts."""
    last = [words[name] for name in ("answer", "reason", "rule")]
    tall = ' rowspan="2"' if headings else ""
    ends = "".join(f'<th scope="col"{tall}>{escape(name)}</th>' for name in last)
    groups = "".join(
        f'<th scope="colgroup" colspan="{len(list(several))}">{escape(group)}</th>'
        for group, several in groupby(headings, key=lambda one: one.group)
    )
    yield f'<tr><th scope="col"{tall}>{escape(words["row"])}</th>{groups}{ends}</tr>'
    if headings:
        names = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in headings)
        yield f"<tr>{names}</tr>"


def _cell(text: str, heading: Heading) -> str:
    """Give a cell; where there is no room for columns, it says itself what it is about."""
    kind = "any" if text == NOT_ASKED else "cell" if len(text) <= _SHORT else "wide"
    label = escape(f"{heading.group} › {heading.name}")
    return f'<td class="{kind}" data-label="{label}">{escape(text)}</td>'


def _reason(code: str, text: str) -> str:
    return f"<code>{escape(code)}</code> <span>{escape(text)}</span>"


def _facts(tables: Iterable[DecisionTable], words: Words) -> Iterator[str]:
    found = words.facts(tables)
    if not found:
        return
    yield '<div class="scroll" tabindex="0">\n<table>\n<thead>'
    names = ("fact", "meaning", "words", "path")
    heads = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in names)
    yield f"<tr>{heads}</tr>"
    yield "</thead>\n<tbody>"
    for one in found:
        called = ", ".join(
            f"{escape(said)} (<code>{escape(word)}</code>)" for said, word in one.words
        )
        paths = "<br>".join(f"<code>{escape(path)}</code>" for path in one.paths)
        yield f'<tr><th scope="row">{escape(one.name)}</th><td>{escape(one.meaning)}</td>'
        yield f"<td>{called}</td><td>{paths}</td></tr>"
    yield "</tbody>\n</table>\n</div>"
