"""
What stock oso makes of the same rules: the reference.

Nothing of ours is in it. oso is the stock one with its own host and its own event loop, the
classes are plain Python classes, and what they hold are plain values: texts, numbers, bools and
None cross by value, and oso compares them itself. One thing alone is changed: an attribute that
is missing, from nil as well, raises out of the query, where oso would swallow it under ``not``.

How the rules' answers become a decision is written here once more.

Where this service means to differ from oso, the plain classes say so and oso obeys them:

* an entity is compared with nil only (``policy/border/comparison.py``), so their ``==`` raises;
* a list or an object of a caller is compared with nothing, and nothing is read from it, so it
  comes as a ``Structure``, of which neither is possible;
* nil, a text, or a number is of no class, and asking a helper that has classes in its head about
  one is an error (``host.isa``), so ``isinstance`` of a plain class raises there. Where such a head
  has a literal as well, oso may see first that the literal differs, if it knows the other value:
  then it is silent and we err. The policies that are drawn leave that case out;
* an absent member of a caller's bag is nil, so a ``Bag`` has every attribute;
* an action that no rule mentions is ``other``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from polar.exceptions import OsoError
from polar.polar import Polar
from polar.predicate import Predicate
from polar.query import Query
from polar.variable import Variable

from authz_service.domain.decision import ACTIONS, BUILT_IN_REASONS, NO_PERMIT, POLICY_ERROR
from authz_service.domain.facts import Facts
from authz_service.policy.vocabulary import BY_TYPE
from tests.policy.differential.answer import Answer
from tests.policy.differential.policies import Policy


class Wrong(Exception):
    """What a rule asked has no answer."""


class _Kind(type):
    """The class of plain classes: only of plain objects can it be asked whether they are of one."""

    def __instancecheck__(cls, instance: object) -> bool:
        if not isinstance(type(instance), _Kind):
            raise Wrong("a class is asked about what is no entity")
        return super().__instancecheck__(instance)


class Plain(metaclass=_Kind):
    """An entity as stock oso sees it."""

    __hash__ = None  # type: ignore[assignment]  # nobody keeps them in a set

    def __eq__(self, other: object) -> bool:
        if other is not None:
            raise TypeError("an entity is compared with nil only")
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other


class Bag(Plain):
    """What a caller asserts; an absent member is nil."""

    def __init__(self, members: Mapping[str, object]) -> None:
        self.__dict__.update((name, plain(value)) for name, value in members.items())

    def __getattr__(self, name: str) -> None:
        return None


class Structure:
    """A list or an object that a caller asserts."""

    __hash__ = None  # type: ignore[assignment]  # as above

    def __eq__(self, other: object) -> bool:
        raise TypeError("a list or an object is compared with nothing")

    def __ne__(self, other: object) -> bool:
        raise TypeError("a list or an object is compared with nothing")


_CLASSES: dict[type, _Kind] = {
    kind: _Kind(entity.name, (Plain,), {}) for kind, entity in BY_TYPE.items()
}


def plain(value: object) -> object:
    """Give facts as plain objects, and what a caller asserts as plain values."""
    kind = type(value)
    if kind in _CLASSES:
        made = _CLASSES[kind]()
        for name in BY_TYPE[kind].facts:
            part = getattr(value, name)
            setattr(made, name, Bag(part) if isinstance(part, Mapping) else plain(part))
        return made
    return Structure() if isinstance(value, list | dict) else value


class _StrictQuery(Query):
    """oso's event loop, with the one change."""

    def handle_external_call(self, data: dict[str, Any]) -> None:
        if not hasattr(self.host.to_python(data["instance"]), data["attribute"]):
            raise Wrong(f"there is no `{data['attribute']}`")
        super().handle_external_call(data)


class Reference:
    """
    Stock oso with the rules of one policy.

    Args:
        policy: the rules, each permit and forbid under a name of its own.
        ranked: the declared reasons, in their order.
    """

    def __init__(self, policy: Policy, ranked: Sequence[str]) -> None:
        self._rules = policy.rules
        self._ranked = ranked
        self._actions = {*ACTIONS, *re.findall(r'"([^"]*)"', policy.text)}
        self._polar = Polar()
        for kind, entity in BY_TYPE.items():
            self._polar.register_class(_CLASSES[kind], name=entity.in_polar)
        self._polar.register_class(Bag)
        # oso warns of a policy without `allow`.
        self._polar.load_str(f"allow(_, _, _);\n{policy.text}")

    def answer(self, action: str, facts: Facts) -> Answer:
        """Ask every rule, and combine."""
        named = action if action in self._actions else "other"
        arguments = (plain(facts.actor), named, plain(facts.resource))
        spoke: dict[str, dict[str, set[str]]] = {"permit": {}, "forbid": {}}
        erred = []
        for rule in self._rules:
            try:
                reasons = self._ask(rule.name, arguments)
            except (OsoError, Wrong):
                erred.append(rule.place)
            else:
                if reasons:
                    spoke[rule.kind][rule.place] = reasons
        if erred:
            return Answer(False, (POLICY_ERROR,), tuple(sorted(erred)), tuple(sorted(erred)))
        for kind in ("forbid", "permit"):
            if spoke[kind]:
                given = set().union(*spoke[kind].values())
                reasons_in_order = tuple(one for one in self._ranked if one in given)
                return Answer(kind == "permit", reasons_in_order, tuple(sorted(spoke[kind])), ())
        return Answer(False, (NO_PERMIT,), (), ())

    def _ask(self, name: str, arguments: tuple[object, ...]) -> set[str]:
        host = self._polar.host.copy()
        asked = host.to_polar(Predicate(name, [*arguments, Variable("reason")]))
        query = _StrictQuery(self._polar.ffi_polar.new_query_from_term(asked), host=host)
        reasons = set()
        for result in query.run():
            reason = result["bindings"].get("reason")
            # A `Variable` of oso is a text, too.
            if type(reason) is not str or reason not in self._ranked or reason in BUILT_IN_REASONS:
                raise Wrong("no declared reason")
            reasons.add(reason)
        return reasons
