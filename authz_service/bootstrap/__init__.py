"""
The composition root: the one room in which concrete classes meet.

``govbr`` puts together what talks to GOV.BR, ``service`` holds all that is put together here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from authz_service import applog
from authz_service.bootstrap.govbr import talk_to
from authz_service.bootstrap.service import Service
from authz_service.domain.decision import Caller
from authz_service.domain.sign_in import Cause
from authz_service.entities import DescribedEntities, read_entities
from authz_service.journal.file import FileLog
from authz_service.journal.reading import LogReader
from authz_service.metrics import Metrics, Share
from authz_service.policy.live.current import CurrentPolicy
from authz_service.policy.live.last_good import LastGood
from authz_service.policy.live.statuses import StatusBoard
from authz_service.policy.live.watching import Listeners, Watcher
from authz_service.settings import Settings
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
from authz_service.usecases.ports import Clock, Listener
from authz_service.usecases.privacy import Privacy
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import GovBr, Refused, SignInDesk

__all__ = ["Service", "Upkeep", "build", "upkeep", "utc_now"]


def utc_now() -> datetime:
    """Give the present instant."""
    return datetime.now(UTC)


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


def _refused(metrics: Metrics) -> Refused:
    def tell(cause: Cause, caller: Caller) -> None:
        metrics.token_refused(cause)
        applog.token_refused(cause, caller)

    return tell


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
    govbr = None if settings.govbr is None else talk_to(settings.govbr, metrics)
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
