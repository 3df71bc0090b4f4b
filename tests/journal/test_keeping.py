"""Closed segments are compressed, old ones removed, heads signed; each step can be cut off."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from authz_service.domain.errors import InvalidInput
from authz_service.journal import heads, keys
from authz_service.journal.journal import Journal, Options
from authz_service.journal.keeping import Keeper
from authz_service.journal.keys import PublicKey
from authz_service.journal.packed import PackedFile, PackedInvalid, compress, pack
from authz_service.journal.places import Lock, locked
from authz_service.journal.verifying import Retention
from tests.journal.logs import (
    DAY,
    NOW,
    Hands,
    acts,
    decisions,
    findings,
    journal,
    never,
    revisions,
    signed,
    stored,
    until,
    verified,
)


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    """Give a log with segments of one decision each, as they were written."""
    log = tmp_path / "log"
    with journal(log, "cli", Options(segment_bytes=1)) as written:
        for number in range(4):
            written.write(decisions(number))
    return log


FOLDER = Path("decision", "cli")


def files(log: Path) -> list[str]:
    """Give the names of the files of the chain."""
    return sorted(one.name for one in (log / FOLDER).iterdir())


def keeper(log: Path, clock: Hands | None = None, **days: int) -> Keeper:
    """Give what looks after a log."""
    return Keeper(log, keys.own(log), days, clock or Hands())


PACKED = [
    "00000001.jsonl.gz",
    "00000002.jsonl.gz",
    "00000003.jsonl.gz",
    "00000004.jsonl",
]


def test_closed_segments_are_compressed(log: Path) -> None:
    """All but the one that is written to; what stands in them is the same."""
    before = stored(log, str(FOLDER))
    keeper(log).pack()

    assert PACKED == files(log)
    assert before == stored(log, str(FOLDER))


def test_any_tool_reads_what_is_compressed(tmp_path: Path) -> None:
    """``zcat`` gives back, byte by byte, what was put in; each member is of whole lines."""
    content = b"".join(b'{"line":%d,"x":"%s"}\n' % (n, b"y" * (n % 300)) for n in range(10_000))
    source, target = tmp_path / "00000001.jsonl", tmp_path / "00000001.jsonl.gz"
    source.write_bytes(content)
    pack(source, target)

    assert content == subprocess.check_output(["gzip", "-dc", str(target)])
    assert not source.exists()
    with target.open("rb") as file:
        packed = PackedFile(file.fileno())
        assert len(content) == packed.size
        place = len(content) - 5_000
        assert content[place : place + 300] == packed.read(place, 300)
        assert content == packed.read(0, len(content) + 1)
        assert (b"", content[:9]) == (packed.read(len(content), 9), packed.start(9))


@pytest.mark.parametrize("content", [b"", b"no line", b"\n", b"x" * 600_000 + b"\n{}\n"])
def test_any_content_is_compressed(tmp_path: Path, content: bytes) -> None:
    """Empty ones, torn ones, and one line longer than a member."""
    source, target = tmp_path / "1.jsonl", tmp_path / "1.jsonl.gz"
    source.write_bytes(content)
    pack(source, target)

    assert content == gzip.decompress(target.read_bytes())


SIZE, HELD, TOTAL = slice(16, 20), slice(20, 24), slice(24, 32)
"""Where the head of a member tells how long it is, what it holds, and what the whole segment."""


@pytest.mark.parametrize("member", [0, 1], ids=["the first", "the second"])
@pytest.mark.parametrize(
    ("place", "told"),
    [
        (SIZE, b"\x00" * 4),
        (SIZE, b"\x01\x00\x00\x00"),
        (SIZE, b"\xff" * 4),
        (HELD, b"\xff\x00\x00\x00"),
        (TOTAL, b"\x09" + b"\x00" * 7),
    ],
    ids=["nothing", "less than a head", "more than there is", "holds less", "another segment's"],
)
def test_a_member_that_lies_about_sizes_is_refused(
    tmp_path: Path, member: int, place: slice, told: bytes
) -> None:
    """It is not believed, nor looked for without end."""
    source, target = tmp_path / "1.jsonl", tmp_path / "1.jsonl.gz"
    source.write_bytes(b"x" * 99 + b"\n" + b"y" * 400_000 + b"\n")
    pack(source, target)
    content = bytearray(target.read_bytes())
    begin = int.from_bytes(content[SIZE], "little") * member
    content[begin + place.start : begin + place.stop] = told
    target.write_bytes(content)

    with target.open("rb") as file, pytest.raises(PackedInvalid):
        PackedFile(file.fileno()).read(0, 200)


@pytest.mark.parametrize("more", [1, -1])
def test_members_that_lie_about_each_other_are_refused(tmp_path: Path, more: int) -> None:
    """Nor if what one is said to hold too much another is said to hold too little."""
    source, target = tmp_path / "1.jsonl", tmp_path / "1.jsonl.gz"
    source.write_bytes(b"x" * 99 + b"\n" + b"y" * 400_000 + b"\n")
    pack(source, target)
    content = bytearray(target.read_bytes())
    second = int.from_bytes(content[SIZE], "little")
    for begin, shift in ((0, more), (second, -more)):
        place = slice(begin + HELD.start, begin + HELD.stop)
        told = int.from_bytes(content[place], "little") + shift
        content[place] = told.to_bytes(4, "little")
    target.write_bytes(content)

    with target.open("rb") as file, pytest.raises(PackedInvalid, match="is damaged"):
        PackedFile(file.fileno()).read(0, 50)


def test_a_member_that_cannot_be_unpacked_is_refused(tmp_path: Path) -> None:
    """Also one in the middle, of which nobody has seen the beginning before."""
    source, target = tmp_path / "1.jsonl", tmp_path / "1.jsonl.gz"
    source.write_bytes(b"x" * 99 + b"\n" + b"y" * 400_000 + b"\n")
    pack(source, target)
    content = bytearray(target.read_bytes())
    # Behind the head, a block of a kind that there is not.
    content[int.from_bytes(content[SIZE], "little") + 32] = 0xFF
    target.write_bytes(content)

    with target.open("rb") as file:
        packed = PackedFile(file.fileno())
        assert b"x" * 50 == packed.read(0, 50)
        with pytest.raises(PackedInvalid, match="cannot be unpacked"):
            packed.read(200, 50)


def half_written(log: Path) -> None:
    """Be killed while the compressed form is written."""
    (log / FOLDER / "00000001.jsonl.gz.part").write_bytes(b"\x1f\x8b\x08")


def not_renamed(log: Path) -> None:
    """Be killed before it has its name."""
    pack_aside(log).rename(log / FOLDER / "00000001.jsonl.gz.part")


def not_removed(log: Path) -> None:
    """Be killed before the original is removed."""
    pack_aside(log).rename(log / FOLDER / "00000001.jsonl.gz")


def pack_aside(log: Path) -> Path:
    """Compress a copy of the first segment."""
    copy, packed = log / "copy", log / "copy.gz"
    shutil.copy(log / FOLDER / "00000001.jsonl", copy)
    pack(copy, packed)
    return packed


@pytest.mark.parametrize("killed", [half_written, not_renamed, not_removed])
def test_compressing_is_taken_up_where_it_was_cut_off(
    log: Path, killed: Callable[[Path], None]
) -> None:
    """Between any two steps the log is whole, and the next round brings it to its end."""
    killed(log)
    assert ([], [0, 1, 2, 3]) == (findings(log), revisions(log, str(FOLDER)))
    keeper(log).pack()

    assert PACKED == files(log)
    assert ([], [0, 1, 2, 3]) == (findings(log), revisions(log, str(FOLDER)))


def test_what_cannot_be_compressed_stays(log: Path) -> None:
    """A failure leaves the original in its place, and nothing half."""
    (log / FOLDER / "00000001.jsonl.gz").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        keeper(log).pack()

    assert ["00000001.jsonl", "00000001.jsonl.gz", *files(log)[2:]] == files(log)


OWN = Path("decision", "0")


def of_a_worker(tmp_path: Path) -> Path:
    """Give a log with segments of one decision each, of which a worker has compressed none."""
    log = tmp_path / "log"
    written = Journal(log, "0", Options(segment_bytes=1, heads_seconds=900.0), never, Hands())
    written.write(decisions(0))
    # From now on it cannot, and it does not say so before it is asked.
    with locked(log, "packing"):
        for number in range(1, 4):
            written.write(decisions(number))
        written.close()
    for plain in (log / OWN).glob("*.gz"):
        raise AssertionError(f"{plain} was compressed")
    return log


def names(log: Path) -> list[str]:
    """Give the names of the files of the worker's chain."""
    return sorted(one.name for one in (log / OWN).iterdir())


def test_heads_are_signed_while_a_segment_is_compressed(tmp_path: Path) -> None:
    """However long it takes: whoever signs does not wait for it, nor passes it over."""
    log = of_a_worker(tmp_path)
    signed_meanwhile = []

    def slowly(source: Path, part: Path, _held: Lock) -> bool:
        compress(source, part)
        signed_meanwhile.append(keeper(log).keep().heads is not None)
        return True

    Keeper(log, keys.own(log), {}, Hands(), slowly).pack()
    assert [True] * 3 == signed_meanwhile
    assert PACKED == names(log)
    assert ([], [0, 1, 2, 3]) == (findings(log), revisions(log, str(OWN)))


def test_what_is_removed_while_it_is_compressed_does_not_come_back(tmp_path: Path) -> None:
    """Nobody would ever remove it again: the heads say that it has gone."""
    log = of_a_worker(tmp_path)
    keeper(log).sign()

    def too_late(source: Path, part: Path, _held: Lock) -> bool:
        compress(source, part)
        if source.name == "00000001.jsonl":
            keeper(log, Hands(NOW + 9 * DAY), decision=2).keep()
        return True

    Keeper(log, keys.own(log), {}, Hands(), too_late).pack()
    assert ["00000004.jsonl"] == names(log)


def test_what_was_cut_off_goes_with_its_segment(tmp_path: Path) -> None:
    """A compressed form that nobody has finished is removed when its segment is."""
    log = of_a_worker(tmp_path)
    (log / OWN / "00000001.jsonl.gz.part").write_bytes(b"half")
    keeper(log).sign()
    keeper(log, Hands(NOW + 9 * DAY), decision=2).keep()
    assert ["00000004.jsonl"] == names(log)


def test_while_the_log_is_backed_up_nothing_takes_its_place(tmp_path: Path) -> None:
    """Who holds the lock finds every file as it was; the next round compresses."""
    log = of_a_worker(tmp_path)
    before = names(log)
    with locked(log, "keeping"):
        keeper(log).pack()
        assert before == names(log)
    keeper(log).pack()
    assert PACKED == names(log)


def test_what_is_stopped_takes_no_place(tmp_path: Path) -> None:
    """Nothing of a segment that was not compressed to its end is used."""
    log = of_a_worker(tmp_path)
    before, tried = names(log), []

    def stopped(source: Path, _part: Path, _held: Lock) -> bool:
        tried.append(source.name)
        return False

    Keeper(log, keys.own(log), {}, Hands(), stopped).pack()
    assert (["00000001.jsonl"], before) == (tried, names(log))


def test_two_do_not_compress_at_once(tmp_path: Path) -> None:
    """They would write the same file."""
    log = of_a_worker(tmp_path)
    before = names(log)
    with locked(log, "packing"):
        keeper(log).pack()
    assert before == names(log)


def test_what_is_not_ours_is_not_read(tmp_path: Path) -> None:
    """A gzip file of another make is told as such."""
    file = tmp_path / "other.gz"
    file.write_bytes(gzip.compress(b"{}\n"))
    with file.open("rb") as other, pytest.raises(PackedInvalid, match="no member begins"):
        PackedFile(other.fileno())


def test_what_cannot_be_read_keeps_nothing_else_from_being_done(log: Path) -> None:
    """Heads are signed and old segments removed beside one that somebody has damaged."""
    keeper(log).pack()
    keeper(log).sign()
    (log / FOLDER / "00000003.jsonl.gz").write_bytes(b"damaged")
    kept = keeper(log, Hands(NOW + 9 * DAY), decision=2).keep()

    assert (True, ()) == (kept.heads is not None, kept.flaws)
    # The one before it stays: what would come first then could not be told.
    assert ["00000002.jsonl.gz", "00000003.jsonl.gz", "00000004.jsonl"] == files(log)
    assert ["decision/cli/00000003.jsonl.gz: no member begins at byte 0"] == findings(log)


def test_a_head_whose_segment_is_damaged_is_kept(log: Path) -> None:
    """Compressed since, and damaged since: the proof stays, and the flaw is told."""
    keeper(log).sign()
    with journal(log, "cli", Options(segment_bytes=1)) as written:
        written.write(decisions(4))
    keeper(log).pack()
    (log / FOLDER / "00000004.jsonl.gz").write_bytes(b"damaged")
    kept = keeper(log).keep()

    assert ("decision/cli: is not what its last head says",) == kept.flaws


def test_one_process_looks_after_the_log_at_a_time(log: Path) -> None:
    """Whoever comes meanwhile leaves it be."""
    with locked(log, "keeping"):
        kept = keeper(log).keep()
        keeper(log).pack()
        keeper(log, Hands(NOW + 9 * DAY), decision=2).renew()

    assert (None, ()) == (kept.heads, kept.flaws)
    assert not (log / heads.FILE).exists()
    assert [f"{number:08}.jsonl" for number in range(1, 5)] == files(log)


def test_heads_say_how_far_every_chain_has_come(log: Path) -> None:
    """Class, chain, segment, bytes, hash, moment, and what is kept; signed, and numbered."""
    with journal(log) as written:
        written.write(acts(7))
    first = (log / heads.FILE).read_bytes()
    found = json.loads(signed(log))
    last = stored(log, str(FOLDER))[3]
    signature, machine = found.pop("signature"), found.pop("machine")

    assert 128 == len(signature)
    assert keys.own(log).machine == machine
    assert ["act", "decision"] == [one["class"] for one in found["chains"]]
    assert {
        "class": "decision",
        "chain": "cli",
        "first": 1,
        "before": "0" * 64,
        "number": 4,
        "bytes": len(last),
        "hash": json.loads(last.splitlines()[-1])["hash"],
        "moment": json.loads(last.splitlines()[-1])["moment"],
    } == found.pop("chains")[1]
    assert {
        "schema": 1,
        "kind": "heads",
        "sequence": 2,
        "moment": "2026-11-20T15:00:00.000000Z",
        "previous": sha256(first).hexdigest(),
    } == found


def test_heads_are_signed_at_the_interval(tmp_path: Path) -> None:
    """While the service runs, without anybody asking."""
    log = tmp_path / "log"
    with journal(log, options=Options(heads_seconds=0.02)) as written:
        written.write(decisions(1))
        until(lambda: (log / heads.FILE).exists() and _sequence(log) >= 3)
        assert written.ailment() is None

    assert [] == findings(log)


def _sequence(log: Path) -> int:
    return heads.read((log / heads.FILE).read_bytes(), PublicKey.read(log / keys.PUBLIC)).sequence


def test_heads_that_somebody_else_has_signed_are_not_replaced(log: Path) -> None:
    """They are the proof of something; the ailment tells of it."""
    signed(log)
    wrong = (log / heads.FILE).read_bytes().replace(b'"sequence":1', b'"sequence":9')
    (log / heads.FILE).write_bytes(wrong)
    kept = keeper(log).keep()

    assert (None, ("its heads.json: is not signed with this key",)) == (kept.heads, kept.flaws)
    assert wrong == (log / heads.FILE).read_bytes()


def test_what_looks_after_the_log_tells_what_is_wrong(tmp_path: Path) -> None:
    """A chain that lost its end while the service runs is an ailment of the log."""
    log = tmp_path / "log"
    with journal(log, options=Options(heads_seconds=0.02)) as written:
        written.write(acts(1))
        until((log / heads.FILE).exists)
        file = log / "act" / "0" / "00000001.jsonl"
        header, _record = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(header)
        until(lambda: written.ailment() is not None)
        assert "cannot be signed: act/0: is not what its last head says" == written.ailment()


def test_old_segments_are_removed_and_the_heads_say_so(tmp_path: Path) -> None:
    """Each class after its own time; what is left is whole, and nothing else may be missing."""
    log, clock = tmp_path / "log", Hands()
    options = Options(keep_decisions_days=2, keep_acts_days=7)
    with journal(log, options=options, clock=clock) as written:
        for number in range(6):
            written.write(decisions(number))
            written.write(acts(number))
            clock.now += DAY
    copy = tmp_path / "kept.json"
    copy.write_bytes((log / heads.FILE).read_bytes())
    found = {one.chain.kind: one for one in heads.read(copy.read_bytes(), public(log)).heads}

    assert ([4, 5], [0, 1, 2, 3, 4, 5]) == (revisions(log), revisions(log, "act/0"))
    assert (5, 1) == (found["decision"].first, found["act"].first)
    assert [] == findings(log, copy)
    next(iter((log / "decision" / "0").glob("00000005*"))).unlink()
    assert ["decision/0/00000005.jsonl: is missing"] == findings(log, copy)


def public(log: Path) -> PublicKey:
    """Give the log's public key."""
    return PublicKey.read(log / keys.PUBLIC)


def test_removal_goes_with_heads_of_before_it(tmp_path: Path) -> None:
    """A copy of heads of before still verifies; it says that it covers nothing any more."""
    log, clock = tmp_path / "log", Hands()
    with journal(log, clock=clock) as written:
        for number in range(3):
            written.write(decisions(number))
            if number == 0:
                (tmp_path / "kept.json").write_bytes(signed(log))
            clock.now += DAY
    clock.now += 30 * DAY
    keeper(log, clock, decision=7).renew()
    keeper(log, clock, decision=7).keep()

    report = verified(log, tmp_path / "kept.json", Retention({"decision": 7}, clock))
    assert () == report.findings
    told = f"{tmp_path / 'kept.json'}: all that it covers of decision/0 was removed"
    assert (told,) == report.notes
    # Nobody holds the chain, so it was closed with a segment that has no record.
    assert [] == revisions(log)
    assert 1 == len(stored(log))


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ({}, "and records of its class are kept for ever"),
        ({"act": 7}, "and records of its class are kept for ever"),
        ({"decision": 34}, "and some are younger than what may be"),
    ],
)
def test_removal_that_retention_does_not_explain_is_found(
    tmp_path: Path, days: dict[str, int], why: str
) -> None:
    """Whoever holds the key can sign that nothing older is kept; the copy asks by which right."""
    log, clock, copy = tmp_path / "log", Hands(), tmp_path / "kept.json"
    with journal(log, clock=clock) as written:
        written.write(decisions(1))
    copy.write_bytes(signed(log))
    clock.now += 33 * DAY
    keeper(log, clock, decision=7).renew()
    keeper(log, clock, decision=7).keep()
    found = verified(log, copy, Retention(days, clock)).findings

    assert [f"{copy}: all that it covers of decision/0 was removed, {why}"] == [*map(str, found)]


def test_removal_of_a_part_where_all_is_kept_is_found(log: Path, tmp_path: Path) -> None:
    """Also where the copy's last line is still there."""
    copy, clock = tmp_path / "kept.json", Hands(NOW + 9 * DAY)
    copy.write_bytes(signed(log))
    keeper(log, clock, decision=7).keep()
    told = f"{copy}: segments of decision/cli until 3 were removed since"

    assert [f"{told}, and records of its class are kept for ever"] == findings(log, copy)
    assert () == verified(log, copy, Retention({"decision": 7}, clock)).findings


@pytest.mark.parametrize("content", [b"", b'{"torn'], ids=["empty", "torn"])
def test_a_head_is_of_the_last_line_that_counts(log: Path, content: bytes) -> None:
    """A segment behind it that a power cut left without any is not spoken of."""
    before = json.loads(signed(log))["chains"]
    (log / FOLDER / "00000005.jsonl").write_bytes(content)

    assert before == json.loads(signed(log))["chains"]
    assert [] == findings(log)


def test_a_segment_that_is_young_enough_is_not_closed(log: Path) -> None:
    """Only what is to be removed one day has to end; a round a day leaves no file a day."""
    clock = Hands(NOW + 2 * DAY)
    before = files(log)
    keeper(log, clock, decision=2).renew()
    assert before == files(log)
    clock.now += 1
    keeper(log, clock, decision=2).renew()
    assert [*before, "00000005.jsonl"] == files(log)
    keeper(log, clock, decision=2).renew()
    assert 5 == len(files(log))


def test_removal_that_was_cut_off_is_taken_up(tmp_path: Path) -> None:
    """Heads come first: segments that are still there are told, and go in the next round."""
    log, clock = tmp_path / "log", Hands()
    with journal(log, clock=clock) as written:
        for number in range(3):
            written.write(decisions(number))
            clock.now += DAY
    first = log / "decision" / "0" / "00000001.jsonl.gz"
    content = first.read_bytes()
    keeper(log, clock, decision=2).keep()
    assert not first.exists()
    first.write_bytes(content)
    report = verified(log)
    told = "decision/0: segments until 1 are still there, and may be removed"
    assert ((), (told,)) == (report.findings, report.notes)
    keeper(log, clock, decision=2).keep()

    assert not first.exists()
    assert [1, 2] == revisions(log)


def test_a_chain_that_is_held_lets_go_of_what_is_old(tmp_path: Path) -> None:
    """Also where nothing is written any more, so that no new segment would begin by itself."""
    log, clock = tmp_path / "log", Hands()
    options = Options(keep_decisions_days=1, heads_seconds=0.02)
    with journal(log, options=options, clock=clock) as written:
        written.write(decisions(1))
        clock.now += 3 * DAY
        until(lambda: not revisions(log))
        written.write(decisions(2))

    assert [2] == revisions(log)
    assert [] == findings(log)


def test_the_key_is_made_once(tmp_path: Path) -> None:
    """It is its owner's, the public one anybody's, and both stay."""
    first = keys.own(tmp_path / "log")
    again = keys.own(tmp_path / "log")

    assert first.public.pem == again.public.pem == (tmp_path / "log" / keys.PUBLIC).read_bytes()
    assert first.machine == again.machine
    modes = [(tmp_path / "log" / one).stat().st_mode & 0o777 for one in (keys.PRIVATE, keys.PUBLIC)]
    assert [0o600, 0o644] == modes


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\n", b"\xff"])
def test_what_is_no_public_key_is_told(tmp_path: Path, content: bytes) -> None:
    """By the name of the file."""
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(InvalidInput, match="holds no public key"):
        PublicKey.read(tmp_path / "key")


def test_a_damaged_private_key_refuses(tmp_path: Path) -> None:
    """It is not made anew: heads that were signed with it could not be verified any more."""
    log = tmp_path / "log"
    keys.own(log)
    (log / keys.PRIVATE).write_bytes(b"")
    with pytest.raises(OSError, match="holds no private key"):
        keys.own(log)
