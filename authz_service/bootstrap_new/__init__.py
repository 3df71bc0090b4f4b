"""The composition root: the one file in which concrete classes meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask

from authz_service import applog
from authz_service.domain.decision import Caller
from authz_service.domain.sign_in import Cause
from authz_service.entities import DescribedEntities, read_entities
from authz_service.identity.companies import GovBrCompanies
from authz_service.identity.govbr import GovBrTokens
from authz_service.identity.jwks import KeyCache
from authz_service.identity.waiting import Waiting
from authz_service.journal.file import FileLog
from authz_service.journal.reading import LogReader
from authz_service.metrics import Metrics, Share
from authz_service.policy.live.current import CurrentPolicy
from authz_service.policy.live.last_good import LastGood
from authz_service.policy.live.statuses import StatusBoard
from authz_service.policy.live.watching import Listeners, Watcher
from authz_service.server import WAITING_FOR_COMPANIES, WAITING_FOR_KEYS
from authz_service.settings import GovBrSettings, Settings
from authz_service.store import SqlStore
from authz_service.usecases.acts import ActLog
from authz_service.usecases.catalogue import Cataloguer
from authz_service.usecases.clients import Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import Explainer, ExplanationDesk
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.importing import Importer
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.ports import Clock, Listener, Ping
from authz_service.usecases.privacy import Privacy
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import GovBr, Refused, SignInDesk
from authz_service.web.app import Parts, create_app, request_id
from authz_service.web.limits import Limits
from authz_service.web.proxies import TrustedProxies


def utc_now() -> datetime:
    """Give the present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class GovBrParts:
    """
    What talks to GOV.BR.

    Attributes:
        keys: the keys that sign its tokens.
        tokens: verifies them.
        companies: its companies API, or None where no address of it is known.
    """

    keys: KeyCache
    tokens: GovBrTokens
    companies: GovBrCompanies | None

    def pings(self) -> tuple[Ping, ...]:
        """Give what is asked how it is; none is vital, since decisions need no GOV.BR."""
        companies = _not_configured if self.companies is None else self.companies.ailment
        return (
            Ping("GOV.BR keys", vital=False, ailment=self.keys.ailment),
            Ping("GOV.BR companies", vital=False, ailment=companies),
        )

    def close(self) -> None:
        """Ask nobody any more."""
        self.keys.close()
        if self.companies is not None:
            self.companies.close()


def _not_configured() -> str:
    return "not configured: AUTHZ_GOVBR_API_URL"


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
        log: the decision log.
        govbr: what talks to GOV.BR, or None where sign-in is off.
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
    log: FileLog
    govbr: GovBrParts | None

    def app(self) -> Flask:
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
                    *self._govbr_pings(),
                ),
                metrics=self.metrics.exposition,
                answered=_answered(self.metrics),
                orquestra_get=self.settings.orquestra_get,
                max_body=self.settings.max_body,
                max_batch=self.settings.max_batch,
                pdp_id=self.settings.pdp_id,
                limits=Limits(self.settings.requests_per_minute, self.metrics.over_limit),
            )
        )
        proxies = TrustedProxies(app.wsgi_app, self.settings.trusted_proxies)
        app.wsgi_app = proxies  # type: ignore[method-assign]  # as Flask means it to be wrapped
        return app

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

    def close(self) -> None:
        """Let go of files and connections."""
        self.watcher.close()
        if self.govbr is not None:
            self.govbr.close()
        self.store.close()
        self.log.close()


@dataclass(frozen=True, slots=True)
class Upkeep:
    """
    What looks after the database alone, which may be of any version.

    Attributes:
        store: the database; nothing of it has been opened or made.
        acts: where it is written down.
        log: the decision log.
    """

    store: SqlStore
    acts: ActLog
    log: FileLog

    def close(self) -> None:
        """Let go of files and connections."""
        self.store.close()
        self.log.close()


def upkeep(settings: Settings, clock: Clock = utc_now) -> Upkeep:
    """
    Put together what looks after the database.

    Raises:
        InvalidInput: the database's URL cannot be one.
    """
    log = FileLog(settings.decision_log)
    return Upkeep(SqlStore(settings.database_url), ActLog(log, (applog.heard,), clock), log)


def _answered(metrics: Metrics) -> Callable[[str, int, float], None]:
    def tell(route: str, status: int, seconds: float) -> None:
        metrics.answered(route, status, seconds)
        applog.answered(route, status, seconds, request_id())

    return tell


def _refused(metrics: Metrics) -> Refused:
    def tell(cause: Cause, caller: Caller) -> None:
        metrics.token_refused(cause)
        applog.token_refused(cause, caller)

    return tell


def _talk_to(govbr: GovBrSettings, metrics: Metrics) -> GovBrParts:
    keys = KeyCache(
        govbr.jwks_url,
        Waiting(WAITING_FOR_KEYS),
        metrics.keys_refreshed,
        stale_seconds=govbr.keys_hours * 3600,
    )
    metrics.watch_keys(keys.age)
    companies = None
    if govbr.api_url is not None:
        places = Waiting(WAITING_FOR_COMPANIES)
        companies = GovBrCompanies(govbr.api_url, places, metrics.companies_called)
    return GovBrParts(keys, GovBrTokens(govbr.issuer, govbr.audience, keys), companies)


def build(settings: Settings, clock: Clock = utc_now, share: Share | None = None) -> Service:
    """
    Put the service together; the policy is not compiled yet, see ``watch_policy``.

    Args:
        settings: what it is built from.
        clock: tells the present instant.
        share: its part in the metrics of several workers, or None where it serves alone.

    Raises:
        StoreUnavailable: the database cannot be made.
        InvalidInput: the database's URL cannot be one.
        SettingsInvalid: the file of entities is none.
    """
    described = settings.entities
    entities = DescribedEntities() if described is None else read_entities(described)
    store = SqlStore(settings.database_url)
    store.create()
    log = FileLog(settings.decision_log)
    metrics = Metrics(share)
    listeners: tuple[Listener, ...] = (metrics.heard, applog.heard)
    policy = CurrentPolicy(settings.policies, clock)
    acts = ActLog(log, listeners, clock)
    point = DecisionPoint(policy, store.facts, entities, store.surrogates, log, listeners, clock)
    govbr = None if settings.govbr is None else _talk_to(settings.govbr, metrics)
    explainer = Explainer(policy, store.facts, entities, clock)
    watcher = Watcher(
        policy,
        LastGood(settings.last_good_policy),
        StatusBoard(settings.policy_status),
        "0" if share is None else share.place,
        acts,
        store.facts,
        Listeners((metrics.policy_attempted, applog.policy_attempted), metrics.policy_looked),
    )
    return Service(
        settings=settings,
        policy=policy,
        watcher=watcher,
        point=point,
        explainer=explainer,
        explanation_desk=ExplanationDesk(explainer, store.surrogates, acts),
        desk=DelegationDesk(
            point, store.delegations, store.catalogue, store.surrogates, acts, clock
        ),
        decisions=Decisions(
            LogReader(settings.decision_log), store.surrogates, store.facts, acts, clock
        ),
        registrar=Registrar(store.registry, store.surrogates, acts, clock),
        lookup=Lookup(store.registry, store.directory, store.facts, store.surrogates, acts),
        foreign_desk=ForeignDesk(store.foreign, store.surrogates, acts, clock),
        process_desk=ProcessDesk(store.catalogue, acts),
        sign_in_desk=SignInDesk(
            govbr=None if govbr is None else GovBr(govbr.tokens, govbr.companies),
            sign_ins=store.sign_ins,
            registry=store.registry,
            surrogates=store.surrogates,
            acts=acts,
            clock=clock,
            refused=_refused(metrics),
            confirm_at_once=settings.confirm_at_sign_in,
        ),
        privacy=Privacy(store.personal_data, store.surrogates, acts),
        cataloguer=Cataloguer(store.catalogue, acts),
        importer=Importer(store.intake, store.catalogue, acts, clock),
        clients=Clients(store.clients, acts, clock),
        metrics=metrics,
        store=store,
        log=log,
        govbr=govbr,
    )
