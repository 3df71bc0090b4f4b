"""
Reads a line of the log: what the index knows it by, or the whole record.

Both take the same lines for records, those in the published form; a test holds ``entry_of`` to
``form``. It is told apart because an index is filled with millions of lines, and this takes a
tenth of the time.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from authz_service.usecases.log_index import Entry, Key, Term, flag, tie_of
from authz_service.usecases.records import Line

_Name = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_Hash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Moment = Annotated[
    str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z")
]
_Count = Annotated[int, Meta(ge=0)]
_HEX = re.compile("[0-9a-f]{32}")


class _Strict(Struct, forbid_unknown_fields=True, gc=False):
    """An object that has no other members."""


class _Caller(_Strict):
    name: str
    address: str | None


class _Entity(_Strict):
    type: str
    id: str


class _Question(_Strict):
    actor: _Name | None
    actor_evidence: Literal["govbr", "asserted"] | None
    action: Annotated[str, Meta(max_length=64)]
    company: str | None
    process: str | None
    named: str | None
    version: int | None
    recipient: _Name | None
    instance: str | None
    sign_in: _Name | UnsetType | None = UNSET
    actor_type: str | UnsetType | None = UNSET
    entity: _Entity | UnsetType | None = UNSET


class _Observation(_Strict):
    test: str
    outcome: str | bool | None


class _RuleError(_Strict):
    rule: str
    cause: str


class _Decision(_Strict, tag_field="kind", tag="decision"):
    schema: Literal[1]
    id: _Name
    moment: _Moment
    caller: _Caller
    store_revision: _Count
    question: _Question
    delegation: str | None
    decision: bool
    reasons: Annotated[list[str], Meta(min_length=1)]
    rules: list[str]
    evidence: list[_Observation]
    errors: list[_RuleError]
    policy_digest: _Hash
    latency_us: _Count
    request_id: Annotated[str, Meta(max_length=128)] | UnsetType | None = UNSET
    hash: _Hash | UnsetType = UNSET


class _Act(_Strict, tag_field="kind", tag="act"):
    schema: Literal[1]
    id: _Name
    moment: _Moment
    caller: _Caller
    store_revision: _Count
    act: str
    details: dict[str, str | int | bool | list[str] | None]
    hash: _Hash | UnsetType = UNSET


_decode = msgspec.json.Decoder(_Decision | _Act).decode


def entry_of(line: bytes) -> Entry | None:
    """Give what a line is known by, or None if it is no record."""
    try:
        record = _decode(line)
        moment = datetime.fromisoformat(record.moment)
    except (ValueError, RecursionError):
        return None
    terms = _of_decision(record) if isinstance(record, _Decision) else _of_act(record)
    # A person may stand in a record twice.
    return Entry(Key.of(moment, tie_of(record.id)), tuple(dict.fromkeys(terms)))


def record_of(line: bytes) -> Line | None:
    """Give the record that a line is, or None if it is none."""
    if entry_of(line) is None:
        return None
    found: Line = json.loads(line)
    return found


def _of_decision(record: _Decision) -> list[Term]:
    asked = record.question
    terms = [
        "kind:decision",
        f"allowed:{flag(record.decision)}",
        f"client:{record.caller.name}",
        f"action:{asked.action}",
        f"policy:{record.policy_digest}",
    ]
    if asked.company is not None:
        terms.append(f"company:{asked.company}")
    if asked.process is not None:
        terms.append(f"process:{asked.process}")
    if asked.actor is not None:
        terms.append(f"person:{asked.actor}")
    if asked.recipient is not None:
        terms.append(f"person:{asked.recipient}")
    terms += [f"reason:{one}" for one in record.reasons]
    return terms


def _of_act(record: _Act) -> list[Term]:
    terms = ["kind:act", f"client:{record.caller.name}", f"action:{record.act}"]
    company = record.details.get("company")
    if isinstance(company, str):
        terms.append(f"company:{company}")
    several = (one if isinstance(one, list) else [one] for one in record.details.values())
    # Names of persons, as far as the form tells them; no other text comes into the index.
    terms += [
        f"person:{text}"
        for values in several
        for text in values
        if isinstance(text, str) and _HEX.fullmatch(text)
    ]
    return terms
