"""``authz audit verify`` and ``heads``: what an auditor is told, and with which exit code."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authz_service.cli import audit_chains
from authz_service.domain.errors import InvalidInput
from authz_service.journal import heads, keys
from authz_service.journal.journal import Options
from authz_service.journal.keys import PublicKey
from tests.journal.logs import DAY, Hands, acts, decisions, journal, signed

Told = tuple[int, list[str], list[str]]


@pytest.fixture(name="data")
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTHZ_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture(name="audit")
def _audit(data: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Give what calls a verb: its exit code, its lines on stdout and on stderr."""

    def call(*arguments: str) -> Told:
        parser = argparse.ArgumentParser()
        audit_chains.add_to(parser.add_subparsers())
        options = parser.parse_args(arguments)
        code = options.run(options)
        told = capsys.readouterr()
        return code, told.out.splitlines(), told.err.splitlines()

    assert not data.exists()
    return call


def moment(file: Path, key: Path) -> str:
    """Give when heads were signed."""
    return heads.read(file.read_bytes(), PublicKey.read(key)).moment


def test_without_a_log_there_is_nothing_to_verify(audit: Callable[..., Told], data: Path) -> None:
    """That is told, and makes no log."""
    told = "note: there is no heads.json: nothing has been signed"
    assert (0, [told, "there is no decision log yet"], []) == audit("verify")
    assert not data.exists()


def test_a_whole_log_is_told_with_what_heads_cover(
    audit: Callable[..., Told], data: Path, tmp_path: Path
) -> None:
    """Each chain with its counts, each file of heads with what it does and does not cover."""
    with journal(data / "log") as written:
        written.write(decisions(1, 2))
        written.write(acts(3))
    copy, key = tmp_path / "heads.json", tmp_path / "key.pem"
    exported = audit("heads", "--output", str(copy), "--public-key", str(key))
    assert (0, [], [f"{copy}: keep it where nobody who can write the log can"]) == exported
    assert (data / "log" / keys.PUBLIC).read_bytes() == key.read_bytes()
    with journal(data / "log", options=Options(heads_seconds=3600)) as written:
        written.write(decisions(4))
    (data / "decisions.jsonl").write_text("{}\n")

    both = f"heads.json covers all of them; {copy} covers"
    assert (
        0,
        [
            f"heads.json: number 3, signed {moment(data / 'log' / heads.FILE, key)}",
            f"{copy}: number 2, signed {moment(copy, key)}",
            f"act/0: segments 1, records 1; {both} all of them",
            f"decision/0: segments 2, records 3; {both} all but the last 1",
            "note: decisions.jsonl is of before chains: nothing shows whether it was changed",
            "nothing was changed",
        ],
        [],
    ) == audit("verify", "--heads", str(copy), "--key", str(key))


def test_a_log_without_heads_claims_less(audit: Callable[..., Told], data: Path) -> None:
    """Chains that agree with themselves may still have been written anew."""
    with journal(data / "log", "cli") as written:
        written.write(acts(3))

    told = "note: there is no heads.json: nothing has been signed, "
    told += "and nothing shows whether the end of a chain was cut off"
    lines = ["act/cli: segments 1, records 1", told, "each chain is whole in itself"]
    assert (0, lines, []) == audit("verify")


def test_what_was_changed_is_named_and_fails(audit: Callable[..., Told], data: Path) -> None:
    """The finding is on stderr; stdout says what else was looked at."""
    with journal(data / "log") as written:
        written.write(decisions(1, 2))
        written.write(acts(3))
    file = data / "log" / "decision" / "0" / "00000001.jsonl"
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"store_revision":1', b'"store_revision":9'))
    code, out, err = audit("verify")
    begin = content.index(b"\n") + 1

    what = "was changed, or what stood before it was removed"
    assert (1, [f"decision/0/00000001.jsonl, line 2, byte {begin}: {what}"]) == (code, err)
    assert [
        "act/0: segments 1, records 1; heads.json covers all of them",
        "decision/0: segments 1, records 0; then wrong",
        "note: without --heads, whoever holds the log's key may have written all anew",
    ] == out[1:]


def test_heads_are_exported_even_so_and_tell_what_is_wrong(
    audit: Callable[..., Told], data: Path, tmp_path: Path
) -> None:
    """The export keeps the last head that was right, and fails."""
    with journal(data / "log") as written:
        written.write(acts(3))
    file = data / "log" / "act" / "0" / "00000001.jsonl"
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    code, _out, err = audit("heads", "--output", str(tmp_path / "heads.json"))

    assert (1, "the decision log: act/0: is not what its last head says") == (code, err[-1])
    assert (tmp_path / "heads.json").read_bytes() == (data / "log" / heads.FILE).read_bytes()


def test_a_wrong_key_or_file_is_told(
    audit: Callable[..., Told], data: Path, tmp_path: Path
) -> None:
    """A file that is not there, or is no key, is no finding but a mistake of the call."""
    with journal(data / "log") as written:
        written.write(acts(3))
    (tmp_path / "no-key").write_text("hello")
    with pytest.raises(InvalidInput, match="no-key: holds no public key"):
        audit("verify", "--key", str(tmp_path / "no-key"))
    with pytest.raises(FileNotFoundError, match="absent"):
        audit("verify", "--heads", str(tmp_path / "absent"))


@pytest.mark.parametrize(("days", "code"), [("0", 1), ("1", 0)])
def test_how_long_records_are_kept_comes_from_the_settings(
    audit: Callable[..., Told],
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: str,
    code: int,
) -> None:
    """What retention removed since the export is no finding; what it may not have removed is."""
    # The verb's clock is the machine's.
    clock, copy = Hands(time.time() - 10 * DAY), tmp_path / "heads.json"
    with journal(data / "log", options=Options(keep_decisions_days=1), clock=clock) as written:
        [record] = decisions(1)
        written.write([record._replace(moment=datetime.fromtimestamp(clock.now, UTC))])
        copy.write_bytes(signed(data / "log"))
        clock.now += 3 * DAY
        written.write(decisions(2))
    monkeypatch.setenv("AUTHZ_LOG_KEEP_DECISIONS_DAYS", days)

    assert code == audit("verify", "--heads", str(copy))[0]
