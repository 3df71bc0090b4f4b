"""Everything, put together: what verbs and servers work with."""

from __future__ import annotations

from dataclasses import dataclass

from authz_service import applog
from authz_service.bootstrap.govbr import GovBrParts
from authz_service.bootstrap.rounds import Rounds
from authz_service.journal.chains import Chains
from authz_service.journal.journal import Journal
from authz_service.metrics import Metrics
from authz_service.policy.live.current import CurrentPolicy
from authz_service.policy.live.watching import Watcher
from authz_service.settings import Settings
from authz_service.store import SqlStore
from authz_service.store.clock import CheckedClock
from authz_service.store.held.held import Held
from authz_service.store.index import SqlLogIndex
from authz_service.usecases.catalogue import Cataloguer
from authz_service.usecases.clients import Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import Explainer, ExplanationDesk
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.importing import Importer
from authz_service.usecases.indexing import Indexer
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.ports import Ping
from authz_service.usecases.privacy import Privacy
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import SignInDesk
from authz_service.web.app import Parts, create_app, front
from authz_service.web.limits import Limits
from authz_service.web.proxies import TrustedProxies


def _sign_in_off() -> str:
    return "off: AUTHZ_GOVBR_ISSUER and AUTHZ_GOVBR_AUDIENCE are not set"


@dataclass(frozen=True, slots=True)
class Service:
    """
    Everything, put together.

    Attributes:
        settings: what it was built from.
        policy: the policy in force.
        watcher: puts into force what the policy folder holds, while the service runs.
        point: decides.
        explainer: shows why.
        explanation_desk: shows why to callers.
        desk: delegations.
        decisions: records of the decision log.
        registrar: persons, standing, bonds, confirmations.
        lookup: what is known of persons and companies.
        foreign_desk: foreign companies.
        process_desk: single processes of the catalogue.
        sign_in_desk: sign-ins.
        privacy: what is kept of a person, shown or forgotten.
        cataloguer: the catalogue of processes.
        importer: what another system has.
        clients: callers and their keys.
        metrics: the instruments of this process.
        store: the database.
        held: what decisions need of it, in memory.
        clock: the present instant, held against the database's clock.
        log: writes the decision log.
        chains: reads it.
        index: where what stands in it is found.
        indexer: fills that.
        govbr: what talks to GOV.BR, or None where sign-in is off.
        rounds: what is done from time to time while the service runs.
    """

    settings: Settings
    policy: CurrentPolicy
    watcher: Watcher
    point: DecisionPoint
    explainer: Explainer
    explanation_desk: ExplanationDesk
    desk: DelegationDesk
    decisions: Decisions
    registrar: Registrar
    lookup: Lookup
    foreign_desk: ForeignDesk
    process_desk: ProcessDesk
    sign_in_desk: SignInDesk
    privacy: Privacy
    cataloguer: Cataloguer
    importer: Importer
    clients: Clients
    metrics: Metrics
    store: SqlStore
    held: Held
    clock: CheckedClock
    log: Journal
    chains: Chains
    index: SqlLogIndex
    indexer: Indexer
    govbr: GovBrParts | None
    rounds: Rounds

    def app(self) -> TrustedProxies:
        """Make the WSGI application."""
        app = create_app(
            Parts(
                point=self.point,
                explanation_desk=self.explanation_desk,
                desk=self.desk,
                decisions=self.decisions,
                registrar=self.registrar,
                lookup=self.lookup,
                foreign_desk=self.foreign_desk,
                process_desk=self.process_desk,
                sign_in_desk=self.sign_in_desk,
                clients=self.clients,
                policies=self.watcher.workers,
                pings=(
                    Ping("policy", vital=True, ailment=self.policy.ailment),
                    Ping("policy folder", vital=False, ailment=self.watcher.flaw),
                    Ping("database", vital=True, ailment=self.store.ping),
                    Ping("decision log", vital=False, ailment=self.log.ailment),
                    Ping("clock", vital=False, ailment=self.clock.ailment),
                    *self._govbr_pings(),
                ),
                metrics=self.metrics.exposition,
                answered=self.metrics.answered,
                told=applog.answered,
                truth=self.held,
                orquestra_get=self.settings.orquestra_get,
                max_body=self.settings.max_body,
                max_batch=self.settings.max_batch,
                pdp_id=self.settings.pdp_id,
                limits=Limits(self.settings.requests_per_minute, self.metrics.over_limit),
            )
        )
        return TrustedProxies(front(app), self.settings.trusted_proxies)

    def _govbr_pings(self) -> tuple[Ping, ...]:
        if self.govbr is None:
            return (Ping("sign-in", vital=False, ailment=_sign_in_off),)
        return self.govbr.pings()

    def ask_govbr(self) -> None:
        """Begin to fetch GOV.BR's keys, so that the first sign-in finds them."""
        if self.govbr is not None:
            self.govbr.keys.start()

    def load_policy(self) -> None:
        """
        Compile the policy folder for one verb, and keep it nowhere.

        What is wrong with it stands in ``policy.problems``.
        """
        self.policy.load()

    def watch_policy(self) -> None:
        """
        Put the policy folder in force, or the last good policy, and watch the folder from now on.

        What is wrong with the folder stands in ``policy.problems``.
        """
        self.metrics.watch_policy()
        self.watcher.begin()
        self.watcher.start()

    def look_after(self) -> None:
        """Do from now on what is to be done from time to time: check the clock, fill the index."""
        self.rounds.start()

    def close(self) -> None:
        """Let go of files and connections."""
        self.rounds.stop()
        self.watcher.close()
        if self.govbr is not None:
            self.govbr.close()
        self.held.close()
        self.index.close()
        self.chains.close()
        self.store.close()
        self.log.close()
