"""``authz audit replay``: a decision of the log made again, from its evidence alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from authz_service.cli import judged
from authz_service.cli.calling import Verbs, service, settings
from authz_service.domain.errors import AuthzError, NotFound, PolicyInvalid
from authz_service.policy.bundle import build
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.live.content import look_into
from authz_service.policy.live.last_good import LastGood
from authz_service.usecases.records import Line
from authz_service.usecases.replaying import Outcome, Replay, asked_no_rule, before_rules, replay

CODES = {Outcome.SAME: 0, Outcome.DIFFERS: 1, Outcome.UNKNOWN: 2}
"""The exit codes."""

CANNOT = 2
"""The exit code where there is no such record, or no policy to decide it again by."""


def add_to(group: Verbs) -> None:
    """Add the verb to ``authz audit``."""
    replaying = group.add_parser(
        "replay",
        help="make a decision of the log again from its evidence, and tell what differs",
        description="Decides by the policy of the record, which is kept since it came into force, "
        "or by another one, from the evidence of the record alone. Exit code 0: the same decision "
        "for the same reasons. 1: another. 2: it cannot be told, as there is no such record or "
        "policy, or the policy asks what nobody looked at then.",
    )
    replaying.add_argument("id", metavar="ID", help="the record's, as an answer carries it")
    replaying.add_argument(
        "--policies",
        metavar="FOLDER",
        type=Path,
        help="what this policy would have said, instead of the one that decided",
    )
    replaying.add_argument("--json", action="store_true", help="one document on stdout")
    replaying.set_defaults(run=_replay)


def _replay(options: argparse.Namespace) -> int:
    try:
        with service() as built:
            record = built.decisions.find(options.id)
        if record["kind"] != "decision":
            raise NotFound("it is the record of an act; only decisions are made again")
        found = _made_again(record, options.policies)
    except PolicyInvalid as error:
        return _cannot(*map(str, error.problems))
    except AuthzError as error:
        return _cannot(str(error))
    if options.json:
        print(json.dumps(document(record, found), ensure_ascii=False, indent=2))
    else:
        print("\n".join(told(record, found)))
    return CODES[found.outcome]


def _cannot(*lines: str) -> int:
    print(*lines, sep="\n", file=sys.stderr)
    return CANNOT


def _made_again(record: Line, folder: Path | None) -> Replay:
    if asked_no_rule(record):
        return before_rules(record)
    policy = _policy_of(record) if folder is None else judged.usable(folder)
    judged.explored(policy)
    return replay(record, policy)


def _policy_of(record: Line) -> CompiledPolicy:
    """
    Give the policy that decided.

    Raises:
        NotFound: it was not kept, and the policy folder holds another.
        PolicyInvalid: it is not whole, or this version of the service cannot use it.
    """
    known, digest = settings(), record["policy_digest"]
    sources = LastGood(known.last_good_policy).recall(digest)
    if sources is None:
        held = look_into(known.policies)
        if held.problems or held.policy != digest:
            raise NotFound(
                f"the policy {digest} that decided is neither kept in {known.data_dir} nor in the "
                f"folder {known.policies}; where it still is, name it with --policies"
            )
        sources = held.sources
    return build(sources)


def document(record: Line, found: Replay) -> dict[str, Any]:
    """Give what came of it for programs."""
    again = found.replayed
    return {
        "record": record["id"],
        "outcome": found.outcome.value,
        "differing": found.differing,
        "then": {
            "policy": record["policy_digest"],
            **{name: record[name] for name in ("decision", "reasons", "rules", "errors")},
        },
        "now": {
            "policy": found.digest,
            "decision": again.allowed,
            "reasons": again.reasons,
            "rules": again.rules,
            "rules_left_open": again.others,
            "also_asks": again.asks,
        },
    }


def told(record: Line, found: Replay) -> Iterator[str]:
    """Give what came of it for people, line by line."""
    again, reasons = found.replayed, tuple(record["reasons"])
    yield f"record    {record['id']} of {record['moment']}"
    yield f"decided   {_decision(record['decision'], reasons)}"
    yield from (f"          {place} spoke" for place in record["rules"] if not record["errors"])
    yield from (f"          {one['rule']} erred: {one['cause']}" for one in record["errors"])
    yield f"          by policy {record['policy_digest']}"
    yield f"replayed  {_decision(again.allowed, again.reasons)}"
    if found.digest is None:
        yield "          before any rule is asked, so by whatever policy"
    else:
        yield f"          by {_whose(record, found)} {found.digest}"
    yield ""
    yield from _verdict(found)


def _whose(record: Line, found: Replay) -> str:
    same = found.digest == record["policy_digest"]
    return "the same policy" if same else "another policy,"


def _decision(allowed: bool | None, reasons: tuple[str, ...] | None) -> str:  # noqa: FBT001 - it is the datum
    decision = {True: "allowed", False: "denied", None: "allowed or denied"}[allowed]
    because = "for reasons that cannot be told" if reasons is None else ", ".join(reasons)
    return f"{decision}: {because}"


def _verdict(found: Replay) -> Iterator[str]:
    again = found.replayed
    if found.outcome is Outcome.SAME:
        yield "SAME"
    elif found.outcome is Outcome.DIFFERS:
        yield f"DIFFERS: {', '.join(found.differing)}"
        if "rules" in found.differing:
            yield from (f"    {place} speaks now" for place in again.rules)
    else:
        yield "CANNOT BE TOLD from the evidence"
    if again.reasons is None and again.asks:
        yield "    the rules also ask for"
        yield from (f"        {test}" for test in again.asks)
    elif again.reasons is None:
        yield "    not every way through these rules was explored, or the record hides a number"
        yield from (f"        {place}" for place in again.others)
