"""
Policies of any size, written alike in Polar, for Cedar and for casbin.

Half of the rules speak of one process each, as an administrator writes them who lets a process
be opened under conditions of its own; the others test three facts. Every fact with a declared
domain that a person's question about a process always has is used, and each rule can speak.
Forbids are of the first kind alone, or in a thousand rules nothing would be allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from operator import attrgetter
from random import Random

from authz_service.domain.decision import ProcessAsked
from authz_service.domain.delegation import Delegation, Event, EventKind
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf, ProcessId
from authz_service.domain.known import Known, facts_of
from authz_service.domain.people import Bond, Evidence, Person, Role, Standing
from authz_service.domain.processes import ProcessName, ProcessState
from authz_service.policy.bundle import Source
from authz_service.policy.kinds import Choice, Entity, Flag, Link
from authz_service.policy.vocabulary import BY_TYPE, VOCABULARY
from tests.bench.peers import Asked, CasbinRule
from tests.fakes.clock import NOON
from tests.policy.compiled import CODES, reasons
from tests.policy.facts import ACME, ANA, BIA, FILIAL, OPEN, P001

PERMIT, FORBID = "permit", "forbid"
ABOUT = (("actor", "Person"), ("resource", "Process"))
ONE_FORBIDS_IN = 8
YESTERDAY = date(2026, 11, 19)
ASKED = replace(OPEN, resource=ProcessAsked(ProcessName("P001"), FILIAL))
"""About an establishment that has a matriz, or no fact of a matriz would be more than absent."""

Word = str | bool
Domains = Mapping[str, Sequence[Word]]


def domains(entity: Entity, path: str) -> Iterator[tuple[str, Sequence[Word]]]:
    """Give the facts that are always there and have a declared domain, below *path*."""
    for name, fact in entity.facts.items():
        if isinstance(fact, Flag):
            yield f"{path}.{name}", (False, True)
        elif isinstance(fact, Choice):
            yield f"{path}.{name}", sorted(map(str, fact.words))
        # Two ways lead to the particulars of the question.
        elif isinstance(fact, Link) and not fact.may_be_nil and name != "question":
            yield from domains(BY_TYPE[fact.entity], f"{path}.{name}")


DOMAINS: Domains = {
    path: words for root, name in ABOUT for path, words in domains(VOCABULARY[name], root)
}


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One generated rule about opening.

    Attributes:
        kind: ``permit`` or ``forbid``.
        process: the one process that it is about, or None.
        tests: what each fact in it has to be.
        reason: what it says.
    """

    kind: str
    process: str | None
    tests: Mapping[str, Word]
    reason: str


def rules(number: int, draw: Random) -> list[Rule]:
    """Make *number* rules, each with words from a situation in which it speaks."""
    made = []
    for position in range(number):
        process = f"p{position:04}" if position % 2 else None
        kind = FORBID if position % ONE_FORBIDS_IN == 1 else PERMIT
        situation = _situation(process, draw)
        paths = draw.sample(sorted(DOMAINS), 3 if process is None else draw.choice((1, 2)))
        tests = {path: attrgetter(path)(situation) for path in paths}
        made.append(Rule(kind, process, tests, draw.choice(CODES)))
    return made


def asked(made: Sequence[Rule], number: int, draw: Random) -> list[tuple[Asked, bool]]:
    """
    Make *number* questions, each with its answer.

    What a permit speaks of is allowed, since no other rule forbids its process; what a forbid
    speaks of is not. They take turns.
    """
    questions = []
    for position in range(number):
        kind = FORBID if position % 2 else PERMIT
        rule = draw.choice([one for one in made if one.kind == kind])
        facts = _situation(rule.process, draw)
        while any(attrgetter(path)(facts) != word for path, word in rule.tests.items()):
            facts = _situation(rule.process, draw)
        questions.append((Asked(ASKED, facts), kind == PERMIT))
    return questions


def _situation(process: str | None, draw: Random) -> Facts:
    """Draw facts that records can give, about one process or one that no rule names."""
    when = draw.choice([(NOON, NOON), (NOON, None), (None, None)])
    state = draw.choice([ProcessState.OPEN, ProcessState.OPEN, ProcessState.CLOSED])
    named = replace(P001, id=ProcessId(process or "p9999"), state=state)
    known = Known(
        people=(Person(ANA, *when),),
        process=named,
        delegation=draw.choice([None, _delegation(named.id, draw)]),
        bond=draw.choice([None, Bond(FILIAL, ACME, "1", NOON, draw.choice([None, YESTERDAY]))]),
        standings=tuple(
            _standing(company, person, draw)
            for company in (FILIAL, ACME)
            for person in (ANA, BIA)
            if draw.random() < 0.7
        ),
    )
    return facts_of(ASKED, known, NOON)


def _delegation(process: ProcessId, draw: Random) -> Delegation:
    ends = draw.choice([None, EventKind.REVOKED, EventKind.RENOUNCED])
    kinds = [EventKind.GRANTED, *([] if ends is None else [ends])]
    last_day = draw.choice([None, YESTERDAY])
    history = tuple(Event(kind, NOON, BIA, "bench", None, last_day) for kind in kinds)
    return Delegation("1", FILIAL, ANA, process, 3, history)


def _standing(company: Cnpj, person: Cpf, draw: Random) -> Standing:
    return Standing(
        company,
        person,
        draw.choice(list(Role)),
        draw.choice([Evidence.GOVBR, Evidence.ASSERTED]),
        NOON - timedelta(days=draw.choice([1, 30])),
        draw.choice([None, NOON]),
        draw.choice([None, True, False]),
    )


def in_polar(made: Iterable[Rule]) -> list[Source]:
    """Write rules for ours and for plain oso, with the reasons that they give."""
    written = []
    for rule in made:
        tests = [] if rule.process is None else [f'process.id = "{rule.process}"']
        tests += _tests(rule, {"actor": "person", "resource": "process"}, '{} = "{}"', "not {}")
        person = "person" if any(path.startswith("actor.") for path in rule.tests) else "_person"
        process = "process" if any(test.find("process.") >= 0 for test in tests) else "_process"
        head = f'{rule.kind}({person}: Person, "open", {process}: Process, "{rule.reason}")'
        written.append(f"{head} if\n    " + " and\n    ".join(tests) + ";\n")
    return [Source("rules.polar", "\n".join(written).encode()), reasons()]


def in_cedar(made: Iterable[Rule]) -> str:
    """Write rules for Cedar, where one process is named in the head, as its manual advises."""
    written = []
    for rule in made:
        tests = _tests(rule, {"actor": "principal", "resource": "resource"}, '{} == "{}"', "!{}")
        on = "is Process" if rule.process is None else f'== Process::"{rule.process}"'
        head = f'{rule.kind} (principal is Person, action == Action::"open", resource {on})'
        written.append(f"{head}\nwhen {{ {' && '.join(tests)} }};\n")
    return "\n".join(written)


def for_casbin(made: Iterable[Rule]) -> Iterator[CasbinRule]:
    """Write rules for casbin."""
    for rule in made:
        tests = [] if rule.process is None else [f"r.resource.id == '{rule.process}'"]
        tests += _tests(rule, {"actor": "r.actor", "resource": "r.resource"}, "{} == '{}'", "!{}")
        effect = "allow" if rule.kind == PERMIT else "deny"
        yield CasbinRule("person process", "open", effect, " && ".join(tests))


def _tests(rule: Rule, roots: Mapping[str, str], equal: str, negated: str) -> list[str]:
    written = []
    for path, word in rule.tests.items():
        root, _, rest = path.partition(".")
        fact = f"{roots[root]}.{rest}"
        if isinstance(word, bool):
            written.append(fact if word else negated.format(fact))
        else:
            written.append(equal.format(fact, word))
    return written
