"""
The composition root: the one room in which concrete classes meet.

``govbr`` puts together what talks to GOV.BR, ``service`` holds all that is put together here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from authz_service import applog
from authz_service.bootstrap.govbr import talk_to
from authz_service.bootstrap.rounds import Leisure, Round, Rounds
from authz_service.bootstrap.service import Service
from authz_service.domain.decision import Caller
from authz_service.domain.sign_in import Cause
from authz_service.entities import DescribedEntities, read_entities
from authz_service.journal.chains import Chains
from authz_service.journal.entries import entry_of, record_of
from authz_service.journal.journal import Journal, Options
from authz_service.journal.shared import SHARED
from authz_service.metrics import Metrics, Share
from authz_service.policy.live.current import CurrentPolicy
from authz_service.policy.live.last_good import LastGood
from authz_service.policy.live.statuses import StatusBoard
from authz_service.policy.live.watching import Listeners, Watcher
from authz_service.settings import Settings
from authz_service.store import SqlStore
from authz_service.store.index import SqlLogIndex
from authz_service.usecases.acts import ActLog
from authz_service.usecases.catalogue import Cataloguer
from authz_service.usecases.clients import Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import Explainer, ExplanationDesk
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.importing import Importer
from authz_service.usecases.indexing import IndexedRecords, Indexer
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.ports import Clock, Listener
from authz_service.usecases.privacy import Privacy
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import GovBr, Refused, SignInDesk

__all__ = ["Service", "Upkeep", "build", "upkeep", "utc_now"]

CLOCK_SECONDS = 30.0
"""How often the clock is held against the database's."""
INDEX_SECONDS = 5.0
"""How often what is new in the decision log is indexed, so that a search finds little to do."""
LEISURE = 2_500
"""So few decisions in that time leave room for it; else it is left to whoever searches."""


utc_now: Clock = partial(datetime.now, UTC)
"""Gives the present instant. It is asked with every decision, and has no frame of its own."""


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
    log: Journal

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
    log = _journal(settings, SHARED, _never_lost)
    return Upkeep(SqlStore(settings.database_url), ActLog(log, (), clock), log)


def _journal(settings: Settings, place: str, lost: Callable[[int], None]) -> Journal:
    said = settings.log
    options = Options(
        sync="strict" if said.strict else "default",
        # A verb can be called again, and nobody scrapes what it would lose.
        failure="lose" if said.lose and place != SHARED else "refuse",
        segment_bytes=said.segment_bytes,
        heads_seconds=said.heads_seconds,
        keep_decisions_days=said.keep_decisions_days,
        keep_acts_days=said.keep_acts_days,
    )
    return Journal(settings.log_folder, place, options, lost)


def _refused(metrics: Metrics) -> Refused:
    def tell(cause: Cause, caller: Caller) -> None:
        metrics.token_refused(cause)
        applog.token_refused(cause, caller)

    return tell


def build(
    settings: Settings, clock: Clock = utc_now, share: Share | None = None, place: str = SHARED
) -> Service:
    """
    Put the service together; the policy is not compiled yet, see ``watch_policy``.

    Args:
        settings: what it is built from.
        clock: tells the present instant.
        share: its part in the metrics of several workers, or None where it serves alone.
        place: whose chains of the decision log it writes: a worker's, or those that all verbs of
            the command line share.

    Raises:
        StoreUnavailable: the database cannot be made.
        InvalidInput: the database's URL cannot be one.
        SettingsInvalid: the file of entities is none.
    """
    described = settings.entities
    entities = DescribedEntities() if described is None else read_entities(described)
    store = SqlStore(settings.database_url)
    store.create()
    metrics = Metrics(share)
    log = _journal(settings, place, metrics.log_lost)
    fresh = settings.freshness
    stale = fresh.stale_seconds if fresh.notified else None
    held = store.hold(fresh.held, stale, metrics.held)
    checked = store.checked(clock, fresh.clock_tolerance, metrics.clock_off)
    leisure = Leisure(LEISURE, metrics.decided)
    listeners: tuple[Listener, ...] = (metrics.heard,)
    policy = CurrentPolicy(settings.policies, clock)
    acts = ActLog(log, listeners, clock)
    point = DecisionPoint(
        policy, held, entities, held, log, listeners, clock, alarms=(applog.erred,)
    )
    govbr = None if settings.govbr is None else talk_to(settings.govbr, metrics)
    explainer = Explainer(policy, held, entities, checked)
    chains, index = Chains(settings.log_folder), SqlLogIndex(store.database)
    indexer = Indexer(chains, index, entry_of)
    watcher = Watcher(
        policy,
        LastGood(settings.last_good_policy),
        StatusBoard(settings.policy_status),
        "0" if share is None else share.place,
        acts,
        held,
        Listeners((metrics.policy_attempted, applog.policy_attempted), metrics.policy_looked),
    )
    return Service(
        settings=settings,
        policy=policy,
        watcher=watcher,
        point=point,
        explainer=explainer,
        explanation_desk=ExplanationDesk(explainer, held, acts),
        desk=DelegationDesk(point, store.delegations, store.catalogue, held, acts, checked),
        decisions=Decisions(
            IndexedRecords(chains, index, indexer, record_of), held, held, acts, checked
        ),
        registrar=Registrar(store.registry, held, acts, checked),
        lookup=Lookup(store.registry, store.directory, held, held, acts),
        foreign_desk=ForeignDesk(store.foreign, held, acts, checked),
        process_desk=ProcessDesk(store.catalogue, acts),
        sign_in_desk=SignInDesk(
            govbr=None if govbr is None else GovBr(govbr.tokens, govbr.companies),
            sign_ins=store.sign_ins,
            registry=store.registry,
            surrogates=held,
            acts=acts,
            clock=checked,
            refused=_refused(metrics),
            confirm_at_once=settings.confirm_at_sign_in,
        ),
        privacy=Privacy(store.personal_data, held, acts),
        cataloguer=Cataloguer(store.catalogue, acts),
        importer=Importer(store.intake, store.catalogue, acts, checked),
        clients=Clients(held, acts, checked),
        metrics=metrics,
        store=store,
        held=held,
        clock=checked,
        log=log,
        chains=chains,
        index=index,
        indexer=indexer,
        govbr=govbr,
        rounds=Rounds(
            (
                Round("the clock", CLOCK_SECONDS, checked.check),
                Round(
                    "the index of the decision log",
                    INDEX_SECONDS,
                    partial(leisure.do, indexer.keep_up),
                ),
            )
        ),
    )


def _never_lost(_count: int) -> None:
    """Hear that an act was lost; whoever looks after the database alone counts nothing."""
