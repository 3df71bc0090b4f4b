"""The fast way to a line and the plain way give the same bytes, whatever stands in a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import jsonschema
from hypothesis import given
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
from authz_service.journal.rendering import Renderer
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
    instance=st.none() | TEXTS,
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


def test_what_is_remembered_is_bounded_and_never_mistaken() -> None:
    """Many thousand short-lived decisions, whose identities are used again, stay themselves."""
    render = Renderer().body
    for number in range(10_000):
        record = DECISION._replace(decision=Decision(allowed=False, reasons=(f"r{number}",)))
        assert b'"reasons":["r%d"]' % number in render(record)
