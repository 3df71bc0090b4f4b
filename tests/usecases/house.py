"""All use cases put together on fakes, as ``bootstrap`` does on the real parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from authz_service.domain.decision import ActRecord, Caller, DecisionRecord, Record, Subject
from authz_service.domain.identifiers import Cpf, Login
from authz_service.domain.sign_in import Cause
from authz_service.usecases.acts import ActLog
from authz_service.usecases.catalogue import Cataloguer
from authz_service.usecases.clients import Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import Explainer, ExplanationDesk
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.privacy import Privacy
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import GovBr, SignInDesk
from tests.domain.document import CATALOGUE
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.entities import KnownEntities
from tests.fakes.govbr import ScriptedCompanies, ScriptedTokens
from tests.fakes.log import ListLog
from tests.fakes.policies import ScriptedPolicies, ScriptedPolicy
from tests.fakes.store import MemoryStore, untold

CALLER = Caller("orquestra", frozenset({"decide", "delegations"}), "10.1.2.3")


class House:
    """
    The service without its doors, with the document's catalogue and a policy that allows.

    ``tokens`` and ``companies`` are its GOV.BR; ``entities`` those of others; ``refused`` holds
    the causes that were counted, ``told`` the records that the listeners heard of; ``numbers``
    are those that the next foreign companies get.
    """

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.store = MemoryStore()
        self.store.catalogue.save_processes(CATALOGUE, NOON, untold)
        self.entities = KnownEntities()
        self.policy = ScriptedPolicy()
        self.policies = ScriptedPolicies(self.policy)
        self.log = ListLog()
        self.told: list[list[Record]] = []
        listeners = (self._listen,)
        self.acts = ActLog(self.log, listeners, self.clock)
        self.point = DecisionPoint(
            self.policies,
            self.store.facts,
            self.entities,
            self.store.surrogates,
            self.log,
            listeners,
            self.clock,
        )
        self.explainer = Explainer(self.policies, self.store.facts, self.entities, self.clock)
        self.explanation_desk = ExplanationDesk(self.explainer, self.store.surrogates, self.acts)
        self.desk = DelegationDesk(
            self.point,
            self.store.delegations,
            self.store.catalogue,
            self.store.surrogates,
            self.acts,
            self.clock,
        )
        self.registrar = Registrar(
            self.store.registry, self.store.surrogates, self.acts, self.clock
        )
        self.tokens = ScriptedTokens()
        self.companies = ScriptedCompanies()
        self.refused: list[Cause] = []
        self.refused_to: list[Caller] = []
        self.sign_in_desk = SignInDesk(
            govbr=GovBr(self.tokens, self.companies),
            sign_ins=self.store.sign_ins,
            registry=self.store.registry,
            surrogates=self.store.surrogates,
            acts=self.acts,
            clock=self.clock,
            refused=self._refused,
            confirm_at_once=False,
        )
        self.privacy = Privacy(self.store.personal_data, self.store.surrogates, self.acts)
        self.clients = Clients(self.store.clients, self.acts, self.clock)
        self.cataloguer = Cataloguer(self.store.catalogue, self.acts)
        self.numbers = iter(range(7))
        self.foreign_desk = ForeignDesk(
            self.store.foreign,
            self.store.surrogates,
            self.acts,
            self.clock,
            number=lambda: next(self.numbers),
        )

    def _refused(self, cause: Cause, caller: Caller) -> None:
        self.refused.append(cause)
        self.refused_to.append(caller)

    def _listen(self, records: Sequence[Record]) -> None:
        self.told.append(list(records))

    @property
    def decisions(self) -> list[DecisionRecord]:
        """The decisions in the log."""
        return [one for one in self.log.records if isinstance(one, DecisionRecord)]

    @property
    def administrative(self) -> list[ActRecord]:
        """The administrative acts in the log."""
        return [one for one in self.log.records if isinstance(one, ActRecord)]

    def surrogate(self, subject: Subject) -> str:
        """Give the name under which somebody stands in the log."""
        return self.store.surrogates.surrogates([subject])[subject]


def texts_of(thing: object) -> Iterator[str]:
    """Give every text that stands anywhere in a record, and how the record prints."""
    yield repr(thing)
    if isinstance(thing, str):
        yield str(thing)
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from texts_of(getattr(thing, field.name))
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from texts_of(key)
            yield from texts_of(value)
    elif isinstance(thing, tuple | list | frozenset):
        for part in thing:
            yield from texts_of(part)


def leaks(records: Sequence[Record], people: Sequence[Cpf | Login]) -> list[str]:
    """Give the texts in *records* that hold a CPF, raw, punctuated or masked, or a login."""
    forms = []
    for one in people:
        if isinstance(one, Login):
            forms.append(one.value)
            continue
        raw = one.digits
        forms += [raw, f"{raw[:3]}.{raw[3:6]}.{raw[6:9]}-{raw[9:]}", one.masked]
    return [text for text in texts_of(records) if any(form in text for form in forms)]
