"""The fast way to a line and the plain way give the same bytes, whatever stands in a record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authz_service.domain.decision import (
    ActRecord,
    Asked,
    Caller,
    Decision,
    DecisionRecord,
    Observation,
    Record,
    RuleError,
)
from authz_service.domain.identifiers import Cnpj, ForeignId, ProcessId
from authz_service.domain.people import Evidence
from authz_service.journal.lines import line
from authz_service.journal.links import ORIGIN, chained
from authz_service.journal.rendering import _KEPT, Renderer
from tests.journal.test_lines import ACT, DECISION, SCHEMA

TEXTS = st.one_of(
    st.text(max_size=12),
    # Lone surrogates, which UTF-8 has no bytes for.
    st.text(st.characters(categories=None), max_size=4),
    st.sampled_from(["", "ção", 'a"b\\c', "\x00\x1f\x7f\b\f\n\r\t", "\u2028\u2029", "</script>"]),
)
NAMES = st.none() | st.text("0123456789abcdef", min_size=32, max_size=32)
MOMENTS = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(0)), timezone(timedelta(hours=-3))]),
    min_value=datetime(1000, 1, 2),  # noqa: DTZ001 -- the strategy adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
)
CALLERS = st.builds(Caller, TEXTS, address=st.none() | TEXTS)
ASKED = st.builds(
    Asked,
    action=TEXTS,
    actor=NAMES,
    actor_type=st.none() | TEXTS,
    recipient=NAMES,
    company=st.sampled_from([None, Cnpj.parse("52420282000180"), ForeignId.of_number(7)]),
    entity=st.none() | st.tuples(TEXTS, TEXTS),
    process=st.none() | st.builds(ProcessId, TEXTS),
    named=st.none() | TEXTS,
    version=st.none() | st.integers(),
    delegation=st.none() | TEXTS,
    actor_evidence=st.none() | st.sampled_from(Evidence),
    sign_in=NAMES,
)
DECIDED = st.builds(
    Decision,
    allowed=st.booleans(),
    reasons=st.lists(TEXTS, max_size=3).map(tuple),
    rules=st.lists(TEXTS, max_size=3).map(tuple),
    evidence=st.lists(
        st.builds(Observation, TEXTS, st.none() | st.booleans() | TEXTS), max_size=3
    ).map(tuple),
    errors=st.lists(st.builds(RuleError, TEXTS, TEXTS), max_size=2).map(tuple),
)
DECISIONS = st.builds(
    DecisionRecord,
    id=TEXTS,
    moment=MOMENTS,
    caller=CALLERS,
    asked=ASKED,
    decision=DECIDED,
    policy_digest=TEXTS,
    store_revision=st.integers(min_value=0),
    latency_us=st.integers(min_value=0),
    request_id=st.none() | TEXTS,
    instance=st.none() | TEXTS,
)
DETAILS = st.none() | TEXTS | st.integers() | st.booleans() | st.lists(TEXTS, max_size=3).map(tuple)
ACTS = st.builds(
    ActRecord,
    id=TEXTS,
    moment=MOMENTS,
    caller=CALLERS,
    act=TEXTS,
    details=st.dictionaries(TEXTS, DETAILS, max_size=4),
    store_revision=st.integers(min_value=0),
)


@given(st.lists(DECISIONS | ACTS, min_size=1, max_size=4))
def test_both_ways_give_the_same_bytes(records: list[Record]) -> None:
    """Also the second time, when parts of them are remembered."""
    render = Renderer().body

    expected = [line(one)[:-2] for one in records] * 2
    assert expected == [render(one) for one in records * 2]


@given(DECISIONS)
def test_a_line_in_its_chain_is_json(record: DecisionRecord) -> None:
    """With its hash, which comes last, it is one line that any reader of JSON takes."""
    lines, digest = chained(ORIGIN, [Renderer().body(record)])

    assert lines.endswith(b'"}\n')
    assert 1 == lines.count(b"\n")
    assert json.loads(line(record)) | {"hash": digest.decode()} == json.loads(lines)


def test_a_line_in_its_chain_is_in_the_published_form() -> None:
    """``hash`` and ``request_id`` are published members."""
    asked = DECISION._replace(request_id="r-1")
    for record in (DECISION, asked, ACT):
        jsonschema.validate(json.loads(chained(ORIGIN, [Renderer().body(record)])[0]), SCHEMA)


# Those of one request have their moment, caller, request and state in common, as one object each.
_MOMENTS = [DECISION.moment, DECISION.moment.replace(), DECISION.moment + timedelta(seconds=1)]
_MOMENTS += [one + timedelta(microseconds=1) for one in _MOMENTS]
_CALLERS = [Caller("orquestra"), Caller("orquestra"), Caller("bpm", address="::1")]
_ASKED = [
    Asked("open", actor="a" * 32),
    Asked("open", actor="a" * 32),
    Asked("delegate", actor="b" * 32, recipient="c" * 32, delegation="d"),
    Asked("open", actor="a" * 32, sign_in="f" * 32),
]
_ODD = [Asked("open", named="\ud800"), Asked("open", version=2**70)]
_DECIDED = [Decision(allowed=one, reasons=("r",)) for one in (True, True, False)]
ALIKE = st.builds(
    DecisionRecord,
    id=st.sampled_from(["e" * 32, "f" * 32]),
    moment=st.sampled_from(_MOMENTS),
    caller=st.sampled_from(_CALLERS),
    asked=st.sampled_from(_ASKED * 4 + _ODD),
    decision=st.sampled_from(_DECIDED),
    policy_digest=st.sampled_from(["d" * 64, (b"d" * 64).decode(), "e" * 64]),
    store_revision=st.sampled_from([0, 7, 7, 2**40]),
    latency_us=st.sampled_from([0, 12, 10**7]),
    request_id=st.sampled_from([None, "r-1", b"r-1".decode(), "r-2", "\udfff"]),
    instance=st.sampled_from([None, "4711", b"4711".decode(), "", '"},', "%d\0", "\ud800"]),
)


@given(st.lists(st.lists(ALIKE, min_size=1, max_size=6), min_size=1, max_size=4))
def test_a_batch_is_rendered_record_by_record(batches: list[list[DecisionRecord]]) -> None:
    """Whatever its records have in common, in any order, each line is its own; also again."""
    renderer = Renderer()
    for batch in [*batches, *batches]:
        assert [line(one)[:-2] for one in batch] == renderer.decisions(batch)
        assert [renderer.body(one) for one in batch] == renderer.decisions(batch)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "e" * 32},
        {"moment": DECISION.moment + timedelta(microseconds=1)},
        {"caller": replace(DECISION.caller, name="bpm")},
        {"asked": replace(DECISION.asked, action="delegate")},
        {"decision": replace(DECISION.decision, allowed=True)},
        {"policy_digest": "f" * 64},
        {"store_revision": DECISION.store_revision + 1},
        {"latency_us": DECISION.latency_us + 1},
        {"request_id": "r-9"},
        {"instance": None},
        {"instance": "4712"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_records_of_a_batch_may_differ_in_one_member(change: dict[str, Any]) -> None:
    """Whatever else they have in common: nothing of one stands in the line of the next."""
    one, other = DECISION, DECISION._replace(**change)
    for batch in ([one, other, one], [other, one, one], [other, other, one]):
        assert [line(each)[:-2] for each in batch] == Renderer().decisions(batch)


@given(st.lists(DECISIONS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_a_batch_of_anything_is_rendered_record_by_record(
    records: list[DecisionRecord], random: Random
) -> None:
    """So are records of which nothing is alike, first and when parts of them are remembered."""
    renderer = Renderer()
    for _ in range(3):
        random.shuffle(records)
        assert [line(one)[:-2] for one in records] == renderer.decisions(records)


def test_what_was_asked_once_is_rendered_once() -> None:
    """On facts that are held it is the same object, for whichever of Orquestra's instances."""
    renderer, asked = Renderer(), Asked("open", actor="a" * 32)
    records = [DECISION._replace(asked=asked, instance=one) for one in ("4711", None, "4712", None)]
    kept = []
    for record in records:
        assert line(record)[:-2] == renderer.body(record)
        kept.append(renderer._both[id(asked)])
    assert [asked] == [one[0] for one in renderer._both.values()]
    assert [True] * 4 == [one is kept[0] and one[0] is asked for one in kept]


@given(st.lists(st.none() | TEXTS, min_size=1, max_size=6))
@example(["\ud800", '"},"delegation":"d', "\\", "\x00\x1f\x7f\n", "%d%b", "", None])
def test_an_instance_stands_in_its_own_line(instances: list[str | None]) -> None:
    """Whatever text it is, of one question that is decided again and again, alone or at once."""
    renderer = Renderer()
    records = [DECISION._replace(instance=one) for one in instances]
    expected = [line(one)[:-2] for one in records]
    assert expected == [renderer.body(one) for one in records] == renderer.decisions(records)
    for body, instance in zip(expected, instances, strict=True):
        assert instance == json.loads(body + b"}")["question"]["instance"]


@pytest.mark.parametrize(
    "change",
    [{"actor": None}, {"entity": ("record", "7")}, {"recipient": "c" * 32}],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_come_again_is_not_kept(change: dict[str, Any]) -> None:
    """Of nobody, about another service's entity or with a recipient it is rendered each time."""
    renderer = Renderer()
    asked = replace(Asked("open", actor="a" * 32), **change)
    for instance in ("4711", None, "4712"):
        record = DECISION._replace(asked=asked, instance=instance)
        assert line(record)[:-2] == renderer.body(record)
        assert [line(record)[:-2]] * 2 == renderer.decisions([record, record])
    assert {} == renderer._both


def test_the_same_question_decided_otherwise_reads_otherwise() -> None:
    """An edit of the policy leaves the facts as they are, and not the answer."""
    renderer, asked = Renderer(), Asked("open", actor="a" * 32)
    for reason in ("one", "two", "one"):
        decided = Decision(allowed=False, reasons=(reason,))
        record = DECISION._replace(asked=asked, decision=decided)
        assert line(record)[:-2] == renderer.body(record)


def test_no_more_is_kept_than_has_room() -> None:
    """When there is no more, all is rendered anew, and lines stay what they are."""
    render = Renderer()
    for number in range(_KEPT + 10):
        record = DECISION._replace(asked=Asked(f"a{number}", actor="a" * 32))
        assert b'"action":"a%d"' % number in render.body(record)
    assert 10 == len(render._both)


def test_what_is_remembered_is_bounded_and_never_mistaken() -> None:
    """Many thousand short-lived decisions, whose identities are used again, stay themselves."""
    render = Renderer().body
    for number in range(10_000):
        record = DECISION._replace(decision=Decision(allowed=False, reasons=(f"r{number}",)))
        assert b'"reasons":["r%d"]' % number in render(record)
