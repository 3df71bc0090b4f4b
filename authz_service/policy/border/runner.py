"""Polar behind the guard: rules are loaded once, and each is asked by itself, to the end."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from _polar_lib import lib
from polar.ffi import Polar as FfiPolar
from polar.ffi import PolarSource, ffi_serialize, process_messages
from polar.ffi import Query as FfiQuery
from polar.polar import Polar

from authz_service.domain.decision import ACTIONS, OTHER_ACTION
from authz_service.domain.facts import Facts
from authz_service.policy.border.host import REASON, GuardedHost, Refused, Term
from authz_service.policy.border.query import GuardedQuery
from authz_service.policy.kinds import Asserted
from authz_service.policy.vocabulary import VOCABULARY

# oso reads this for every query and would otherwise let one run for 30 seconds.
RULE_TIMEOUT_MS = 500
os.environ["POLAR_TIMEOUT_MS"] = str(RULE_TIMEOUT_MS)

_NO_ALLOW_RULE = "Your policy does not contain an allow rule"


class _SilentQuery(FfiQuery):
    """oso's handle on a query, which otherwise prints whatever a rule prints to stdout."""

    def process_messages(self) -> None:
        """Refuse output: it could hold a CPF, and a rule has nobody to talk to."""
        for _message in process_messages(self.next_message):
            raise Refused("print", "prints with `print`, or makes oso warn")


class _SilentPolar(FfiPolar):
    """
    oso's handle on its rules, which otherwise prints its warnings to stdout.

    Attributes:
        warnings: what oso warned of while loading.
    """

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def process_messages(self) -> None:
        """Keep oso's warnings."""
        self.warnings += process_messages(self.next_message)

    def new_query_from_term(self, query_term: Term) -> _SilentQuery:
        """Open a query, as the original does, on a silent handle."""
        pointer = lib.polar_new_query_from_term(self.ptr, ffi_serialize(query_term), 0)
        self.process_messages()
        return _SilentQuery(self.check_result(pointer))


class GuardedPolar(Polar):
    """
    Polar with the vocabulary, nil and nothing else in it.

    The original also registers Python's own classes; a rule has no use for them.

    Args:
        texts: the texts that the rules to be loaded hold.
    """

    def __init__(self, texts: Collection[str] = ()) -> None:
        self._actions = frozenset((*ACTIONS, *texts))
        # Not the original's: it would build its own unguarded host and handle.
        self._silent = _SilentPolar()
        self.ffi_polar = self._silent
        self.host = GuardedHost(self.ffi_polar)
        self.ffi_polar.set_message_enricher(self.host.enrich_message)
        self.register_constant(None, name="nil")
        for entity in VOCABULARY.values():
            self.register_class(entity.type, name=entity.in_polar)
        self.register_class(Asserted)

    def load(self, sources: Sequence[tuple[str, str]]) -> list[str]:
        """
        Load (name, text) pairs, once, and give oso's warnings.

        Raises:
            polar.exceptions.OsoError: oso refuses a text.
        """
        self.ffi_polar.load([PolarSource(text, name) for name, text in sources])
        return [one for one in self._silent.warnings if _NO_ALLOW_RULE not in one]

    def action(self, named: str) -> str:
        """
        Give an action as Polar may see it.

        One of the caller's invention would be a text of the caller in our evidence. What no rule
        holds as a text is to every rule the same: another action.
        """
        return named if named in self._actions else OTHER_ACTION

    def fresh_host(self) -> GuardedHost:
        """Give a host for one run of one rule."""
        return GuardedHost(self.ffi_polar, types=self.host.types, instances=self.host.instances)

    def run(self, rule: str, facts: Facts, action: str, host: GuardedHost) -> list[object]:
        """
        Ask one rule to the end, and give the reason of each of its answers.

        Asking on after the first answer makes an error in a later branch count as well,
        so that the order of branches does not matter.

        Raises:
            Refused: the rule did what no rule may.
            polar.exceptions.OsoError: Polar itself failed, as in a type error or a time-out.
        """
        asked = host.ask(rule, facts, self.action(action))
        query = self._silent.new_query_from_term(asked)
        results = GuardedQuery(query, host=host).run()
        return [result["bindings"].get(REASON) for result in results]
