"""The nearest allow from outside: differences put into facts, and every set of moves tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, combinations
from typing import Any

from authz_service.domain.decision import Question
from authz_service.domain.facts import Facts, ProcessFacts, SignInFacts
from authz_service.domain.nearest import Difference, Way
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.diagrams.possible import broken
from authz_service.policy.nearness.changes import MOVES
from authz_service.policy.nearness.changing import put

_NOWHERE = SignInFacts("?", "?", "?", None, second_factor=False, agent=False, minutes=None)


def changed(facts: Facts, differences: Iterable[Difference]) -> Facts:
    """Give *facts* with exactly these differences; of a sign-in that is new, all its facts."""
    actor: Any = facts.actor
    resource: Any = facts.resource
    new = facts.question.sign_in is None
    for one in differences:
        root, *names = one.fact.split(".")
        if root in ("person", "login", "subject"):
            actor = _assigned(actor, names, one.needed)
            continue
        if new and "sign_in" in names and resource.question.sign_in is None:
            resource = _assigned(resource, ["question", "sign_in"], _NOWHERE)
        resource = _assigned(resource, names, one.needed)
    if isinstance(resource, ProcessFacts):
        company = replace(resource.company, question=resource.question)
        resource = replace(resource, company=company)
    return replace(facts, actor=actor, resource=resource)


def _assigned(entity: Any, names: list[str], value: object) -> Any:
    first, *rest = names
    inner = _assigned(getattr(entity, first), rest, value) if rest else value
    return replace(entity, **{first: inner})


def of(way: Way) -> list[Difference]:
    """Give all differences of a way."""
    return [one for change in way.changes for one in change.differences]


def allowed(policy: CompiledPolicy, question: Question, facts: Facts) -> bool:
    """Tell whether *facts* are possible, and allowed about them."""
    return policy.evaluate(question, facts).allowed and not broken(facts)


def lesser(facts: Facts, way: Way) -> Iterator[Facts]:
    """Give *facts* with every part of the differences of a way but all of them."""
    differences = of(way)
    # The facts of a new sign-in come together or not at all.
    new = facts.question.sign_in is None
    groups: dict[str, list[Difference]] = {}
    for one in differences:
        whole = new and ".sign_in." in one.fact
        groups.setdefault("sign_in" if whole else one.fact, []).append(one)
    names = list(groups)
    for size in range(len(names)):
        for chosen in combinations(names, size):
            yield changed(facts, chain.from_iterable(groups[name] for name in chosen))


def reached(facts: Facts, most: int) -> Iterator[tuple[frozenset[str], Facts]]:
    """Give where every set of at most *most* moves leads, in whatever order they happen."""
    level: list[tuple[frozenset[str], Facts]] = [(frozenset(), facts)]
    for _size in range(most):
        after = []
        seen: set[tuple[frozenset[str], str]] = set()
        for codes, now in level:
            for move in MOVES:
                if move.code in codes:
                    continue
                for values in move.make(now):
                    one = (codes | {move.code}, put(now, values))
                    name = (one[0], repr((one[1].actor, one[1].resource)))
                    if values and name not in seen:
                        seen.add(name)
                        after.append(one)
        yield from after
        level = after
