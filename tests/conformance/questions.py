"""Rows 1 to 16 of the checklist: one question, what is allowed, and what is built wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.vector import (
    ALICE,
    BOB,
    FIRST,
    SECOND,
    WRITE,
    A,
    Vector,
    changed,
    short,
    vector,
    without,
)

TEXTS = ("subject.type", "subject.id", "action.name", "resource.type", "resource.id")
"""The members that have to be texts."""


def _any(*values: object) -> tuple[object, ...]:
    return values


def decisions() -> Iterator[Vector]:
    """Rows 1 to 9: what is allowed and what is not."""
    archived = {**SECOND, "properties": {"status": "archived"}}
    admin = {**BOB, "properties": {"role": "admin"}}

    def delete(**properties: object) -> dict[str, Any]:
        action = {"name": "delete", "properties": properties} if properties else {"name": "delete"}
        return {**A, "action": action}

    yield vector(1, "alice reads record-1", A, "200 true")
    yield vector(2, "bob writes record-1", {**A, "subject": BOB, "action": WRITE}, "200 false")
    yield vector(
        3,
        "alice writes what is archived",
        {**A, "action": WRITE, "resource": archived},
        "200 false",
    )
    yield vector(
        3,
        "an admin writes what is archived",
        {"subject": admin, "action": WRITE, "resource": archived},
        "200 true",
    )
    yield vector(
        3,
        "what is stored counts where nothing is sent",
        {"subject": BOB, "action": WRITE, "resource": SECOND},
        "200 true",
    )
    yield vector(
        3,
        "what is sent counts before what is stored",
        {**A, "action": WRITE, "resource": {**FIRST, "properties": {"status": "archived"}}},
        "200 false",
    )
    yield vector(3, "a soft delete", delete(soft=True), "200 true")
    yield vector(3, "a hard delete", delete(soft=False), "200 false")
    yield vector(
        4,
        "with a context",
        changed("context", {"time": "2026-11-20T12:00-03:00", "ip": "10.0.0.1"}),
        "200 true",
    )
    yield vector(
        4, "with nested context", changed("context", {"deep": [{"a": None}, [1.5]]}), "200 true"
    )
    for entity in ("subject", "action", "resource"):
        bag = {"department": "x", "tags": ["a", 1, None], "deep": {"b": {}}}
        yield vector(
            4, f"{entity} with any properties", changed(f"{entity}.properties", bag), "200 true"
        )
    for place in ("", "subject.", "action.", "resource."):
        for name, unknown in (
            ("unknown", {"a": [1]}),
            ("extra", None),
            ("__proto__", {"role": "admin"}),
        ):
            yield vector(5, f"unknown {place}{name}", changed(place + name, unknown), "200 true")
    yield vector(
        6,
        "evaluations and options mean nothing here",
        {**A, "evaluations": [{"subject": BOB}, 7], "options": {"evaluations_semantic": "bogus"}},
        "200 true",
    )
    yield vector(
        7,
        "members the other way round",
        {name: dict(reversed(A[name].items())) for name in reversed(A)},
        "200 true",
    )
    for path, value in (
        ("subject.id", "carol"),
        ("subject.id", "Alice"),
        ("subject.id", "alice "),
        ("subject.type", "robot"),
        ("subject.type", "User"),
        ("subject.type", "record"),
        ("subject.type", "process"),
        ("action.name", "approve"),
        ("action.name", "Read"),
        ("action.name", "other"),
        ("resource.id", "record-9"),
        ("resource.type", "file"),
        ("resource.type", "user"),
        ("resource.type", "person"),
    ):
        yield vector(8, f"{path} {short(value)}", changed(path, value), "200 false")
    yield vector(9, "delete without properties", delete(), "200 false")
    for odd in _any("true", 1, None, [True], {}):
        yield vector(9, f"delete with soft {short(odd)}", delete(soft=odd), "200 false")


def structure() -> Iterator[Vector]:
    """Rows 10 to 14: what is missing, null or of another kind."""
    entities = ("subject", "action", "resource")
    bags = ("subject.properties", "action.properties", "resource.properties")
    for path in (*entities, *TEXTS):
        yield vector(10, f"no {path}", without(path), "400")
    for path in entities:
        for odd in _any(None, [], True, "x", {}, 1):
            yield vector(11, f"{path} {short(odd)}", changed(path, odd), "400")
    for path in TEXTS:
        for odd in _any(None, 1, False, {}, ["a"]):
            yield vector(12, f"{path} {short(odd)}", changed(path, odd), "400")
    for path in bags:
        for odd in _any("x", [1], [], 1, False):
            yield vector(13, f"{path} {short(odd)}", changed(path, odd), "400")
    for odd in _any("x", [], 1, False):
        yield vector(13, f"context {short(odd)}", changed("context", odd), "400")
    for path in (*bags, "context"):
        yield vector(14, f"{path} null is as absent", changed(path, None), "200 true")


def texts() -> Iterator[Vector]:
    """Row 15: texts that are odd, and mean nobody."""
    for path in TEXTS:
        yield vector(15, f"{path} empty", changed(path, ""), "200 false")
        yield vector(15, f"{path} with NUL", changed(path, "alice\0"), "400")
        yield vector(15, f"{path} decomposed", changed(path, "alice\u0301"), "200 false")
        yield vector(15, f"{path} of 5,000 characters", changed(path, "a" * 5000), "200 false")


def claims() -> Iterator[Vector]:
    """Row 16: what nobody becomes by saying it."""
    bob = {"subject": BOB, "action": WRITE, "resource": FIRST}
    outside = {**ALICE, "role": "admin"}
    yield vector(
        16,
        "bob says that his id is alice",
        {**bob, "subject": {**BOB, "properties": {"id": "alice"}}},
        "200 false",
    )
    yield vector(
        16,
        "a role beside the properties",
        {"subject": outside, "action": WRITE, "resource": SECOND},
        "200 false",
    )
    yield vector(
        16,
        "a role in the context",
        {"subject": ALICE, "action": WRITE, "resource": SECOND, "context": {"role": "admin"}},
        "200 false",
    )
    yield vector(
        16,
        "a stranger who says to be an admin",
        {
            "subject": {"type": "user", "id": "carol", "properties": {"role": "admin"}},
            "action": WRITE,
            "resource": SECOND,
        },
        "200 false",
    )
