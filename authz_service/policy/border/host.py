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
from polar.variable import Variable

from authz_service.domain.decision import Observation
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import without_cpf
from authz_service.policy.border import probes
from authz_service.policy.border.comparison import SIGNS, Incomparable, compare
from authz_service.policy.border.probes import ENTITY_TYPES, Asks, IsNil, Probe, Read
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
_NIL_CONSTANT = "nil"

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


class Misfit(Refused):
    """A fact is not what its declaration says, so that the rule's next answer may be another."""


class NoComparison(Refused):
    """Two values have no such comparison."""


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
        steps: what the rule looked at, in order, with what came out and what the record may tell
            of it. The same test may be told both ways where only CPFs that are not shown tell
            two probes apart.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paths: dict[int, str] = {}
        self.steps: dict[Probe, tuple[probes.Outcome, Observation]] = {}

    @property
    def observations(self) -> list[Observation]:
        """What the rule observed."""
        return list(dict.fromkeys(told for _outcome, told in self.steps.values()))

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
        if type(instance) not in ENTITY_TYPES:
            self._nil_or_not(term)
        if instance is None:
            raise Refused("nil-receiver", f"reads `{name}` from nil")
        if type(instance) not in ENTITY_TYPES:
            raise Refused("opaque-receiver", f"reads `{name}` from what is no entity")
        return instance, self._paths[number]

    def _cross(self, fact: Fact, value: object, path: str) -> Term:
        """Hand a declared fact over, if it is what its declaration says."""
        if isinstance(fact, Flag):
            if type(value) is not bool:
                raise Misfit("flag", f"`{path}` is neither true nor false")
            return self._closed(path, "Boolean", value)
        if isinstance(fact, Choice):
            if type(value) is not str or value not in fact.words:
                raise Misfit("choice", f"`{path}` is none of its declared words")
            return self._closed(path, "String", value)
        if isinstance(fact, Members):
            return self._entity(Asserted(value), path)  # type: ignore[arg-type]  # the facts are typed
        if isinstance(fact, Link):
            if fact.may_be_nil:
                self._note_nil(path, value is None)
            elif type(value) is not fact.entity:
                raise Misfit("link", f"`{path}` is not the entity that it is declared to be")
            return self._nil(path) if value is None else self._entity(value, path)
        if value is None:
            return self._nil(path)
        return self._opaque(value, path, personal=fact.personal)

    def _asserted(self, value: object, path: str) -> Term:
        """Hand over what a caller sent: a bool as itself, nothing as nil, the rest opaque."""
        if type(value) is bool:
            self._note(Asks(path), value, Observation(path, value))
            return {"value": {"Boolean": value}}
        if value is None:
            self._note(Asks(path), probes.NIL, Observation(f"{path} = nil", outcome=True))
            return self._nil(path)
        # That it is no nil is another observation: a list is none, and cannot be compared with it.
        self._note(Asks(path), probes.OPAQUE, Observation(path, probes.OPAQUE))
        return self._opaque(value, path)

    def _closed(self, path: str, tag: str, value: str | bool) -> Term:  # noqa: FBT001 - it is the datum
        self._note(Read(path), value, Observation(path, value))
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
        Give the Python value of a term that comes back from Polar; an opaque one stays wrapped.

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
            return self.get_instance(body["instance_id"])
        if tag == "Variable":
            return Variable(body)
        raise Refused("structure", f"hands a {tag.lower()} over the border")

    def operator(self, op: str, args: Sequence[object]) -> bool:
        """
        Compare two values for Polar by the table of ``comparison``; opaque ones may be wrapped.

        Raises:
            Refused: another operator.
            NoComparison: the values have no such comparison.
        """
        if op not in SIGNS:
            raise Refused("operator", f"uses the operator `{op}`, which is not accepted")
        try:
            left, right = (one.value if type(one) is OpaqueValue else one for one in args)
            return compare(op, left, right, entities=ENTITY_TYPES)
        except Incomparable as error:
            raise NoComparison("comparison", str(error)) from None

    def observe(self, op: str, terms: Sequence[Term], outcome: bool | str) -> None:  # noqa: FBT001 - it is the datum
        """
        Note a comparison by the paths and constants in it; values of facts stay out.

        One test stands once: ``!=`` is told as what ``=`` would have said, and the sides of
        both, which oso gives in either order, get one order.

        Args:
            op: Polar's name of the operator.
            terms: both sides.
            outcome: what came out, or why the two have no such comparison.
        """
        first, second = terms
        probe, opposite = probes.comparison(op, self._side(first), self._side(second))
        if not probes.paths_of(probe):
            return  # what two fixed values say of each other is no news
        left, right = self._describe(first, second), self._describe(second, first)
        sign = SIGNS[op]
        if isinstance(outcome, str):
            # Not why: that is the rule's error, beside what was observed.
            self._note(probe, outcome, Observation(f"{left} {sign} {right}", None))
            return
        told = outcome
        if op in ("Eq", "Neq"):
            left, right = sorted((left, right), key=_constants_last)
            told, sign = outcome is (op == "Eq"), SIGNS["Eq"]
        self._note(probe, outcome is not opposite, Observation(f"{left} {sign} {right}", told))

    def _side(self, term: Term) -> str | probes.Constant:
        """Give the path of a fact, or a constant as itself."""
        number = _number(term)
        path = None if number is None else self._name(number)
        return probes.constant(self.to_python(term)) if path in (None, _NIL_CONSTANT) else path

    def _nil_or_not(self, term: Term) -> None:
        """Note what tells nil from a value where Polar itself cannot."""
        path = self._side(term)
        if isinstance(path, str):
            self._note_nil(path, self.to_python(term) is None)

    def _note_nil(self, path: str, outcome: bool) -> None:  # noqa: FBT001 - it is the datum
        self._note(IsNil(path), outcome, Observation(f"{path} = nil", outcome))

    def _note(self, probe: Probe, outcome: probes.Outcome, told: Observation) -> None:
        self.steps.setdefault(probe, (outcome, told))

    def _describe(self, term: Term, beside: Term) -> str:
        """Give the path of a fact, or a constant unless it would name the person *beside* it."""
        number, other = _number(term), _number(beside)
        if number is not None:
            return self._name(number)
        held = None if other is None else self.get_instance(other)
        if (
            other is not None  # mutant: without a number nothing is held; the types do not know it
            and isinstance(held, OpaqueValue)
            and held.personal
        ):
            return f'"[{self._name(other).rpartition(".")[2]}]"'
        return without_cpf(json.dumps(self.to_python(term), ensure_ascii=False))

    def isa(self, instance: Term, class_tag: str) -> NoReturn:
        """
        Refuse to say of what class nil, a text or a number is; oso knows itself of entities.

        "Of none" would be silent, and a rule that hands nil to a helper does not mean that.
        """
        self._nil_or_not(instance)
        said = "nil" if self.to_python(instance) is None else "what is no entity"
        name = next((one.name for one in BY_TYPE.values() if one.in_polar == class_tag), class_tag)
        raise Refused("class", f"asks whether {said} is a {name}")

    def enrich_message(self, message: str) -> str:
        """Put paths into oso's texts, where the original puts the ``repr`` of instances."""
        return _INSTANCE.sub(lambda match: f"`{self._name(int(match[1]))}`", message)

    def _name(self, number: int) -> str:
        # The one constant that is named and was never handed over is nil.
        return self._paths.get(number, _NIL_CONSTANT)


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
