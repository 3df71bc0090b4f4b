"""``authz policy explore``: how many ways lead through the rules, and whether all are known."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from authz_service.cli import judged
from authz_service.cli.calling import Verbs, settings
from authz_service.policy.diagrams.exploring import ExploredRule

_HEAD = ("RULE", "", "KINDS", "WAYS", "SPEAKING", "SILENT", "ERRING", "")


@dataclass(frozen=True, slots=True)
class Counted:
    """
    One rule, or all of them, counted over every kind of question.

    Attributes:
        rule: its place, ``file:line``; empty for all.
        kind: ``permit`` or ``forbid``; empty for all.
        kinds: of how many kinds of question it speaks: who acts, the action, what is acted on.
        ways: how many ways through it are possible.
        speaking: in how many of them it speaks.
        silent: in how many it is silent.
        erring: in how many it errs.
        complete: whether there are no other ways.
    """

    rule: str
    kind: str
    kinds: int
    ways: int
    speaking: int
    silent: int
    erring: int
    complete: bool

    @property
    def dead(self) -> bool:
        """Whether it can never speak."""
        return self.complete and not self.speaking


def add_to(parts: Verbs) -> None:
    """Add the verb."""
    part = parts.add_parser(
        "explore",
        help="ask every way through every rule, and count them",
        description="Exit code 0: all ways that are possible are known. 1: some rule has others, "
        "or the policy cannot be used.",
    )
    part.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)
    part.add_argument(
        "--format", choices=("text", "json"), default="text", help="json: one document on stdout"
    )
    part.set_defaults(run=_explore)


def _explore(options: argparse.Namespace) -> int:
    policy = judged.usable(options.folder or settings().policies)
    began = time.perf_counter()
    exploration = judged.explored(policy)
    seconds = time.perf_counter() - began
    rules = _by_rule(exploration.rules)
    total = _counted("", "", exploration.rules)
    if options.format == "json":
        document = {
            "digest": policy.digest,
            "seconds": round(seconds, 3),
            "total": _document(total),
            "rules": [_document(rule) for rule in rules],
        }
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(_lines(rules, total, seconds)))
    return 0 if total.complete else 1


def _by_rule(explored: Iterable[ExploredRule]) -> list[Counted]:
    found: dict[str, list[ExploredRule]] = {}
    for one in explored:
        found.setdefault(one.tree.rule.name, []).append(one)
    return [
        _counted(rules[0].tree.rule.place, rules[0].tree.rule.kind, rules)
        for _name, rules in sorted(found.items(), key=lambda item: item[0][2:])
    ]


def _counted(place: str, kind: str, rules: Sequence[ExploredRule]) -> Counted:
    said = [leaf.answer for rule in rules for leaf in rule.leaves()]
    speaking = sum(bool(one.reasons) for one in said)
    erring = sum(one.error is not None for one in said)
    return Counted(
        rule=place,
        kind=kind,
        kinds=len({rule.head for rule in rules}),
        ways=len(said),
        speaking=speaking,
        silent=len(said) - speaking - erring,
        erring=erring,
        complete=all(rule.complete for rule in rules),
    )


def _document(counted: Counted) -> dict[str, object]:
    return {**asdict(counted), "dead": counted.dead}


def _lines(rules: Sequence[Counted], total: Counted, seconds: float) -> Iterator[str]:
    rows = [_HEAD, *(_row(one, one.rule) for one in rules), _row(total, f"{len(rules)} rules")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(
            text.rjust(width) if 2 <= number < len(_HEAD) - 1 else text.ljust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
    dead = [one.rule for one in rules if one.dead]
    yield f"never speak: {', '.join(dead) or 'none'}"
    outcome = "to the end" if total.complete else "but not to the end"
    yield f"explored {outcome} in {seconds:.2f} seconds"


def _row(counted: Counted, name: str) -> tuple[str, ...]:
    numbers = (
        counted.kinds,
        counted.ways,
        counted.speaking,
        counted.silent,
        counted.erring,
    )
    return (name, counted.kind, *map(str, numbers), "" if counted.complete else "incomplete")
