"""The composition root: the one file in which concrete classes meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask

from authz_service import applog
from authz_service.journal.file import FileLog
from authz_service.metrics import Metrics
from authz_service.policy.current import CurrentPolicy
from authz_service.settings import Settings
from authz_service.store import SqlStore
from authz_service.usecases.acts import ActLog
from authz_service.usecases.catalogue import Cataloguer
from authz_service.usecases.clients import Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import Explainer
from authz_service.usecases.ports import Clock, Listener, Ping
from authz_service.usecases.register import Registrar
from authz_service.web.app import Parts, create_app

MAX_BODY = 64 * 1024
"""Bytes of a request's body; the largest honest one, a set of 200 labels, has about half."""


def utc_now() -> datetime:
    """Give the present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """
    Everything, put together.

    Attributes:
        settings: what it was built from.
        policy: the policy in force.
        point: decides.
        explainer: shows why.
        desk: delegations.
        registrar: persons, standing, bonds.
        cataloguer: the catalogue of processes.
        clients: callers and their keys.
        metrics: the instruments of this process.
        store: the database.
        log: the decision log.
    """

    settings: Settings
    policy: CurrentPolicy
    point: DecisionPoint
    explainer: Explainer
    desk: DelegationDesk
    registrar: Registrar
    cataloguer: Cataloguer
    clients: Clients
    metrics: Metrics
    store: SqlStore
    log: FileLog

    def app(self) -> Flask:
        """Make the WSGI application."""
        return create_app(
            Parts(
                point=self.point,
                desk=self.desk,
                registrar=self.registrar,
                clients=self.clients,
                pings=(
                    Ping("policy", vital=True, ailment=self.policy.ailment),
                    Ping("policy flaws", vital=False, ailment=self.policy.flaw),
                    Ping("database", vital=True, ailment=self.store.ping),
                    Ping("decision log", vital=False, ailment=self.log.ailment),
                ),
                metrics=self.metrics.exposition,
                answered=_both(self.metrics.answered, applog.answered),
                orquestra_get=self.settings.orquestra_get,
                max_body=MAX_BODY,
            )
        )

    def load_policy(self) -> None:
        """Compile the policy folder; what is wrong with it stands in ``policy.problems``."""
        self.policy.load()
        if self.policy.ailment() is None:
            self.metrics.policy_in_force(self.policy.current().digest)

    def close(self) -> None:
        """Let go of files and connections."""
        self.store.close()
        self.log.close()


def _both(
    first: Callable[[str, int, float], None], second: Callable[[str, int, float], None]
) -> Callable[[str, int, float], None]:
    def tell(route: str, status: int, seconds: float) -> None:
        first(route, status, seconds)
        second(route, status, seconds)

    return tell


def build(settings: Settings, clock: Clock = utc_now) -> Service:
    """
    Put the service together; the policy is not compiled yet, see ``load_policy``.

    Raises:
        StoreUnavailable: the database cannot be made.
        InvalidInput: the database's URL cannot be one.
    """
    store = SqlStore(settings.database_url)
    store.create()
    log = FileLog(settings.decision_log)
    metrics = Metrics()
    listeners: tuple[Listener, ...] = (metrics.heard, applog.heard)
    policy = CurrentPolicy(settings.policies)
    acts = ActLog(log, listeners, clock)
    point = DecisionPoint(policy, store.facts, store.surrogates, log, listeners, clock)
    return Service(
        settings=settings,
        policy=policy,
        point=point,
        explainer=Explainer(policy, store.facts, clock),
        desk=DelegationDesk(
            point, store.delegations, store.catalogue, store.surrogates, acts, clock
        ),
        registrar=Registrar(store.registry, store.surrogates, acts, clock),
        cataloguer=Cataloguer(store.catalogue, acts),
        clients=Clients(store.clients, acts, clock),
        metrics=metrics,
        store=store,
        log=log,
    )
