"""
The guarded border between Python and Polar.

Plain oso lets a rule walk any attribute of any Python object, which hands the process to
whoever edits a policy, and swallows a missing attribute under ``not``, which turns a
forbid with a typo into a permit. Here only three kinds of value cross:

* *closed* values: exactly a bool, nil, or a word of a declared set;
* *entities* of the vocabulary, from which only declared facts can be read;
* *opaque* values for all else, which Polar can only ask us to compare.

Everything unexpected raises ``Refused`` out of oso's event loop. oso's own way to report
an error, ``application_error``, is never used, because ``not`` swallows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from polar.host import Host
from polar.query import Query
from polar.variable import Variable

from authz_service.domain.decision import Observation
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import without_cpf
from authz_service.policy.comparison import SIGNS, Incomparable, compare
from authz_service.policy.kinds import (
    Asserted,
    Choice,
    Fact,
    Flag,
    Link,
    Members,
)
from authz_service.policy.vocabulary import BY_TYPE

REASON = "reason"
"""The variable that a rule's last argument is bound to."""

_INSTANCE = re.compile(r"\^\{id: ([0-9]+)\}(?: TYPE `\w+`)?")
_ENTITY_TYPES = frozenset((*BY_TYPE, Asserted))

Term = dict[str, Any]
"""A Polar term as oso's JSON border writes it."""


class Refused(Exception):
    """
    A rule did what no rule may do, or met what it did not expect.

    Attributes:
        check: the stable name of the check that stopped it.
    """

    def __init__(self, check: str, message: str) -> None:
        super().__init__(message)
        self.check = check


class OpaqueValue:
    """A value that Polar holds without seeing it; equal to nothing on Polar's side."""

    __slots__ = ("personal", "value")

    def __init__(self, value: object, *, personal: bool = False) -> None:
        self.value = value
        self.personal = personal


class GuardedHost(Host):
    """
    The Python side of one rule's run; a fresh copy serves each.

    Attributes:
        seen: what the rule observed, in order; the same test may come out both ways where
            only CPFs that are not shown tell two tests apart.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paths: dict[int, str] = {}
        self.seen: dict[Observation, None] = {}

    @property
    def observations(self) -> list[Observation]:
        """What the rule observed."""
        return list(self.seen)

    def ask(self, rule: str, facts: Facts, action: str) -> Term:
        """Make the term that asks one rule about *facts*; the action is one that Polar may see."""
        arguments = [
            self._entity(facts.actor, BY_TYPE[type(facts.actor)].name.lower()),
            {"value": {"String": action}},
            self._entity(facts.resource, BY_TYPE[type(facts.resource)].name.lower()),
            {"value": {"Variable": REASON}},
        ]
        return {"value": {"Call": {"name": rule, "args": arguments}}}

    def read(self, receiver: Term, name: str, arguments: object) -> Term:
        """
        Read one declared fact for Polar.

        Raises:
            Refused: a call, a receiver that is no entity, or a fact that is not declared.
        """
        if arguments is not None:
            raise Refused("method", f"calls `{name}`, but facts are read and never called")
        instance, path = self._receiver(receiver, name)
        path = f"{path}.{name}"
        if isinstance(instance, Asserted):
            return self._asserted(instance.members.get(name), path)
        entity = BY_TYPE[type(instance)]
        fact = entity.facts.get(name)
        if fact is None:
            raise Refused("unknown-fact", f"reads `{name}`, which {entity.name} does not have")
        return self._cross(fact, getattr(instance, name), path)

    def _receiver(self, term: Term, name: str) -> tuple[Any, str]:
        """Give the entity that a fact is read from, and its path."""
        number = _number(term)
        if number is None:
            raise Refused("value-receiver", f"reads `{name}` from a text, number or list")
        instance = self.get_instance(number)
        if instance is None:
            raise Refused("nil-receiver", f"reads `{name}` from nil")
        if type(instance) not in _ENTITY_TYPES:
            raise Refused("opaque-receiver", f"reads `{name}` from what is no entity")
        return instance, self._paths[number]

    def _cross(self, fact: Fact, value: object, path: str) -> Term:
        """Hand a declared fact over, if it is what its declaration says."""
        if isinstance(fact, Flag):
            if type(value) is not bool:
                raise Refused("flag", f"`{path}` is neither true nor false")
            return self._closed(path, "Boolean", value)
        if isinstance(fact, Choice):
            if type(value) is not str or value not in fact.words:
                raise Refused("choice", f"`{path}` is none of its declared words")
            return self._closed(path, "String", value)
        if isinstance(fact, Members):
            return self._entity(Asserted(value), path)  # type: ignore[arg-type]  # the facts are typed
        if isinstance(fact, Link):
            if fact.may_be_nil:
                self._note(f"{path} = nil", value is None)
            elif type(value) is not fact.entity:
                raise Refused("link", f"`{path}` is not the entity that it is declared to be")
            return self._nil(path) if value is None else self._entity(value, path)
        if value is None:
            return self._nil(path)
        return self._opaque(value, path, personal=fact.personal)

    def _asserted(self, value: object, path: str) -> Term:
        """Hand over what a caller sent: a bool as itself, nothing as nil, the rest opaque."""
        if type(value) is bool:
            return self._closed(path, "Boolean", value)
        self._note(f"{path} = nil", value is None)
        return self._nil(path) if value is None else self._opaque(value, path)

    def _closed(self, path: str, tag: str, value: str | bool) -> Term:  # noqa: FBT001 - it is the datum
        self._note(path, value)
        return {"value": {tag: value}}

    def _entity(self, value: object, path: str) -> Term:
        return self._hold(value, path, self.types[type(value)])

    def _opaque(self, value: object, path: str, *, personal: bool = False) -> Term:
        return self._hold(OpaqueValue(value, personal=personal), path, None)

    def _hold(self, value: object, path: str, kind: Any) -> Term:
        number = self.cache_instance(value)
        self._paths[number] = path
        return _instance(number, kind)

    def _nil(self, path: str) -> Term:
        return self._hold(None, path, None)

    def to_polar(self, value: object) -> Term:
        """Hand over what is registered before any rule runs: classes, and nil; nothing else."""
        if value is None:
            return self._nil("nil")
        if not isinstance(value, type) or value not in self.types:
            raise Refused("crossing", "a Python value was about to cross unguarded")
        return _instance(self.types[value].id, self.types[value])

    def to_python(self, term: Term) -> object:
        """
        Give the Python value of a term that comes back from Polar.

        Raises:
            Refused: a list, a dictionary or another structure.
        """
        [(tag, body)] = term["value"].items()
        if tag in ("String", "Boolean"):
            return body
        if tag == "Number":
            [number] = body.values()
            return number
        if tag == "ExternalInstance":
            held = self.get_instance(body["instance_id"])
            return held.value if type(held) is OpaqueValue else held
        if tag == "Variable":
            return Variable(body)
        raise Refused("structure", f"hands a {tag.lower()} over the border")

    def operator(self, op: str, args: Sequence[object]) -> bool:
        """
        Compare two values for Polar by the table of ``comparison``.

        Raises:
            Refused: another operator, or values that have no such comparison.
        """
        if op not in SIGNS:
            raise Refused("operator", f"uses the operator `{op}`, which is not accepted")
        try:
            return compare(op, args[0], args[1], entities=_ENTITY_TYPES)
        except Incomparable as error:
            raise Refused("comparison", str(error)) from None

    def observe(self, op: str, terms: Sequence[Term], outcome: bool) -> None:  # noqa: FBT001 - it is the datum
        """
        Note a comparison by the paths and constants in it; values of facts stay out.

        One test stands once: ``!=`` is noted as what ``=`` would have said, and the sides of
        both, which oso gives in either order, get one order.
        """
        first, second = terms
        left, right = self._describe(first, second), self._describe(second, first)
        if op in ("Eq", "Neq"):
            left, right = sorted((left, right), key=_constants_last)
            op, outcome = "Eq", outcome is (op == "Eq")
        self._note(f"{left} {SIGNS[op]} {right}", outcome)

    def _note(self, test: str, outcome: str | bool) -> None:  # noqa: FBT001 - it is the datum
        self.seen[Observation(test, outcome)] = None

    def _describe(self, term: Term, beside: Term) -> str:
        """Give the path of a fact, or a constant unless it would name the person *beside* it."""
        number, other = _number(term), _number(beside)
        if number is not None:
            return self._name(number)
        held = None if other is None else self.get_instance(other)
        if other is not None and isinstance(held, OpaqueValue) and held.personal:
            return f'"[{self._name(other).rpartition(".")[2]}]"'
        return without_cpf(json.dumps(self.to_python(term), ensure_ascii=False))

    def isa(self, instance: Term, class_tag: str) -> NoReturn:
        """
        Refuse to say of what class nil, a text or a number is; oso knows itself of entities.

        "Of none" would be silent, and a rule that hands nil to a helper does not mean that.
        """
        said = "nil" if self.to_python(instance) is None else "what is no entity"
        name = next((one.name for one in BY_TYPE.values() if one.in_polar == class_tag), class_tag)
        raise Refused("class", f"asks whether {said} is a {name}")

    def enrich_message(self, message: str) -> str:
        """Put paths into oso's texts, where the original puts the ``repr`` of instances."""
        return _INSTANCE.sub(lambda match: f"`{self._name(int(match[1]))}`", message)

    def _name(self, number: int) -> str:
        # The one constant that is named and was never handed over is nil.
        return self._paths.get(number, "nil")


def _constants_last(side: str) -> tuple[bool, str]:
    return (side == "nil" or side[0] in '"-0123456789', side)


def _number(term: Term) -> int | None:
    """Give the number of the instance that a term is, or None of a constant."""
    held = term["value"].get("ExternalInstance")
    return None if held is None else int(held["instance_id"])


def _instance(number: int, kind: Any) -> Term:
    held = {
        "instance_id": number,
        "repr": None,
        "class_repr": None if kind is None else kind.name,
        "class_id": None if kind is None else kind.id,
    }
    return {"value": {"ExternalInstance": held}}


class GuardedQuery(Query):
    """One rule's run, with every door of oso's event loop either guarded or shut."""

    def handle_external_call(self, data: Term) -> None:
        """Read a fact."""
        answer = self.host.read(data["instance"], data["attribute"], data["args"])
        self.ffi_query.call_result(data["call_id"], answer)

    def handle_external_op(self, data: Term) -> None:
        """Compare two values, and note the outcome."""
        operator, terms = data["operator"], data["args"]
        values = [self.host.to_python(term) for term in terms]
        answer = self.host.operator(operator, values)
        self.host.observe(operator, terms, answer)
        self.ffi_query.question_result(data["call_id"], answer)

    def handle_make_external(self, data: Term) -> NoReturn:
        """Refuse ``new``."""
        raise Refused("new", "makes an object with `new`")

    def handle_next_external(self, data: Term) -> NoReturn:
        """Refuse to walk through a Python object."""
        raise Refused("iteration", "walks through a fact with `in`")

    def handle_debug(self, data: Term) -> NoReturn:
        """Refuse ``debug``, which would wait for a person at the server's terminal."""
        raise Refused("debug", "stops for `debug`")

    def handle_external_isa_with_path(self, data: Term) -> NoReturn:
        """Refuse a question that only oso's data filtering asks."""
        raise Refused("data-filtering", "asks for the class behind a path")

    def handle_external_is_subspecializer(self, data: Term) -> NoReturn:
        """Refuse to rank classes: those of the vocabulary have no order."""
        raise Refused("ranking", "ranks two classes")

    def handle_external_is_subclass(self, data: Term) -> NoReturn:
        """Refuse to compare classes: those of the vocabulary have no order."""
        raise Refused("ranking", "compares two classes")
