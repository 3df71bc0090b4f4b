"""
Counters and histograms that cost a fraction of a microsecond, in memory that files keep.

prometheus_client takes several microseconds for one decision, which is as much as the decision.
Here each series has slots of eight bytes in a mapped file, found once and then added to: when its
process is killed the system keeps what was added. A place's file is of one size: ``SLOTS``
numbers, and room for the names of their series.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

SLOTS = 16 * 1024
"""Numbers in one file: a few thousand series, of which a service has some hundreds."""
_NAMES = 1024 * 1024
_MARK = b"authz tally 1\n\0\0"
# The mark, how many bytes of names there are, how many slots are in use.
_HEAD = struct.Struct("=16sqq")
_NAMED, _USED = 2, 3  # where these two stand, in numbers of eight bytes
_FIRST = 4
_SIZE = 8 * (_FIRST + SLOTS) + _NAMES
_BEGINNING = "tally-"
_ANY_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Family:
    """
    A counter, or a histogram if it has bounds.

    Attributes:
        name: without ``_total``.
        text: what it counts.
        labels: their names.
        bounds: upper bounds of the buckets, rising; the last one, infinity, is left out.
    """

    name: str
    text: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Slots of one series: one, or each bucket and the one beyond them, and the sum."""
        return len(self.bounds) + 2 if self.bounds else 1


class Tally:
    """
    The numbers of one place.

    Args:
        families: all that are counted.
        folder: where its file and those of other places are, or None for a process that counts
            alone and keeps nothing.
        place: whose file it is; one that is there already is gone on with.

    Attributes:
        whole: the slots as whole numbers.
        real: the same slots as floating-point numbers, for sums of histograms.
    """

    def __init__(
        self, families: Sequence[Family], folder: Path | None = None, place: str = ""
    ) -> None:
        self._map = _mapped(None if folder is None else folder / f"{_BEGINNING}{place}.bin")
        numbers = memoryview(self._map)
        self.whole = numbers[: 8 * (_FIRST + SLOTS)].cast("q")
        self.real = numbers[: 8 * (_FIRST + SLOTS)].cast("d")
        self._names = numbers[8 * (_FIRST + SLOTS) :]
        self._series = {one: slot for slot, one in _named(bytes(self._names), self.whole[_NAMED])}
        # So that there is room for all the others of each.
        self._reserved = sum(one.width for one in families)
        for one in families:
            if not one.labels:
                self.slot(one)

    def slot(self, family: Family, labels: tuple[str, ...] = ()) -> int:
        """
        Give the first slot of a series, which begins at 0 if it is new.

        Where the file has no room for another, all further ones of a family are one, whose labels
        are ``other``. For one thread at a time.
        """
        found = self._series.get((family.name, labels))
        if found is not None:
            return found
        rest = (_ANY_OTHER,) * len(labels)
        line = json.dumps([family.name, labels], separators=(",", ":")).encode() + b"\n"
        named, used = self.whole[_NAMED], self.whole[_USED]
        room = SLOTS - used - (0 if labels == rest else self._reserved)
        if labels != rest and (room < family.width or named + len(line) > _NAMES // 2):
            return self.slot(family, rest)
        slot = _FIRST + used
        told = b"%d %s" % (slot, line)
        self._names[named : named + len(told)] = told
        self.whole[_USED] = used + family.width
        # Last: who reads meanwhile, or goes on after a kill, sees all of it or nothing.
        self.whole[_NAMED] = named + len(told)
        self._series[family.name, labels] = slot
        return slot

    def read(self) -> tuple[bytes, bytes]:
        """Give the slots and the names as they are now."""
        return bytes(self.whole), bytes(self._names[: self.whole[_NAMED]])


class Tallies(Collector):
    """
    What Prometheus scrapes of the tallies of all places.

    Args:
        families: all that are counted, in their order.
        own: the tally of this process.
        folder: where the others are, its own among them, or None if there are none.
    """

    def __init__(self, families: Sequence[Family], own: Tally, folder: Path | None) -> None:
        self._families = families
        self._own = own
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Give every family with the sums over all places."""
        sums: dict[tuple[str, tuple[str, ...]], list[float]] = {}
        widths = {one.name: one for one in self._families}
        for slots, names in self._all():
            for slot, (name, labels) in _named(names, len(names)):
                family = widths.get(name)
                if family is None:
                    continue
                numbers = _numbers(slots, slot, family)
                before = sums.get((name, labels))
                sums[name, labels] = (
                    numbers
                    if before is None
                    else [one + two for one, two in zip(before, numbers, strict=True)]
                )
        for family in self._families:
            found = {labels: all_ for (name, labels), all_ in sums.items() if name == family.name}
            yield _metric(family, found)

    def _all(self) -> Iterator[tuple[bytes, bytes]]:
        if self._folder is None:
            yield self._own.read()
            return
        for file in sorted(self._folder.glob(f"{_BEGINNING}*.bin")):
            content = file.read_bytes()
            # One that is being made is too short for a moment.
            if len(content) == _SIZE:
                length = _HEAD.unpack_from(content)[1]
                at = 8 * (_FIRST + SLOTS)
                yield content[:at], content[at : at + length]


def _mapped(file: Path | None) -> mmap.mmap:
    """Map a file, which is made if there is none, or memory without one."""
    if file is None:
        mapped = mmap.mmap(-1, _SIZE)
    else:
        with file.open("a+b") as opened:
            opened.truncate(_SIZE)
            mapped = mmap.mmap(opened.fileno(), _SIZE)
    if mapped[: len(_MARK)] != _MARK:
        mapped[: _HEAD.size] = _HEAD.pack(_MARK, 0, 0)
    return mapped


def _named(names: bytes, length: int) -> Iterator[tuple[int, tuple[str, tuple[str, ...]]]]:
    """Give the first slot of each series, and its family's name and labels."""
    for line in names[:length].splitlines():
        slot, told = line.split(b" ", 1)
        name, labels = json.loads(told)
        yield int(slot), (name, tuple(labels))


def _numbers(slots: bytes, slot: int, family: Family) -> list[float]:
    """Give what stands in the slots of one series: whole numbers, and the sum of a histogram."""
    if not family.bounds:
        return list(struct.unpack_from("=q", slots, 8 * slot))
    return list(struct.unpack_from(f"={len(family.bounds) + 1}qd", slots, 8 * slot))


def _metric(family: Family, found: Mapping[tuple[str, ...], Sequence[float]]) -> Metric:
    if not family.bounds:
        counter = CounterMetricFamily(family.name, family.text, labels=family.labels)
        for labels, (count,) in sorted(found.items()):
            counter.add_metric(labels, count)
        return counter
    histogram = HistogramMetricFamily(family.name, family.text, labels=family.labels)
    texts = [*map(floatToGoString, family.bounds), "+Inf"]
    for labels, numbers in sorted(found.items()):
        buckets = list(zip(texts, accumulate(numbers[:-1]), strict=True))
        histogram.add_metric(labels, buckets, numbers[-1])
    return histogram
