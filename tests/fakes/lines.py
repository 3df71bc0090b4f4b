"""The port ``Lines`` on bytes in memory, in the form in which the log writes its segments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from authz_service.domain.decision import Record
from authz_service.domain.identifiers import Cnpj, ForeignId, ProcessId
from authz_service.journal.lines import line
from authz_service.usecases.acts import Details
from authz_service.usecases.log_index import Name
from authz_service.usecases.records import Line, Segment
from tests.fakes.clock import NOON
from tests.journal.test_lines import ACT, ASKED, CALLER, DECISION

CLIENTS = ("orquestra", "portal", "caf\u00e9 \u0000")
ACTS = ("open", "delegate", "client.add", "a\u00e7\u00e3o")
COMPANIES = (Cnpj("52420282000180"), Cnpj("11222333000181"), ForeignId("EX00001230"))
PROCESSES = tuple(ProcessId(name) for name in ("p001", "p061-registro", "p061"))
REASONS = ("granted", "no-permit", "policy-error", "expired")
PEOPLE = tuple(f"{number:032x}" for number in range(1, 40))
POLICIES = tuple(f"{number:064x}" for number in range(3))


class MemoryLines:
    """
    Any number of chains of any number of machines.

    ``content`` holds each segment's bytes; a test may cut, spoil or remove any of them. ``opened``
    holds the names of the segments that were read, and from where on.
    """

    def __init__(self) -> None:
        self.content: dict[Name, bytes] = {}
        self.opened: list[tuple[Name, int]] = []

    def write(
        self,
        records: Sequence[Record | bytes],
        chain: str = "0",
        number: int = 1,
        machine: str = "m1",
        kind: str = "decision",
    ) -> Name:
        """Write records as the log does, and bytes as they are, to the end of a segment."""
        name = Name(machine, kind, chain, number)
        header = {"schema": 1, "kind": "segment", "class": kind, "chain": chain, "number": number}
        torn = len(self.content.get(name._replace(number=number - 1), b"\n").split(b"\n")[-1])
        if torn:
            header["torn"] = torn
        lines = [one if isinstance(one, bytes) else line(one) for one in records]
        begun = json.dumps(header, separators=(",", ":")).encode() + b"\n"
        before = self.content.get(name, begun)
        self.content[name] = before + b"".join(lines)
        return name

    def records(self) -> list[Line]:
        """Give all records that were written whole, in the order of the index, newest first."""
        lines = [one for data in self.content.values() for one in data.split(b"\n")[1:-1]]
        found = [json.loads(one) for one in lines]
        # Of one moment, the end of the id decides.
        return sorted(found, key=lambda one: (one["moment"], one["id"][-12:]), reverse=True)

    def segments(self) -> list[Segment]:
        """Give the segments that there are; the last one of each chain is open."""
        return [
            Segment(
                kind=name.kind,
                chain=name.chain,
                number=name.number,
                size=len(data),
                closed=name._replace(number=name.number + 1) in self.content,
                machine=name.machine,
            )
            for name, data in self.content.items()
        ]

    def lines(self, segment: Segment, offset: int = 0) -> Iterator[tuple[int, bytes]]:
        """Give the whole lines of a segment, with where each begins."""
        self.opened.append((Name.of(segment), offset))
        data = self.content.get(Name.of(segment), b"")
        while (end := data.find(b"\n", offset)) >= 0:
            yield offset, data[offset:end]
            offset = end + 1

    def read(self, segment: Segment, offset: int, length: int) -> bytes:
        """Give the bytes of one line."""
        return self.content[Name.of(segment)][offset : offset + length]


def varied(count: int, seed: int = 0, first: int = 0) -> list[Record]:
    """
    Make records in the order of their moments, with few values of everything that is sought.

    Some share a moment, as the decisions of one batch do. Ids go on from *first*.
    """
    draw = Random(seed)  # noqa: S311 - the same in every run, and no secret
    made: list[Record] = []
    moment = NOON
    for number in range(first, first + count):
        moment += timedelta(microseconds=draw.choice([0, 0, 1, 1_000, 60_000_000]))
        name = f"{draw.getrandbits(80):020x}{number:012x}"
        caller = replace(CALLER, name=draw.choice(CLIENTS))
        people = draw.choices(PEOPLE, weights=range(1, len(PEOPLE) + 1), k=2)
        company = draw.choice(COMPANIES)
        if draw.random() < 0.1:
            details: Details = {"company": company.value, "persons": tuple(people), "why": "x"}
            act = replace(ACT, act=draw.choice(ACTS), details=details, caller=caller)
            made.append(replace(act, id=name, moment=moment))
            continue
        asked = replace(
            ASKED,
            actor=people[0],
            recipient=draw.choice([None, people[1]]),
            company=draw.choice([None, company]),
            process=draw.choice([None, *PROCESSES]),
            action=draw.choice(ACTS),
        )
        reasons = tuple(draw.sample(REASONS, draw.choice([1, 1, 2])))
        outcome = replace(DECISION.decision, allowed=draw.random() < 0.7, reasons=reasons)
        made.append(
            DECISION._replace(
                id=name,
                moment=moment,
                caller=caller,
                asked=asked,
                decision=outcome,
                policy_digest=POLICIES[(number - first) * len(POLICIES) // count],
            )
        )
    return made
