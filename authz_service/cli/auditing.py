"""``authz audit``: the decision log searched, exported and indexed; other modules add to it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from tqdm import tqdm

from authz_service.cli import audit_chains, audit_export, audit_replay
from authz_service.cli.calling import Verbs, instant, secret, service
from authz_service.domain.decision import Subject
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cpf, Login, parse_company
from authz_service.usecases.acts import OPERATOR
from authz_service.usecases.indexing import Progress
from authz_service.usecases.records import Line, Sought

_SOON = 1.0
"""Seconds until a bar is shown."""

_HEX_NAME = re.compile("[0-9a-f]{32}")
_COLUMNS = ("MOMENT", "RECORD", "", "COMPANY", "PROCESS", "DECISION", "REASON", "CALLER")


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    audit = verbs.add_parser("audit", help="the decision log: search, export, verify, replay")
    group = audit.add_subparsers(required=True, metavar="VERB")
    searching = group.add_parser("search", help="show records, the newest first")
    _add_filters(searching)
    searching.add_argument(
        "--limit", type=_whole, default=50, help="how many at most; 50 unless told"
    )
    searching.add_argument(
        "--json", action="store_true", help="one document on stdout, with the whole records"
    )
    searching.set_defaults(run=_search)
    exporting = group.add_parser("export", help="write all records to a file, the oldest first")
    _add_filters(exporting)
    audit_export.add_options(exporting)
    exporting.set_defaults(run=_export)
    indexing = group.add_parser("index", help="bring the index of the log up to date")
    indexing.add_argument(
        "--rebuild", action="store_true", help="make it anew from the log's files"
    )
    indexing.set_defaults(run=_index)
    audit_chains.add_to(group)
    audit_replay.add_to(group)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="since", metavar="INSTANT", type=instant, help="the first instant"
    )
    parser.add_argument(
        "--to", dest="until", metavar="INSTANT", type=instant, help="the first instant after"
    )
    parser.add_argument("--kind", choices=("decision", "act"))
    parser.add_argument(
        "--company", metavar="NUMBER", help="a CNPJ, or the number of a foreign company"
    )
    parser.add_argument("--process", metavar="ID")
    parser.add_argument("--decision", choices=("allowed", "denied"))
    parser.add_argument("--reason", metavar="CODE")
    parser.add_argument("--action", metavar="NAME", help="such as open, or the name of an act")
    parser.add_argument("--caller", metavar="CLIENT")
    parser.add_argument("--policy", metavar="DIGEST")
    parser.add_argument(
        "--person",
        metavar="SURROGATE",
        help="the person's name in the log, or - to read a CPF from standard input, which is"
        " written to the log as an act",
    )
    parser.add_argument(
        "--login",
        action="store_true",
        help="standard input holds a login of a foreign company's representative and no CPF",
    )


def _search(options: argparse.Namespace) -> int:
    sought, subject = _wanted(options)
    with service() as built:
        with _bar() as progress:
            built.indexer.fill(progress)
        decisions, limit = built.decisions, options.limit
        if subject is None:
            found = decisions.search(sought, None, limit)
        else:
            found = decisions.search_of(subject, sought, None, limit, OPERATOR)
    more = found.page.next is not None
    if options.json:
        document = {
            "records": found.page.items,
            "more": more,
            "unreadable": found.unreadable,
            "incomplete_since": found.since,
        }
        print(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines([_cells(one) for one in found.page.items])))
    if more:
        print(f"there are more than these {limit}; see --limit", file=sys.stderr)
    if found.unreadable:
        print(f"{found.unreadable} lines of the log are no records", file=sys.stderr)
    return 0


def _export(options: argparse.Namespace) -> int:
    sought, subject = _wanted(options)
    with service() as built:
        with _bar() as progress:
            built.indexer.fill(progress)
        exported = built.decisions.export(sought, subject, OPERATOR)
        return audit_export.write(exported, options)


def _index(options: argparse.Namespace) -> int:
    with service() as built, _bar() as progress:
        if options.rebuild:
            built.indexer.rebuild(progress)
        else:
            built.indexer.fill(progress)
    print("the index holds the whole log", file=sys.stderr)
    return 0


def _wanted(options: argparse.Namespace) -> tuple[Sought, Subject | None]:
    """Give which records are wanted, and who is named in clear."""
    company = options.company
    name, subject = options.person, None
    if options.login and name != "-":
        raise InvalidInput("--login", "is for what `--person -` reads from standard input")
    if name == "-":
        text, name = secret("-"), None
        subject = Login.parse(text) if options.login else Cpf.parse(text)
    elif name is not None and _HEX_NAME.fullmatch(name) is None:
        # Not repeated: it may be a CPF.
        raise InvalidInput("--person", "must be a surrogate of 32 hexadecimal digits, or -")
    sought = Sought(
        since=options.since,
        until=options.until,
        kind=options.kind,
        company=None if company is None else parse_company(company, "--company"),
        process=options.process,
        allowed=None if options.decision is None else options.decision == "allowed",
        reason=options.reason,
        action=options.action,
        client=options.caller,
        policy=options.policy,
        person=name,
    )
    return sought, subject


def _cells(record: Line) -> tuple[str, ...]:
    """Give a record as a row of the table."""
    if record["kind"] == "act":
        company = record["details"].get("company")
        about = (record["act"], company if isinstance(company, str) else "", "", "act", "")
    else:
        asked = record["question"]
        outcome = "allowed" if record["decision"] else "denied"
        names = (asked["action"], asked["company"] or "", asked["process"] or asked["named"] or "")
        about = (*names, outcome, record["reasons"][0])
    return (record["moment"], record["id"], *about, record["caller"]["name"])


def lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lay out the table; what callers sent may hold anything, and a terminal obeys."""
    shown = [_COLUMNS, *(tuple(map(_printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 10000")
    return int(text)


@contextmanager
def _bar() -> Iterator[Progress]:
    """Give what shows how much of the log has been indexed."""
    bar: tqdm[NoReturn]
    with tqdm(
        desc="indexed",
        unit="B",
        unit_scale=True,
        delay=_SOON,
        disable=None,
        leave=False,
        file=sys.stderr,
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress
