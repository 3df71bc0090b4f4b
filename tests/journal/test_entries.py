"""What the index knows a line by, and that it takes exactly the lines for records that are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from authz_service.domain.decision import Asked, Record
from authz_service.journal.entries import entry_of, record_of
from authz_service.journal.lines import line
from authz_service.usecases.acts import Details
from authz_service.usecases.log_index import Key
from tests.fakes.clock import NOON
from tests.fakes.lines import varied
from tests.journal.test_lines import ACT, ASKED, DECISION


def test_a_decision_is_known_by_all_that_can_be_asked_for() -> None:
    """Every filter of a search has its term, and each reason one of its own."""
    decided = replace(DECISION.decision, reasons=("no-permit", "expired"))
    entry = entry_of(line(DECISION._replace(decision=decided)))
    assert entry is not None
    assert Key.of(NOON, int("c" * 12, 16)) == entry.key
    assert {
        "kind:decision",
        "allowed:false",
        "client:orquestra",
        "action:open",
        f"policy:{'d' * 64}",
        "company:52420282000180",
        "process:p061-registro",
        f"person:{'a' * 32}",
        f"person:{'b' * 32}",
        "reason:no-permit",
        "reason:expired",
    } == set(entry.terms)


def test_a_decision_about_nobody_is_known_by_less() -> None:
    """What is null is no term, and whoever stands in a record twice is one."""
    entry = entry_of(line(DECISION._replace(asked=Asked(action="open"))))
    both = entry_of(line(DECISION._replace(asked=replace(ASKED, recipient="a" * 32))))
    assert entry is not None
    assert both is not None
    fields = ["action", "allowed", "client", "kind", "policy", "reason"]
    assert fields == sorted(one.partition(":")[0] for one in entry.terms)
    assert 1 == both.terms.count(f"person:{'a' * 32}")


def test_an_act_is_known_by_the_persons_and_the_company_of_its_details() -> None:
    """In lists as well; no other text of them, which may be anything, comes into an index."""
    details: Details = {
        "company": "52420282000180",
        "person": "1" * 32,
        "persons": ("2" * 32, "x"),
        "why": "pedido de Maria",
        "process": "p001",
        "count": 3,
    }
    entry = entry_of(line(replace(ACT, details=details)))
    odd = entry_of(line(replace(ACT, details={"company": ("52420282000180",)})))
    assert entry is not None
    assert odd is not None
    common = {"kind:act", "client:operator", "action:client.key"}
    assert {
        *common,
        "company:52420282000180",
        f"person:{'1' * 32}",
        f"person:{'2' * 32}",
    } == set(entry.terms)
    assert common == set(odd.terms)


def test_the_key_is_the_moment_to_the_microsecond() -> None:
    """And tells it again as the log writes it."""
    for record in varied(200):
        data = line(record)
        entry = entry_of(data)
        assert entry is not None
        assert json.loads(data)["moment"] == entry.key.instant


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"schema":1,"kind":"decision","id":"x',
        b"\x00" * 3000,
        b"\xff\xfe",
        b'{"kind":' + b"[" * 100_000,
        b'{"schema":1,"kind":"segment","class":"decision","chain":"0","number":1}',
        line(DECISION).replace(b'"schema":1', b'"schema":2'),
        line(DECISION).replace(b"2026-11-20T15", b"2026-13-20T15"),
    ],
    ids=["empty", "object", "list", "torn", "zeros", "bytes", "deep", "header", "later", "month"],
)
def test_what_is_no_record_is_none(data: bytes) -> None:
    """Torn, foreign, of a later version, or the header of a segment."""
    assert entry_of(data) is None


def test_a_record_is_read_word_for_word() -> None:
    """With its hash, so that an export can be verified."""
    records: list[Record] = [DECISION, ACT]
    for one in records:
        assert json.loads(line(one)) == record_of(line(one))
