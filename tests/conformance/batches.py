"""Rows 32 to 46 and 67 of the checklist: several questions at once, and rules that err."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.conformance.vector import (
    ALICE,
    BOB,
    EVALUATIONS,
    FIRST,
    MAX_BATCH,
    READ,
    SECOND,
    WRITE,
    A,
    Vector,
    changed,
    short,
    vector,
)


def _any(*values: object) -> tuple[object, ...]:
    return values


def batches() -> Iterator[Vector]:
    """Rows 32 to 36 and 44 to 46: defaults, items, and what is wrong with one of them."""

    def batch(row: int, name: str, items: object, answer: str, /, **defaults: object) -> Vector:
        return vector(row, name, {**defaults, "evaluations": items}, answer, path=EVALUATIONS)

    yield batch(32, "empty items are all defaults", [{}, {}], "200 [true, true]", **A)
    yield batch(
        32,
        "each overrides the subject",
        [{"subject": BOB}, {}],
        "200 [false, true]",
        **{**A, "action": WRITE},
    )
    yield batch(
        32,
        "each overrides the action",
        [{"action": READ}, {}],
        "200 [true, false]",
        subject=BOB,
        action=WRITE,
        resource=FIRST,
    )
    yield batch(
        32,
        "each overrides the resource",
        [{"resource": SECOND}, {}],
        "200 [false, true]",
        **{**A, "action": WRITE},
    )
    yield batch(
        32, "no defaults at all", [A, {**A, "subject": BOB, "action": WRITE}], "200 [true, false]"
    )
    yield batch(
        32,
        "a default for one member alone",
        [{"resource": FIRST}, {"resource": SECOND}],
        "200 [true, true]",
        subject=ALICE,
        action=READ,
    )
    yield batch(
        32,
        "unknown members of items",
        [{"x": 1, "__proto__": {}}, {"evaluations": []}],
        "200 [true, true]",
        **A,
        foo="bar",
    )
    admin = {**ALICE, "properties": {"role": "admin"}}
    archive = {"action": WRITE, "resource": SECOND}
    yield batch(
        33,
        "an item's subject does not inherit the default's properties",
        [{"subject": ALICE}, {}],
        "200 [false, true]",
        subject=admin,
        **archive,
    )
    yield batch(
        33,
        "nor an item's resource",
        [{"resource": FIRST}, {}],
        "200 [true, false]",
        subject=ALICE,
        action=WRITE,
        resource={**FIRST, "properties": {"status": "archived"}},
    )
    soft = {"name": "delete", "properties": {"soft": True}}
    yield batch(
        33,
        "nor an item's action",
        [{"action": {"name": "delete"}}, {}],
        "200 [false, true]",
        subject=ALICE,
        action=soft,
        resource=FIRST,
    )
    for odd in _any({"type": "record"}, {}, "x", None, 7, []):
        yield batch(
            34,
            f"a default resource {short(odd)} that nobody needs",
            [{"resource": FIRST}, {"resource": SECOND}],
            "200 [true, true]",
            subject=ALICE,
            action=READ,
            resource=odd,
        )
    yield batch(
        34, "a default context that nobody needs", [{"context": {}}], "200 [true]", **A, context="x"
    )
    yield batch(
        35,
        "an item without a resource",
        [{"resource": FIRST}, {}],
        "200 [true, false!]",
        subject=ALICE,
        action=READ,
    )
    for odd in _any("x", None, {}, 7, []):
        yield batch(
            35,
            f"an item's resource {short(odd)}",
            [{}, {"resource": odd}, {}],
            "200 [true, false!, true]",
            **A,
        )
    yield batch(
        35, "an item's context is a text", [{"context": "x"}, {}], "200 [false!, true]", **A
    )
    yield batch(
        35,
        "an item's id is a number",
        [{"subject": {"type": "user", "id": 1}}, {}],
        "200 [false!, true]",
        **A,
    )
    yield batch(
        35,
        "an item's null context is none",
        [{"context": None}],
        "200 [true]",
        **A,
        context={"ip": "::1"},
    )
    yield batch(
        35,
        "items that are no objects",
        [None, 7, "x", [], True, {}],
        "200 [false!, false!, false!, false!, false!, true]",
        **A,
    )
    yield batch(
        35,
        "a default that every item needs is wrong",
        [{}, {}],
        "200 [false!, false!]",
        subject=ALICE,
        action=READ,
        resource="x",
    )
    yield batch(36, "no subject anywhere", [{"resource": FIRST}], "200 [false!]", action=READ)
    yield batch(36, "nothing anywhere", [{}, {}], "200 [false!, false!]")
    half = [{"subject": ALICE}, {"subject": BOB}] * 25
    told = f"200 [{', '.join(['true', 'false'] * 25)}]"
    yield batch(44, "fifty by turns", half, told, action=WRITE, resource=FIRST)
    yield batch(44, "the same again and again", [{}] * 50, f"200 [{', '.join(['true'] * 50)}]", **A)
    yield batch(
        44,
        f"as many as may be, {MAX_BATCH}",
        [{}] * MAX_BATCH,
        f"200 [{', '.join(['true'] * MAX_BATCH)}]",
        **A,
    )
    yield batch(45, "one more than may be", [{}] * (MAX_BATCH + 1), "400", **A)
    yield batch(45, "20,000 items", [{}] * 20_000, "400", **A)
    yield batch(45, "20,000 full items", [A] * 20_000, "413")
    yield batch(46, "no decision beside evaluations", [{}], "200 [true]", **A)
    yield batch(
        67,
        "a rule that errs",
        [{}, {"resource": {**FIRST, "properties": {"level": "x"}}}, {}],
        "200 [true, false, true]",
        **A,
    )
    yield vector(
        67,
        "a rule that errs for one question",
        changed("resource.properties", {"level": "x"}),
        "200 false",
    )


def semantics() -> Iterator[Vector]:
    """Rows 37 to 43: no items, and options."""

    def ask(row: int, name: str, body: object, *answers: str) -> Vector:
        return vector(row, name, body, *answers, path=EVALUATIONS)

    deny, permit = "deny_on_first_deny", "permit_on_first_permit"
    yield ask(37, "no evaluations", A, "200 true")
    yield ask(37, "an empty list", {**A, "evaluations": []}, "200 true")
    yield ask(37, "null", {**A, "evaluations": None}, "200 true")
    yield ask(
        37,
        "an empty list of one that is denied",
        {**A, "subject": BOB, "action": WRITE, "evaluations": []},
        "200 false",
    )
    yield ask(
        37,
        "an empty list with a semantic",
        {**A, "evaluations": [], "options": {"evaluations_semantic": deny}},
        "200 true",
    )
    yield ask(38, "an empty list and a subject alone", {"subject": ALICE, "evaluations": []}, "400")
    yield ask(38, "nothing", {}, "400")
    for odd in _any({}, {"0": A}, "x", 2, True):
        yield ask(39, f"evaluations {short(odd)}", {**A, "evaluations": odd}, "400")
    for odd in _any("x", [], 2, False):
        yield ask(39, f"options {short(odd)}", {**A, "evaluations": [{}], "options": odd}, "400")
    for odd in _any(
        None,
        {},
        {"another_option": "x"},
        {"evaluation_semantics": deny},
        {"evaluations_semantic": None},
        {"evaluations_semantic": "execute_all"},
    ):
        body = {
            "subject": BOB,
            "resource": FIRST,
            "options": odd,
            "evaluations": [{"action": WRITE}, {"action": READ}],
        }
        yield ask(40, f"options {json.dumps(odd)}", body, "200 [false, true]")
    for odd in _any("bogus", "EXECUTE_ALL", "execute_all ", "", 1, True, ["execute_all"], {}):
        yield ask(
            41,
            f"semantic {json.dumps(odd)}",
            {**A, "evaluations": [{}], "options": {"evaluations_semantic": odd}},
            "400",
        )

    def stopping(row: int, semantic: str, items: str, answer: str) -> Vector:
        made = {
            "T": {"action": READ},
            "F": {"action": WRITE},
            "e": {"action": 7},
            "u": {"action": READ, "resource": {"type": "file", "id": "x"}},
        }
        body = {
            "subject": BOB,
            "resource": FIRST,
            "evaluations": [made[one] for one in items],
            "options": {"evaluations_semantic": semantic},
        }
        return ask(row, f"{semantic} on {items}", body, f"200 {answer}")

    for items, answer in {
        "TFT": "[true, false]",
        "TeT": "[true, false!]",
        "TT": "[true, true]",
        "F": "[false]",
        "FT": "[false]",
        "eT": "[false!]",
        "TuT": "[true, false]",
        "TTFe": "[true, true, false]",
        "Tee": "[true, false!]",
    }.items():
        yield stopping(42, deny, items, answer)
    for items, answer in {
        "FTF": "[false, true]",
        "eTT": "[false!, true]",
        "FF": "[false, false]",
        "T": "[true]",
        "TF": "[true]",
        "FeTe": "[false, false!, true]",
        "ee": "[false!, false!]",
        "FuT": "[false, false, true]",
    }.items():
        yield stopping(43, permit, items, answer)
