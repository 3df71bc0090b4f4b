"""
Policies drawn at random, within the Polar that policies may use, but not within reason.

Nine conditions of ten make sense of their facts, or most decisions would only be errors. The
tenth is one that ``authz policy check`` would find: a fact that does not exist, a text under
``<`` with a number, a nil on its way, a helper asked about something else.

Each policy draws a few facts to speak of, so that its rules meet each other on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from authz_service.domain.decision import ACTIONS
from authz_service.policy.kinds import Choice, Flag, Link, Members, Opaque
from authz_service.policy.vocabulary import ACTORS, RESOURCES, VOCABULARY
from tests.policy.differential.facts import (
    CODES,
    CPFS,
    LOGINS,
    MEMBERS,
    NUMBERS,
    PROCESS_IDS,
    REASONS,
    TEXTS,
    UNDECLARED_ACTIONS,
)

FILE = "rules.polar"
EQUALITY = ("=", "=", "=", "!=")
ORDER = ("<", "<=", ">", ">=")
TYPOS = ("registred", "stat", "cpv", "compnay", "in_forse")
NAMES = (*CPFS, *LOGINS, *filter(None, CODES), *filter(None, PROCESS_IDS), "record", "alice")
"""Texts that facts which name something can be equal to."""

# The kinds of variable, beside the names of entities.
ACTION, VALUE, REASON = "action", "value", "reason"

Scope = dict[str, str]
"""What a condition may speak of: each variable with its kind, which may be wrong."""


@dataclass(frozen=True, slots=True)
class Written:
    """
    One permit or forbid.

    Attributes:
        kind: ``permit`` or ``forbid``.
        line: where it stands, 1-based.
        action: the one action in its head, or None.
        actor: the class in its head of who acts, or None.
        resource: the class in its head of what is acted on, or None.
        rest: all behind its name.
    """

    kind: str
    line: int
    action: str | None
    actor: str | None
    resource: str | None
    rest: str

    @property
    def name(self) -> str:
        """The name of its own, under which it is asked."""
        return f"{self.kind[0]}_{self.line:04}"

    @property
    def place(self) -> str:
        """Where it stands: ``file:line``."""
        return f"{FILE}:{self.line}"


@dataclass(frozen=True, slots=True)
class Policy:
    """
    The rules of one policy: permits and forbids, one to a line, and below them the helpers.

    Attributes:
        rules: the permits and forbids.
        helpers: the text of each helper rule.
    """

    rules: tuple[Written, ...]
    helpers: tuple[str, ...]

    @property
    def text(self) -> str:
        """What oso loads; with room at its end, since it counts bytes for characters."""
        text = self._text(rule.name for rule in self.rules)
        return text + " " * (len(text.encode()) - len(text))

    @property
    def as_written(self) -> str:
        """What an administrator would have written."""
        return self._text(rule.kind for rule in self.rules)

    def _text(self, names: Iterable[str]) -> str:
        deciding = (name + rule.rest for name, rule in zip(names, self.rules, strict=True))
        return "\n".join((*deciding, *self.helpers)) + "\n"


def draw_policy(random: Random) -> Policy:
    """Draw one to six permits and forbids, with up to three helpers."""
    return _Author(random).policy()


def _paths(entity: str, behind: str = "") -> list[tuple[str, object]]:
    """Give every fact that can be read over *entity*, with its path from there."""
    found: list[tuple[str, object]] = []
    by_type = {one.type: one.name for one in VOCABULARY.values()}
    for name, fact in VOCABULARY[entity].facts.items():
        found.append((f"{behind}.{name}", fact))
        if isinstance(fact, Link):
            found += _paths(by_type[fact.entity], f"{behind}.{name}")
        elif isinstance(fact, Members):
            found += [(f"{behind}.{name}.{member}", None) for member in MEMBERS]
    return found


_ALL_PATHS = {entity: _paths(entity) for entity in VOCABULARY}
_ENTITY_OF = {one.type: one.name for one in VOCABULARY.values()}


def _constant(value: object) -> str:
    return "nil" if value is None else json.dumps(value, ensure_ascii=False)


class _Author:
    """Writes one policy."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._helpers: dict[str, tuple[str, ...]] = {}
        # Asked about a text where a head has a class, we err. Where it has a literal as well, stock
        # oso may see first that the literal differs. A policy has such heads or such calls.
        self._literals_beside_classes = self._chance(0.5)
        self._favourites: dict[tuple[str, type | None], list[tuple[str, object]]] = {}

    def policy(self) -> Policy:
        helpers: list[str] = []
        for number in range(self._random.choice((0, 1, 1, 2, 3))):
            helpers += self._helper(f"helper{number}")
        kinds = ["permit", *self._random.choices(("permit", "forbid"), k=self._some(0, 5))]
        self._random.shuffle(kinds)
        rules = [self._deciding(kind, line) for line, kind in enumerate(kinds, start=1)]
        return Policy(tuple(rules), tuple(helpers))

    def _some(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _deciding(self, kind: str, line: int) -> Written:
        """Write one permit or forbid."""
        actor = self._random.choice(("Person",) * 4 + ACTORS)
        resource = self._random.choice(("Process",) * 4 + RESOURCES)
        scope = {"who": actor, "what": resource}
        by = actor if self._chance(0.85) else None
        about = resource if self._chance(0.85) else None
        action = self._named_action(about) if self._chance(0.35) else None
        if action is None:
            scope["action"] = ACTION
        conditions = [self._joined(scope, 2)] if self._chance(0.85) else []
        reason = f'"{self._random.choice(REASONS * 10 + ("nowhere", "policy-error"))}"'
        if self._chance(0.2):
            reason = "reason"
            bound = self._bound_reason(scope)
            if bound is not None:
                conditions.insert(self._some(0, len(conditions)), bound)
        heads = (
            f"who: {by}" if by else "who",
            f'"{action}"' if action else "action",
            f"what: {about}" if about else "what",
            reason,
        )
        return Written(kind, line, action, by, about, self._rule(heads, conditions))

    def _named_action(self, about: str | None) -> str:
        named = [*ACTIONS, *("open",) * 5]
        if about == "Resource":  # of others a rule names our actions only
            named += UNDECLARED_ACTIONS[:2]
        return self._random.choice(named)

    def _bound_reason(self, scope: Scope) -> str | None:
        """Give what binds a reason that is no literal; now and then nothing does."""
        first, second = self._random.sample(REASONS, 2)
        ways = [
            f'reason = "{first}"',
            f'(reason = "{first}" or reason = "{second}")',
            f'(({self._joined(scope, 1)}) and reason = "{first}")',
            f'reason in ["{first}", "{second}"]',
            f'reason = "{second}"',
        ]
        fact = self._path(scope, Members) or self._path(scope, Opaque)
        if fact is not None:
            ways.append(f"reason = {fact}")
        member = self._path(scope, None)
        if member is not None:
            ways += [f"reason = {member}", f'({member} = "{first}" and reason = {member})']
        asked = [name for name, kinds in self._helpers.items() if VALUE in kinds]
        if asked:
            name = self._random.choice(asked)
            arguments = [
                "reason" if kind == VALUE else self._argument(scope, kind)
                for kind in self._helpers[name]
            ]
            if None not in arguments:
                ways.append(f"{name}({', '.join(map(str, arguments))})")
        return None if self._chance(0.05) else self._random.choice(ways)

    def _helper(self, name: str) -> list[str]:
        """Write a helper of one to three rules; those before it are there to be asked."""
        kinds = tuple(
            self._random.choice((*(VALUE,) * 5, "Standing", "Question", *ACTORS, *RESOURCES))
            for _ in range(self._some(1, 2))
        )
        rules = [name + self._helper_rule(kinds) for _ in range(self._some(1, 3))]
        self._helpers[name] = kinds
        return rules

    def _helper_rule(self, kinds: Sequence[str]) -> str:
        scope: Scope = {}
        heads = []
        for variable, kind in zip("xy", kinds, strict=False):
            apart = len(set(kinds)) == 1 or self._literals_beside_classes
            if kind == VALUE and apart and self._chance(0.5):
                heads.append(self._literal())
                continue
            if kind == VALUE or self._chance(0.25):
                heads.append(variable)
                scope[variable] = kind
            else:
                # Now and then of another class: the helper is silent about what it is asked.
                scope[variable] = self._random.choice((kind,) * 6 + tuple(VOCABULARY))
                heads.append(f"{variable}: {scope[variable]}")
        return self._rule(heads, [self._joined(scope, 1)] if self._chance(0.8) else [])

    def _rule(self, heads: Sequence[str], conditions: Sequence[str]) -> str:
        """Put a rule together; variables that it does not use begin with ``_``, as oso wants."""
        if len(conditions) > 1:
            conditions = [f"({one})" for one in conditions]
        body = " and ".join(conditions)
        shown = [
            head if _is_literal(head) or re.search(rf"\b{_variable(head)}\b", body) else f"_{head}"
            for head in heads
        ]
        return f"({', '.join(shown)})" + (f" if {body}" if body else "") + ";"

    def _joined(self, scope: Scope, depth: int) -> str:
        """Write a condition as it stands in a body or in parentheses."""
        if depth == 0 or self._chance(0.3):
            return self._term(scope, 0)
        sign = self._random.choice((" and ", " or "))
        return sign.join(self._term(scope, depth - 1) for _ in range(self._some(2, 3)))

    def _term(self, scope: Scope, depth: int) -> str:
        """Write what may stand beside ``and`` and ``or``."""
        plain = f"({self._joined(scope, depth)})" if depth else self._atom(scope)
        return f"not {plain}" if self._chance(0.25) else plain

    def _atom(self, scope: Scope) -> str:
        while True:
            way = self._random.choice(_SOUND if self._chance(0.92) else _WILD)
            written = way(self, scope)
            if written is not None:
                return written

    def _favourite(self, entity: str, kind: type | None) -> str | None:
        """Give the path of a fact of one kind, always one of the same few."""
        key = (entity, kind)
        if key not in self._favourites:
            fitting = [
                (path, fact)
                for path, fact in _ALL_PATHS[entity]
                if (fact is None if kind is None else isinstance(fact, kind))
            ]
            # Facts behind a sign-in or a recipient err wherever there is none: most of them go.
            fitting = [
                one
                for one in fitting
                if not re.search(r"(sign_in|recipient)\.", one[0]) or self._chance(0.3)
            ]
            self._favourites[key] = self._random.sample(fitting, min(3, len(fitting)))
        known = self._favourites[key]
        return self._random.choice(known)[0] if known else None

    def _path(self, scope: Scope, *kinds: type | None) -> str | None:
        """Give a fact of one of some kinds, over a variable that stands for an entity."""
        variables = [name for name, kind in scope.items() if kind in VOCABULARY]
        if not variables:
            return None
        variable = self._random.choice(variables)
        path = self._favourite(scope[variable], self._random.choice(kinds))
        return None if path is None else variable + path

    def _value(self, scope: Scope) -> str | None:
        """Give a variable that stands for a value, or any fact."""
        values = [name for name, kind in scope.items() if kind in (VALUE, ACTION)]
        if values and self._chance(0.5):
            return self._random.choice(values)
        return self._path(scope, Flag, Choice, Opaque, None)

    def _literal(self) -> str:
        pools: tuple[Sequence[object], ...] = (TEXTS, NAMES, NUMBERS, ACTIONS, (True, False, None))
        return _constant(self._random.choice(self._random.choice(pools)))

    def _argument(self, scope: Scope, kind: str) -> str | None:
        """Give what a helper is asked about; seldom nothing of the kind that it expects."""
        if kind == VALUE:
            return self._value(scope) or self._literal()
        strict = self._literals_beside_classes
        fitting = [name for name, held in scope.items() if held == kind]
        for name, held in scope.items():
            for path, fact in _ALL_PATHS.get(held, ()):
                if isinstance(fact, Link) and _ENTITY_OF[fact.entity] == kind:
                    fitting += [] if strict and fact.may_be_nil else [name + path]
        if fitting and not self._chance(0.06):
            return self._random.choice(fitting)
        others: list[str | None] = [name for name, held in scope.items() if held in VOCABULARY]
        if not strict:
            others += [*scope, self._literal(), self._value(scope), self._path(scope, Link)]
        return self._random.choice(others) if others else None

    def flag(self, scope: Scope) -> str | None:
        return self._path(scope, Flag)

    def word(self, scope: Scope) -> str | None:
        """Compare a fact of a few words with one or several of them."""
        path = self._path(scope, Choice)
        if path is None:
            return None
        words = sorted(self._words(scope, path))
        if self._chance(0.3):
            some = self._random.sample(words, min(len(words), self._some(1, 3)))
            return f"{path} in [{', '.join(map(_constant, some))}]"
        return f"{path} {self._random.choice(EQUALITY)} {_constant(self._random.choice(words))}"

    def _words(self, scope: Scope, path: str) -> Iterable[str]:
        variable, _, rest = path.partition(".")
        fact = dict(_ALL_PATHS[scope[variable]])[f".{rest}"]
        assert isinstance(fact, Choice)
        return fact.words

    def named(self, scope: Scope) -> str | None:
        """Compare a fact that names something with a name, by its order as well."""
        path = self._path(scope, Opaque)
        if path is None or path.endswith(_NUMBERS):
            return None
        name = _constant(self._random.choice(NAMES))
        if self._chance(0.15):
            return f"({path} != nil and {path} {self._random.choice(ORDER)} {name})"
        return f"{path} {self._random.choice(('=', '='))} {name}"

    def number(self, scope: Scope) -> str | None:
        path = self._path(scope, Opaque)
        if path is None or not path.endswith(_NUMBERS):
            return None
        number = _constant(self._random.choice(NUMBERS))
        sides = [path, number] if self._chance(0.7) else [number, path]
        compared = f" {self._random.choice((*ORDER, '=', '!='))} ".join(sides)
        return compared if self._chance(0.1) else f"({path} != nil and {compared})"

    def two_facts(self, scope: Scope) -> str | None:
        """Compare two facts, the same one twice as well."""
        left, right = (self._path(scope, Opaque, Choice, None) for _ in range(2))
        return left and right and f"{left} = {right}"

    def two_numbers(self, scope: Scope) -> str | None:
        left, right = (self._path(scope, Opaque) for _ in range(2))
        if left is None or right is None or not (left + right).endswith(_NUMBERS):
            return None
        order = f"{left} {self._random.choice(ORDER)} {right}"
        return f"({left} != nil and {right} != nil and {order})"

    def nil(self, scope: Scope) -> str | None:
        path = self._path(scope, Opaque, Link, None, Members)
        return path and f"{path} {self._random.choice(('=', '!='))} nil"

    def guarded(self, scope: Scope) -> str | None:
        """Read behind what may be nil, asking first."""
        variables = [
            name
            for name, kind in scope.items()
            if any(path == ".question.recipient" for path, _ in _ALL_PATHS.get(kind, []))
        ]
        if not variables:
            return None
        link = f"{self._random.choice(variables)}.question." + self._random.choice(
            ("recipient", "sign_in")
        )
        inner = self._atom({"behind": "Person" if link.endswith("recipient") else "SignIn"})
        return f"({link} != nil and {re.sub('behind(?=[.,) ]|$)', link, inner)})"

    def member(self, scope: Scope) -> str | None:
        """Compare what a caller asserts with what it could be."""
        path = self._path(scope, None)
        if path is None:
            return None
        text = self._random.choice((*TEXTS, *REASONS, *CPFS))
        value = self._random.choice((True, False, text, text, self._random.choice(NUMBERS)))
        if self._chance(0.3):
            return f"{path} in [{_constant(value)}, {self._literal()}]"
        return f"{path} = {_constant(value)}"

    def action(self, scope: Scope) -> str | None:
        names = [name for name, kind in scope.items() if kind == ACTION]
        if not names:
            return None
        some = self._random.sample((*ACTIONS, "other", *UNDECLARED_ACTIONS), self._some(1, 3))
        if self._chance(0.5):
            return f"{names[0]} in [{', '.join(map(_constant, some))}]"
        return f"{names[0]} {self._random.choice((*EQUALITY, '<', '>='))} {_constant(some[0])}"

    def call(self, scope: Scope) -> str | None:
        if not self._helpers:
            return None
        name = self._random.choice(sorted(self._helpers))
        kinds = self._helpers[name]
        arguments = [self._argument(scope, kind) for kind in kinds]
        if len(kinds) == 2 and len(set(kinds)) == 1 and self._chance(0.5):
            arguments[1] = arguments[0]
        return None if None in arguments else f"{name}({', '.join(map(str, arguments))})"

    def value(self, scope: Scope) -> str | None:
        """Compare the variables of a helper, with each other as well."""
        values = [name for name, kind in scope.items() if kind == VALUE]
        if not values:
            return None
        beside = self._random.choice((self._literal(), self._literal(), *values))
        return f"{self._random.choice(values)} = {beside}"

    def both(self, scope: Scope) -> str | None:
        """Compare the two that a helper is asked about; an entity is equal to itself alone."""
        if not {"x", "y"} <= scope.keys():
            return None
        return f"x {self._random.choice(EQUALITY)} y"

    def wild(self, scope: Scope) -> str | None:
        """Compare anything with anything."""
        left = self._value(scope) or self._literal()
        right = self._random.choice((self._value(scope), self._literal(), self._literal()))
        sign = self._random.choice((*EQUALITY, *ORDER))
        sides = [left, right or "nil"]
        self._random.shuffle(sides)
        return f" {sign} ".join(sides)

    def wild_in(self, scope: Scope) -> str | None:
        some = [self._literal() for _ in range(self._some(0, 3))]
        return f"{self._value(scope) or self._literal()} in [{', '.join(some)}]"

    def bare(self, scope: Scope) -> str | None:
        """Take anything for a condition."""
        return self._path(scope, None, None, Choice, Opaque, Link) or self._value(scope)

    def typo(self, scope: Scope) -> str | None:
        path = self._path(scope, Link, Flag, Opaque)
        if path is None:
            return None
        wrong = self._random.choice(TYPOS)
        return f"{path.rpartition('.')[0]}.{wrong}" + self._random.choice(("", " = nil", " = true"))

    def too_far(self, scope: Scope) -> str | None:
        """Read a fact from what is no entity."""
        path = self._value(scope)
        return path and f"{path}.{self._random.choice(('state', 'cpf', 'soft'))} = nil"

    def unguarded(self, scope: Scope) -> str | None:
        variables = [
            name
            for name, kind in scope.items()
            if any(path.startswith(".question.sign_in.") for path, _ in _ALL_PATHS.get(kind, []))
        ]
        if not variables:
            return None
        ends = ("recipient.confirmed", "sign_in.agent", "sign_in.minutes <= 5")
        return f"{self._random.choice(variables)}.question.{self._random.choice(ends)}"

    def link(self, scope: Scope) -> str | None:
        """Compare an entity with anything."""
        path = self._path(scope, Link, Members)
        sign = self._random.choice((*EQUALITY, "<"))
        return path and f"{path} {sign} {self._value(scope) or path}"


_NUMBERS = (".version", ".days", ".minutes")
_SOUND: tuple[Callable[[_Author, Scope], str | None], ...] = (
    _Author.flag,
    _Author.flag,
    _Author.flag,
    _Author.word,
    _Author.word,
    _Author.word,
    _Author.named,
    _Author.named,
    _Author.number,
    _Author.number,
    _Author.two_facts,
    _Author.two_numbers,
    _Author.two_numbers,
    _Author.nil,
    _Author.guarded,
    _Author.member,
    _Author.member,
    _Author.action,
    _Author.action,
    _Author.call,
    _Author.call,
    _Author.call,
    _Author.value,
    _Author.both,
)
_WILD: tuple[Callable[[_Author, Scope], str | None], ...] = (
    _Author.both,
    _Author.wild,
    _Author.wild,
    _Author.wild,
    _Author.wild_in,
    _Author.bare,
    _Author.typo,
    _Author.too_far,
    _Author.unguarded,
    _Author.link,
)


def _variable(head: str) -> str:
    return head.partition(":")[0]


def _is_literal(head: str) -> bool:
    return head[0] in '"-0123456789' or head in ("true", "false", "nil")
