"""
Reads the evidence of a record back: what was told of an observation, as what came out of a probe.

A record may be of another policy, or of another version of this one, so nothing but the text of
the test is there. What it leaves open stays open: a CPF in a rule is never told, nor is why two
values could not be compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from authz_service.domain.decision import Observation
from authz_service.policy.border.comparison import SIGNS
from authz_service.policy.border.probes import (
    OPAQUE,
    ROOTS,
    Asks,
    Compares,
    Constant,
    Read,
    comparison,
    constant,
    fact_at,
)
from authz_service.policy.diagrams.situations import Wish
from authz_service.policy.kinds import Choice, Flag
from authz_service.policy.reading.constants import Constants

_OPERATORS = {sign: name for name, sign in SIGNS.items()}
_PATH = r"[a-z][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)+"
_LEFT = re.compile(rf"({_PATH}) (=|[<>]=?) (.+)", re.DOTALL)
_RIGHT = re.compile(rf"(.+) (=|[<>]=?) ({_PATH})", re.DOTALL)
_HIDDEN = re.compile(r"\[[a-z_]+\]")

Side = str | Constant


def wish_of(told: Observation) -> Wish | None:
    """Give what must have come out of which probe, or None if that is not told."""
    test, outcome = told.test, told.outcome
    if outcome is None:
        return None
    # What is no path, or none of the vocabulary of today, tells nothing.
    with suppress(KeyError, AttributeError, ValueError):
        return _closed(test, outcome) if " " not in test else _compared(test, outcome)
    return None


def _closed(path: str, outcome: str | bool) -> Wish | None:  # noqa: FBT001 - it is the datum
    fact, member = fact_at(path)
    if member is not None:
        return (Asks(path), outcome) if outcome in (True, False, OPAQUE) else None
    fits = isinstance(fact, Flag) and isinstance(outcome, bool)
    fits = fits or (isinstance(fact, Choice) and outcome in fact.words)
    return (Read(path), outcome) if fits else None


def _compared(test: str, outcome: str | bool) -> Wish | None:  # noqa: FBT001 - as above
    sides = _sides(test)
    if sides is None or not isinstance(outcome, bool):
        return None
    left, op, right = sides
    probe, _opposite = comparison(op, left, right)
    return probe, outcome


def _sides(test: str) -> tuple[Side, str, Side] | None:
    """Give both sides of a comparison as it is told, or None if one of them is hidden."""
    # A text of a rule may hold a sign as well: what stands beside the path is read in one piece.
    found = _LEFT.fullmatch(test) or _RIGHT.fullmatch(test)
    if found is None:
        return None
    left, right = _side(found[1]), _side(found[3])
    if left is None or right is None:
        return None
    return left, _OPERATORS[found[2]], right


def _path(text: str) -> str:
    if text.partition(".")[0] not in ROOTS:
        raise KeyError(text)
    fact_at(text)
    return text


def _side(text: str) -> Side | None:
    if re.fullmatch(_PATH, text):
        return _path(text)
    value = None if text == "nil" else json.loads(text)
    if isinstance(value, str) and _HIDDEN.search(value):
        return None
    return constant(value)


def with_constants(known: Constants, wishes: Iterable[Wish]) -> Constants:
    """Give *known* and what else facts are compared with in *wishes*."""
    texts, numbers, between = set(known.texts), set(known.numbers), known.between
    for probe, _outcome in wishes:
        if isinstance(probe, Compares):
            fixed = [one.value for one in (probe.left, probe.right) if isinstance(one, Constant)]
            texts |= {value for value in fixed if isinstance(value, str)}
            numbers |= {one for one in fixed if isinstance(one, int | float)}
            between = between or not fixed
    return replace(known, texts=frozenset(texts), numbers=frozenset(numbers), between=between)
