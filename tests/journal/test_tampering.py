"""Whatever is done to the files of the log afterwards is found, and the first bad place named."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from authz_service.journal import keys
from authz_service.journal.heads import FILE
from authz_service.journal.journal import Options
from authz_service.journal.keeping import Keeper
from authz_service.journal.lines import instant
from authz_service.journal.links import Header, Torn, chained, parted
from authz_service.journal.segments import Chain
from authz_service.journal.verifying import verify
from tests.journal.logs import (
    Hands,
    acts,
    decisions,
    findings,
    journal,
    rechained,
    signed,
    stored,
    verified,
)

CHAIN = Path("decision", "0")


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    """Give a log of two runs, whose first segment is as it was written."""
    log = tmp_path / "log"
    with journal(log) as written:
        written.write(decisions(1, 2, 3))
        written.write(acts(4))
    with journal(log) as written:
        written.write(decisions(5, 6))
    return log


@pytest.fixture(name="small")
def _small(tmp_path: Path) -> Path:
    """Give the smallest log, and its heads."""
    log = tmp_path / "log"
    with journal(log) as written:
        written.write(acts(1, 2))
    return log


@pytest.fixture(name="copy")
def _copy(log: Path, tmp_path: Path) -> Path:
    """Give heads that were kept elsewhere."""
    copy = tmp_path / "kept-heads.json"
    copy.write_bytes(signed(log))
    return copy


def only(log: Path, number: int = 2) -> Path:
    """Give the file of a segment of decisions."""
    [file] = (log / CHAIN).glob(f"{number:08}.jsonl*")
    return file


def test_an_untouched_log_is_whole(log: Path, copy: Path) -> None:
    """Nothing is found in what was written, and all of it is covered."""
    report = verified(log, copy)

    assert ((), ()) == (report.findings, report.notes)
    counted = {str(one.chain): (one.segments, one.records, one.covered) for one in report.walked}
    assert {
        "act/0": (1, 1, {FILE: 1, str(copy): 1}),
        "decision/0": (2, 5, {FILE: 5, str(copy): 5}),
    } == counted


def test_heads_that_nobody_can_check_prove_nothing(log: Path, copy: Path) -> None:
    """Without the public key both files of heads are findings, and the chains are gone along."""
    report = verify(log, None, copy)

    told = "cannot be verified: there is no public key"
    assert [f"{FILE}: {told}", f"{copy}: {told}"] == [str(one) for one in report.findings]
    assert [1, 5] == [one.records for one in report.walked]


def test_a_copy_that_is_not_there_is_no_proof_either(log: Path, tmp_path: Path) -> None:
    """Whoever names a file has it looked at, or hears that it cannot be."""
    with pytest.raises(FileNotFoundError):
        verified(log, tmp_path / "absent.json")


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x80])
def test_every_changed_byte_of_a_segment_is_found(small: Path, bit: int) -> None:
    """Header, members, hashes, punctuation, line feeds: no byte can be another."""
    file = small / "act" / "0" / "00000001.jsonl"
    whole = file.read_bytes()
    missed = []
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        if not findings(small):
            missed.append(place)

    assert [] == missed


def test_every_truncation_is_found(small: Path) -> None:
    """Wherever the end is cut off, the heads tell that there was more."""
    file = small / "act" / "0" / "00000001.jsonl"
    whole = file.read_bytes()
    missed = []
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        if not findings(small):
            missed.append(size)

    assert [] == missed


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x80])
def test_every_changed_byte_of_the_heads_is_found(small: Path, bit: int) -> None:
    """Nor can any byte of the heads be another, the signature's included."""
    file = small / FILE
    whole = file.read_bytes()
    missed = []
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        if not findings(small):
            missed.append(place)

    assert [] == missed


def test_every_changed_byte_of_a_compressed_segment_is_found(log: Path) -> None:
    """Unless a byte of the compression means the same content, the content is not another."""
    file = only(log, 1)
    assert ".gz" == file.suffix
    whole = file.read_bytes()
    content = gzip.decompress(whole)
    missed = []
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        if not findings(log) and content != _unpacked(file):
            missed.append(place)
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        if not findings(log):
            missed.append(size)

    assert [] == missed


def _unpacked(file: Path) -> bytes:
    try:
        return gzip.decompress(file.read_bytes())
    except (OSError, EOFError):
        return b""


def test_every_changed_byte_of_a_torn_tail_is_found(tmp_path: Path) -> None:
    """What was never answered for is no record, but it is evidence, and stays as it is."""
    log = tmp_path / "log"
    with journal(log, options=Options(heads_seconds=3600)) as written:
        written.write(acts(1))
    file = log / "act" / "0" / "00000001.jsonl"
    with file.open("ab") as torn:
        torn.write(b'{"torn":')
    with journal(log) as written:
        written.write(acts(2))
    [packed] = (log / "act" / "0").glob("00000001.*")
    whole = gzip.decompress(packed.read_bytes())
    packed.unlink()
    file.write_bytes(whole)
    assert [] == findings(log)
    missed = []
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        if not findings(log):
            missed.append(place)
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        if not findings(log):
            missed.append(size)

    assert [] == missed


def swapped(lines: list[bytes]) -> None:
    """Swap two records."""
    lines[1], lines[2] = lines[2], lines[1]


def moved(lines: list[bytes]) -> None:
    """Move the first record behind the others."""
    lines.append(lines.pop(1))


def doubled(lines: list[bytes]) -> None:
    """Put a record in twice."""
    lines.insert(2, lines[1])


def forged(lines: list[bytes]) -> None:
    """Put in a record that follows from the one before it."""
    previous = parted(lines[1])
    assert previous is not None
    lines.insert(2, rechained([lines[2].replace(b"false", b"true")], previous[1]).rstrip(b"\n"))


def alien(lines: list[bytes]) -> None:
    """Put in a record that follows from nothing."""
    lines.insert(2, rechained([lines[2].replace(b"false", b"true")]).rstrip(b"\n"))


def removed(lines: list[bytes]) -> None:
    """Take a record out."""
    del lines[2]


def turned(lines: list[bytes]) -> None:
    """Turn a denial into an allow."""
    lines[2] = lines[2].replace(b'"decision":false', b'"decision":true')


def unhashed(lines: list[bytes]) -> None:
    """Change nothing but a hash."""
    lines[2] = lines[2][:-66] + b"0" * 64 + lines[2][-2:]


def beheaded(lines: list[bytes]) -> None:
    """Take the header out."""
    del lines[0]


def garbled(lines: list[bytes]) -> None:
    """Put in what is no line of a log."""
    lines.insert(1, b"hello")


MOVED = "stands in another order: it was written behind what is line"
MAYBE = "was changed, or what stood before it was removed"


@pytest.mark.parametrize(
    ("tamper", "line", "told"),
    [
        (swapped, 2, f"{MOVED} 3 now"),
        (moved, 2, f"{MOVED} 5 now"),
        (doubled, 3, "was put in: it stands in line 2 already"),
        (forged, 4, "was written behind line 2: what stands between was put in"),
        (alien, 3, "was put in: the next line follows from the one before it"),
        (removed, 3, MAYBE),
        (turned, 3, MAYBE),
        (unhashed, 3, "was changed: its hash"),
        (beheaded, 1, "the header was changed, or removed"),
        (garbled, 2, "was changed: it does not end in a hash"),
    ],
)
def test_the_first_bad_line_is_named(
    log: Path, tamper: Callable[[list[bytes]], None], line: int, told: str
) -> None:
    """File, line, byte, and what was done to it as far as that can be told."""
    with journal(log, options=Options(heads_seconds=3600)) as written:
        written.write(decisions(7, 8, 9, 10))
    file = only(log, 3)
    lines = file.read_bytes().splitlines()
    tamper(lines)
    file.write_bytes(b"\n".join([*lines, b""]))
    byte = sum(len(one) + 1 for one in lines[: line - 1])

    assert [f"decision/0/00000003.jsonl, line {line}, byte {byte}: {told}"] == findings(log)


@pytest.mark.parametrize("number", [1, 2])
def test_a_missing_file_is_named(log: Path, number: int) -> None:
    """Also the last one, which no other segment follows."""
    only(log, number).unlink()

    assert [f"decision/0/{number:08}.jsonl: is missing"] == findings(log)


def test_a_missing_chain_is_named(log: Path) -> None:
    """A whole folder that is gone is missed because the heads know it."""
    shutil.rmtree(log / "act")

    assert ["act/0/00000001.jsonl: is missing"] == findings(log)


def test_segments_that_changed_places_are_told(log: Path) -> None:
    """A segment says itself which one it is."""
    first, second = stored(log)
    only(log, 1).unlink()
    (log / CHAIN / "00000001.jsonl").write_bytes(second)
    only(log, 2).write_bytes(first)

    what = "is segment 2 of decision/0"
    assert [f"decision/0/00000001.jsonl, line 1, byte 0: {what}"] == findings(log)


def test_a_chain_under_another_name_is_told(log: Path) -> None:
    """Nor can the chain of one worker stand for that of another."""
    (log / "decision" / "0").rename(log / "decision" / "1")

    what = "is segment 1 of decision/0"
    assert [
        "decision/0/00000001.jsonl: is missing",
        f"decision/1/00000001.jsonl.gz, line 1, byte 0: {what}",
    ] == findings(log)


def test_two_forms_of_a_segment_must_be_the_same(log: Path) -> None:
    """Where compressing was cut off there are two; if they differ, one was changed."""
    first, _second = stored(log)
    plain = log / CHAIN / "00000001.jsonl"
    plain.write_bytes(first)
    assert [] == findings(log)
    plain.write_bytes(first.replace(b"false", b"true "))

    what = "is another than the same segment uncompressed"
    assert [f"decision/0/00000001.jsonl.gz: {what}"] == findings(log)


def rewrite(log: Path) -> None:
    """Change a record of the last segment, and compute all hashes anew."""
    file = only(log, 2)
    lines = file.read_bytes().splitlines()
    lines[1] = lines[1].replace(b'"open"', b'"shut"')
    file.write_bytes(rechained(lines, json.loads(lines[0])["previous"].encode()))


def test_a_chain_that_was_written_anew_is_found_by_the_heads(log: Path) -> None:
    """The chain is whole in itself; the heads beside it tell, as long as the key is not theirs."""
    rewrite(log)
    end = only(log, 2).read_bytes()
    line = end.splitlines()[2]

    what = "is not what heads.json says: the chain was written anew, here or before"
    assert [
        f"decision/0/00000002.jsonl, line 3, byte {len(end) - len(line) - 1}: {what}"
    ] == findings(log)


def test_who_holds_the_key_is_found_by_the_exported_heads_alone(log: Path, copy: Path) -> None:
    """Whoever writes the chain and the heads anew needs the copy that is elsewhere as well."""
    rewrite(log)
    (log / FILE).unlink()
    for _again in range(4):
        signed(log)

    assert [] == findings(log)
    what = f"is not what {copy} says: the chain was written anew, here or before"
    assert [what] == [one.what for one in verified(log, copy).findings]


def hidden(log: Path, keep: int, upto: int = 1) -> None:
    """Put in a segment that tells of all behind the first lines as torn, and forge them anew."""
    chain = Chain("act", "0")
    first, *rest = stored(log, str(chain))
    lines = first.splitlines(keepends=True)
    previous = parted(lines[keep - 1][:-1])
    header = Header.of(lines[0][:-1])
    assert previous is not None
    assert header is not None
    behind = b"".join([*lines[keep:], *rest])
    forged, end = chained(
        previous[1],
        [
            Header(
                "act",
                "0",
                upto + 1,
                instant(datetime.now(UTC)),
                header.machine,
                previous[1],
                Torn(len(behind), sha256(behind).hexdigest()),
            ).body()
        ],
    )
    bodies = [parts[0] for parts in (parted(one[:-1]) for one in lines[keep:]) if parts]
    others = [one.replace(b'"act":"', b'"act":"other ') for one in bodies]
    chain.plain(log, upto + 1).write_bytes(forged + chained(end, others)[0])


@pytest.mark.parametrize("exported", [True, False])
@pytest.mark.parametrize("runs", [1, 2])
def test_signed_records_are_never_torn(tmp_path: Path, runs: int, *, exported: bool) -> None:
    """A header that calls them so needs no key, and makes a whole chain; the heads tell."""
    log, copy = tmp_path / "log", tmp_path / "kept-heads.json"
    for run in range(runs):
        with journal(log) as written:
            for number in range(20):
                written.write(acts(run * 20 + number))
    copy.write_bytes(signed(log))
    hidden(log, 6, runs)
    if exported:
        # Whoever holds the key signs that as well.
        (log / FILE).unlink()
        for _again in range(5):
            signed(log)
    report = verified(log, copy if exported else None)

    name = str(copy) if exported else FILE
    [finding] = report.findings
    assert f"and {name} says that it went on until byte" in finding.what
    assert ("act/0/00000001.jsonl", "act/0/00000002.jsonl")[runs - 1] in finding.file


@pytest.mark.parametrize("runs", [1, 2])
def test_heads_are_not_signed_anew_over_records_that_are_told_as_torn(
    tmp_path: Path, runs: int
) -> None:
    """The flaw is told, the last head stays, and goes on to be told while the service writes."""
    log = tmp_path / "log"
    for run in range(runs):
        with journal(log) as written:
            for number in range(20):
                written.write(acts(run * 20 + number))
    before = json.loads(signed(log))["chains"]
    hidden(log, 6, runs)
    with journal(log, options=Options(heads_seconds=3600)) as written:
        written.write(acts(99))
    kept = Keeper(log, keys.own(log), {}, Hands()).sign()

    assert ("act/0: is not what its last head says",) == kept.flaws
    assert before == json.loads((log / FILE).read_bytes())["chains"]


def test_a_chain_that_the_copy_should_know_is_told(log: Path, copy: Path) -> None:
    """Put in after the export, it says that it began before; one that began later is none."""
    with journal(log, "7", clock=Hands(1e9)) as written:
        written.write(acts(1))
    with journal(log, "8", clock=Hands(Hands()() + 1)) as written:
        written.write(acts(1))
    report = verified(log, copy)

    told = f"{copy}: does not know act/7, which says that it began before"
    assert ((), (told,)) == (report.findings, report.notes)


def test_without_any_heads_a_cut_end_is_not_ruled_out(log: Path, copy: Path) -> None:
    """Nothing is found then, so the report says that nothing could be."""
    (log / FILE).unlink()
    only(log).write_bytes(only(log).read_bytes().splitlines(keepends=True)[0])
    report = verified(log)

    told = "there is no heads.json: nothing has been signed, "
    told += "and nothing shows whether the end of a chain was cut off"
    assert ((), (told,)) == (report.findings, report.notes)


def test_lost_ends_before_and_after_the_copy(log: Path, copy: Path) -> None:
    """What was written after the last heads can be cut off unseen, and the report says how much."""
    with journal(log, options=Options(heads_seconds=3600)) as written:
        written.write(decisions(7, 8))
    (log / FILE).write_bytes(copy.read_bytes())
    [walked] = [one for one in verified(log, copy).walked if one.chain.kind == "decision"]
    assert (7, 5) == (walked.records, walked.covered[FILE])
    only(log, 3).unlink()

    assert [] == findings(log)


def test_heads_that_were_put_back_are_found(log: Path, copy: Path) -> None:
    """The log's own heads are never older than a copy of them."""
    old = (log / FILE).read_bytes()
    copy.write_bytes(signed(log, Hands(1e9)))
    (log / FILE).write_bytes(old)

    assert [f"heads.json: is older than {copy}: its number is 3, not 4"] == findings(log, copy)


def test_heads_of_the_same_number_are_the_same(log: Path, copy: Path) -> None:
    """A second file of heads under the number of the copy was made to replace it."""
    before = (log / FILE).read_bytes()
    copy.write_bytes(signed(log))
    (log / FILE).write_bytes(before)
    signed(log, Hands(1e9))

    assert [f"heads.json: is another than {copy} of the same number"] == findings(log, copy)


def test_heads_that_are_gone_are_missed(log: Path, copy: Path) -> None:
    """A log whose heads were exported has some."""
    (log / FILE).unlink()

    assert ["heads.json"] == [one.file for one in verified(log, copy).findings]


def test_another_key_is_found(log: Path, copy: Path, tmp_path: Path) -> None:
    """Heads that somebody else has signed are no heads."""
    with journal(tmp_path / "other") as written:
        written.write(acts(1))
    shutil.copy(tmp_path / "other" / FILE, log / FILE)

    assert [
        "heads.json: is not signed with this key",
        f"heads.json: is missing or wrong, and {copy} is older than it was",
    ] == findings(log, copy)


def test_removed_segments_are_not_signed_away(log: Path) -> None:
    """The next heads do not take for kept only what is left: what was removed stays missing."""
    only(log, 1).unlink()
    signed(log)

    assert ["decision/0/00000001.jsonl: is missing"] == findings(log)


def test_a_head_does_not_go_back(log: Path) -> None:
    """Where the end is gone, the next heads keep the proof of it and say so."""
    file = only(log, 2)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    kept = Keeper(log, keys.own(log), {}, Hands()).sign()

    assert ("decision/0: is not what its last head says",) == kept.flaws
    [told] = findings(log)
    assert f"heads.json says that it went on until byte {sum(map(len, lines))}" in told
