"""The decision alone: ours beside plain oso, Cedar and casbin, on the same rules and facts."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from random import Random
from statistics import median

from authz_service.policy.bundle import Source, collect
from tests.bench import generated, shipped
from tests.bench.peers import (
    Ask,
    Asked,
    CasbinRule,
    cedar,
    cedar_prepared,
    diagram,
    explored,
    in_casbin,
    plain_oso,
    prepared_for_cedar,
)
from tests.bench.rounds import mean_of, progress, table, times

OURS = "diagram"
SIZES = {10: 5, 100: 5, 1_000: 3}
"""How many rules, and in how many rounds: plain oso takes a tenth of a second in the last."""
SECONDS = 0.2
TYPICAL, OTHERS = 6, 20
"""How many generated questions are asked again and again, and how many once."""


@dataclass(frozen=True, slots=True)
class Policy:
    """
    One policy in everybody's words, with questions and their answers.

    Attributes:
        name: what it is called in the table.
        sources: for ours and for plain oso.
        cedar: for Cedar.
        casbin: for casbin.
        typical: what is asked again and again.
        others: what is asked once, when the typical questions are known.
    """

    name: str
    sources: Sequence[Source]
    cedar: str
    casbin: Sequence[CasbinRule]
    typical: Sequence[tuple[Asked, bool]]
    others: Sequence[tuple[Asked, bool]]

    def peers(self) -> Mapping[str, Callable[[], Ask]]:
        """Give how each is built."""
        known = prepared_for_cedar(asked for asked, _ in (*self.typical, *self.others))
        return {
            OURS: lambda: diagram(self.sources),
            "diagram, explored beforehand": lambda: explored(self.sources),
            "plain oso": lambda: plain_oso(self.sources),
            "cedarpy": lambda: cedar(self.cedar),
            "cedarpy, facts parsed before": lambda: cedar_prepared(self.cedar, known),
            "casbin": lambda: in_casbin(self.casbin),
        }


def shipped_policy() -> Policy:
    """Give the shipped policies; their own tests ask the other questions."""
    tests = sorted(shipped.FOLDER.glob("*_test.toml"))
    return Policy(
        "shipped policies",
        collect(shipped.FOLDER),
        shipped.CEDAR,
        shipped.casbin_rules(),
        shipped.asked_in(shipped.TYPICAL),
        [one for path in tests for one in shipped.asked_in(path)],
    )


def generated_policy(size: int) -> Policy:
    """Give a policy of *size* rules, the same in every run."""
    draw = Random(size)  # noqa: S311 - the same in every run, and no secret
    rules = generated.rules(size, draw)
    asked = generated.asked(rules, TYPICAL + OTHERS, draw)
    return Policy(
        f"{size:,} rules",
        generated.in_polar(rules),
        generated.in_cedar(rules),
        list(generated.for_casbin(rules)),
        asked[:TYPICAL],
        asked[TYPICAL:],
    )


def disagreements(policy: Policy) -> Iterator[str]:
    """Ask everybody everything, and tell each answer that is not the expected one."""
    for name, build in policy.peers().items():
        ask = build()
        for number, (asked, expected) in enumerate((*policy.typical, *policy.others)):
            if ask(asked) is not expected:
                yield f"{policy.name}, question {number}: {name} says {not expected}"


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What one peer takes, in seconds.

    Attributes:
        build: from texts to the first question.
        first: the first question.
        other: a question that was not asked before, once the typical ones are known.
        typical: one of the typical questions, asked again.
    """

    build: float
    first: float
    other: float
    typical: float


def cost(build: Callable[[], Ask], policy: Policy) -> Cost:
    """Build one peer anew, and ask it."""
    typical, others = ([asked for asked, _ in each] for each in (policy.typical, policy.others))
    gc.collect()
    began = time.perf_counter()
    ask = build()
    built = time.perf_counter()
    ask(typical[0])
    answered = time.perf_counter()
    asking(ask, typical)()
    return Cost(
        typical=mean_of(asking(ask, typical), SECONDS) / len(typical),
        other=mean_of(asking(ask, others), 0) / len(others),
        first=answered - built,
        build=built - began,
    )


def asking(ask: Ask, questions: Sequence[Asked]) -> Callable[[], None]:
    """Give what asks each of *questions* once."""

    def run() -> None:
        for one in questions:
            ask(one)

    return run


def measure(policy: Policy, rounds: int) -> None:
    """
    Measure one policy, and print its table.

    Raises:
        AssertionError: the peers do not decide alike, so there is nothing to compare.
    """
    progress(f"{policy.name}: do all decide alike?")
    found = list(disagreements(policy))
    assert not found, found
    peers = policy.peers()
    costs: dict[str, list[Cost]] = {name: [] for name in peers}
    for number in range(rounds):
        for name, build in peers.items():
            progress(f"{policy.name}, round {number + 1}/{rounds}: {name}")
            costs[name].append(cost(build, policy))
    middle = {
        name: Cost(*(median(one) for one in zip(*map(astuple, taken), strict=True)))
        for name, taken in costs.items()
    }
    rows = {
        name: [
            f"{one.build * 1e3:,.1f}",
            f"{one.first * 1e6:,.0f}",
            f"{one.other * 1e6:,.1f}",
            f"{one.typical * 1e6:,.1f}",
            times(one.typical, middle[OURS].typical),
        ]
        for name, one in middle.items()
    }
    columns = ["build ms", "first µs", "new µs", "known µs", "known, to the diagram"]
    table(f"A decision, {policy.name}", columns, rows)
