"""
Whether the log holds what was written: every chain line by line, and against signed heads.

A chain by itself shows every change but one: its end, or all from some line on, written anew.
That is what heads show, if a copy of them was kept where whoever did it could not reach.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from authz_service.domain.errors import InvalidInput
from authz_service.journal import heads
from authz_service.journal.heads import Heads
from authz_service.journal.keys import PublicKey
from authz_service.journal.lines import Clock, horizon
from authz_service.journal.segments import chains
from authz_service.journal.walking import Finding, Signed, Through, Walk, Walked

_ATTEMPTS = 5
"""How often a log is gone through while retention removes what is looked for."""


@dataclass(frozen=True, slots=True)
class Report:
    """
    What came of verifying a log.

    Attributes:
        findings: what is wrong, the first thing of each chain and file; empty if all is well.
        notes: what else there is to know.
        signed: the heads that the log was held to, its own first.
        walked: the chains.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    signed: tuple[Signed, ...]
    walked: tuple[Walked, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """
    What may be missing from the beginning of a chain.

    Attributes:
        days: how long records of each class are kept at least; 0 for ever, and where absent.
        clock: tells the present instant.
    """

    days: Mapping[str, int] = field(default_factory=dict)
    clock: Clock = time.time


FOR_EVER = Retention()
"""Nothing may be."""


def verify(
    log: Path,
    key: PublicKey | None,
    exported: Path | None = None,
    through: Through = iter,
    retention: Retention = FOR_EVER,
) -> Report:
    """
    Verify a log, which may be written to meanwhile.

    Args:
        log: its folder.
        key: what checks the signatures of its heads, or None if there is no such key.
        exported: a copy of its heads that was kept elsewhere, or None.
        through: goes through the segments of each chain.
        retention: what may have been removed since *exported*; else it is a finding.

    Raises:
        OSError: something is there and cannot be read.
    """
    for _again in range(_ATTEMPTS):
        report = _verified(log, key, exported, through, retention)
        if not report.findings or not _moved(log, key, report.signed):
            break
    return report


def _verified(
    log: Path,
    key: PublicKey | None,
    exported: Path | None,
    through: Through,
    retention: Retention,
) -> Report:
    findings: list[Finding] = []
    notes: list[str] = []
    signed: list[Signed] = []
    # First of all: what is written after heads is never less than they say.
    for file, name in ((log / heads.FILE, heads.FILE), (exported, str(exported))):
        if file is None:
            continue
        try:
            signed.append(Signed(name, _read(file, name, key)))
        except InvalidInput as error:
            findings.append(Finding(error.field, error.message))
        except FileNotFoundError:
            if name != heads.FILE:
                raise
            told = f"there is no {heads.FILE}: nothing has been signed"
            if exported is None and chains(log):
                told += ", and nothing shows whether the end of a chain was cut off"
            notes.append(told)
    if exported is not None:
        findings += _compared(signed, str(exported))
    known = {head.chain for one in signed for head in one.heads.heads}
    now = retention.clock()
    walked = [
        Walk(log, one, signed, through, horizon(now, retention.days.get(one.kind, 0))).go()
        for one in sorted({*chains(log), *known})
    ]
    findings += [one.finding for one in walked if one.finding is not None]
    notes += [note for one in walked for note in one.notes]
    notes += [note for one in signed if one.name != heads.FILE for note in _late(one, walked)]
    return Report(tuple(findings), tuple(notes), tuple(signed), tuple(walked))


def _read(file: Path, name: str, key: PublicKey | None) -> Heads:
    content = file.read_bytes()
    if key is None:
        raise InvalidInput(name, "cannot be verified: there is no public key")
    return heads.read(content, key, name)


def _compared(signed: Sequence[Signed], name: str) -> list[Finding]:
    """Hold the log's own heads to the exported ones, which may only be as old or older."""
    found = {one.name: one.heads for one in signed}
    own, copy = found.get(heads.FILE), found.get(name)
    if copy is None:
        return []
    if own is None:
        return [Finding(heads.FILE, f"is missing or wrong, and {name} is older than it was")]
    if own.sequence < copy.sequence:
        numbers = f"{own.sequence}, not {copy.sequence}"
        return [Finding(heads.FILE, f"is older than {name}: its number is {numbers}")]
    if own.sequence == copy.sequence and own != copy:
        return [Finding(heads.FILE, f"is another than {name} of the same number")]
    return []


def _late(signed: Signed, walked: Sequence[Walked]) -> list[str]:
    """Tell of chains that should be in heads and are not: they may have been put in later."""
    return [
        f"{signed.name}: does not know {one.chain}, which says that it began before"
        for one in walked
        if one.began is not None
        and one.began < signed.heads.moment
        and signed.heads.of(one.chain) is None
    ]


def _moved(log: Path, key: PublicKey | None, signed: Sequence[Signed]) -> bool:
    """Tell whether the log's heads were replaced meanwhile: then segments may be gone rightly."""
    before = next((one.heads.sequence for one in signed if one.name == heads.FILE), 0)
    if key is None:
        return False
    try:
        now, _digest = heads.latest(log, key)
    except InvalidInput:
        return False
    return now is not None and now.sequence > before
