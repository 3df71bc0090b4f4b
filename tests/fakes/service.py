"""The web room around real use cases, with fakes behind their ports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authz_service.domain.clients import SCOPES
from authz_service.domain.decision import Caller
from authz_service.domain.identifiers import Cpf, ProcessId
from authz_service.domain.people import Person
from authz_service.domain.policies import WorkerPolicy
from authz_service.domain.processes import ProcessDefinition
from authz_service.domain.sign_in import Cause, Level, Verified
from authz_service.usecases.acts import ActLog
from authz_service.usecases.clients import Clients
from authz_service.usecases.decide import DecisionPoint
from authz_service.usecases.decisions import Decisions
from authz_service.usecases.delegate import DelegationDesk
from authz_service.usecases.explain import Explainer, ExplanationDesk
from authz_service.usecases.foreign import ForeignDesk
from authz_service.usecases.lookup import Lookup
from authz_service.usecases.ports import Ping
from authz_service.usecases.processes import ProcessDesk
from authz_service.usecases.register import Registrar
from authz_service.usecases.sign_in import GovBr, SignInDesk
from authz_service.web.app import Parts, create_app, front
from tests.fakes.clock import NOON, FrozenClock
from tests.fakes.contract import Documented
from tests.fakes.entities import KnownEntities
from tests.fakes.govbr import ScriptedCompanies, ScriptedTokens
from tests.fakes.log import ListLog
from tests.fakes.policies import ScriptedPolicies, ScriptedPolicy, Verdict, allow_all
from tests.fakes.records import ListRecords
from tests.fakes.store import MemoryStore, untold
from tests.fakes.truth import GatheredTruth

REPRESENTATIVE = "72268402517"
MEMBER = "18762794604"
COMPANY = "52420282000180"
MAX_BODY = 32 * 1024
MAX_BATCH = 20
PDP_ID = "https://authz.example"

TOKEN = "token.of.the-representative"
MEMBERS_TOKEN = "token.of.the-member"
VERIFIED = Verified(
    person=Cpf.parse(REPRESENTATIVE),
    digest="",
    methods=("passwd", "mfa", "otp"),
    level=Level.GOLD,
    certificate_company=None,
    agent=False,
    authenticated_at=NOON - timedelta(minutes=5),
    ends_at=NOON + timedelta(hours=1),
    scopes=frozenset(("openid", "govbr_empresa")),
)
"""What ``TOKEN`` says; ``MEMBERS_TOKEN`` says the same of the member."""

_SHELL = Caller("tests")


class Service:
    """
    A service without files and network: three processes, two of which are called P061.

    ``answers`` holds what the listener heard: route, status, seconds; ``key`` may do everything.
    A test may exchange ``policy.verdict``, empty ``policies``, break ``log`` or ``store``.
    ``tokens`` and ``companies`` are its GOV.BR; ``refused`` holds the causes that were counted;
    ``entities`` holds what is known of others' entities, ``workers`` which policy each worker
    decides by. An answer that the OpenAPI document does not foresee is an ``AssertionError``,
    whatever the test is about.

    Attributes:
        lean: whether decisions are answered in front of Flask, as when it serves, or by its views.
    """

    lean: ClassVar[bool] = True

    def __init__(
        self,
        verdict: Verdict = allow_all,
        *,
        orquestra_get: bool = False,
        confirm_at_once: bool = False,
        pings: tuple[Ping, ...] = (),
        pdp_id: str | None = PDP_ID,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self.clock = FrozenClock()
        self.entities = KnownEntities()
        self.store = MemoryStore()
        self.log = ListLog()
        self.records = ListRecords(self.log)
        self.policy = ScriptedPolicy(verdict)
        self.policies = ScriptedPolicies(self.policy)
        self.answers: list[tuple[str, int, float]] = []
        acts = ActLog(self.log, (), self.clock)
        self.clients = Clients(self.store.clients, acts, self.clock)
        self.point = DecisionPoint(
            self.policies,
            self.store.facts,
            self.entities,
            self.store.surrogates,
            self.log,
            (),
            self.clock,
        )
        self.desk = DelegationDesk(
            self.point,
            self.store.delegations,
            self.store.catalogue,
            self.store.surrogates,
            acts,
            self.clock,
        )
        self.tokens = ScriptedTokens()
        self.companies = ScriptedCompanies()
        self.refused: list[Cause] = []
        self.workers: list[WorkerPolicy] = []
        self.parts = Parts(
            point=self.point,
            explanation_desk=ExplanationDesk(
                Explainer(self.policies, self.store.facts, self.entities, self.clock),
                self.store.surrogates,
                acts,
            ),
            desk=self.desk,
            decisions=Decisions(
                self.records, self.store.surrogates, self.store.facts, acts, self.clock
            ),
            registrar=Registrar(self.store.registry, self.store.surrogates, acts, self.clock),
            lookup=Lookup(
                self.store.registry,
                self.store.directory,
                self.store.facts,
                self.store.surrogates,
                acts,
            ),
            foreign_desk=ForeignDesk(self.store.foreign, self.store.surrogates, acts, self.clock),
            process_desk=ProcessDesk(self.store.catalogue, acts),
            sign_in_desk=SignInDesk(
                govbr=GovBr(self.tokens, self.companies),
                sign_ins=self.store.sign_ins,
                registry=self.store.registry,
                surrogates=self.store.surrogates,
                acts=acts,
                clock=self.clock,
                refused=lambda cause, _caller: self.refused.append(cause),
                confirm_at_once=confirm_at_once,
            ),
            clients=self.clients,
            policies=lambda: self.workers,
            pings=pings,
            metrics=lambda: (b"decisions_total 1.0\n", "text/plain; version=0.0.4"),
            answered=lambda route, status, seconds: self.answers.append((route, status, seconds)),
            told=lambda *_: None,
            truth=GatheredTruth(self.store.facts, self.clock),
            orquestra_get=orquestra_get,
            max_body=MAX_BODY,
            max_batch=max_batch,
            pdp_id=pdp_id,
        )
        self.app = create_app(self.parts)
        self.key = self.key_for(*SCOPES)
        self._fill()

    def switch_sign_in_off(self) -> None:
        """Let no GOV.BR be configured, from the next request on."""
        desk = replace(self.parts.sign_in_desk, govbr=None)
        self.app = create_app(replace(self.parts, sign_in_desk=desk))

    def _fill(self) -> None:
        self.tokens.take(TOKEN, VERIFIED)
        self.tokens.take(MEMBERS_TOKEN, replace(VERIFIED, person=Cpf.parse(MEMBER)))
        registered = datetime(2026, 1, 2, tzinfo=UTC)
        self.store.registry.save_person(Person(Cpf.parse(MEMBER), registered, registered), untold)
        self.store.catalogue.save_processes(
            [
                ProcessDefinition(ProcessId("p001"), "P001", "Acreditação Inicial", 3),
                ProcessDefinition(ProcessId("p061-cadastro"), "P061", "Cadastro de Empresas", 1),
                ProcessDefinition(ProcessId("p061-registro"), "P061", "Registro", 2),
            ],
            NOON,
            untold,
        )

    @property
    def app(self) -> Flask:
        """The application; one that is put in its place is held to its contract as well."""
        return self._app

    @app.setter
    def app(self, app: Flask) -> None:
        inner = front(app) if self.lean else app.wsgi_app
        # Between the server and the service, so that no error handler can swallow it.
        app.wsgi_app = Documented(app, inner)  # type: ignore[assignment, method-assign] # Flask's own way
        self._app = app

    def key_for(self, *scopes: str) -> str:
        """Give a key with exactly *scopes*."""
        name = f"c{len(self.clients.list())}"
        return self.clients.add(name, scopes, _SHELL)

    @property
    def http(self) -> FlaskClient:
        """A client that calls the application directly."""
        return self.app.test_client()

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Send *body* as JSON, or as it is if it is bytes, with the key that may do everything."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {
            "Authorization": f"Bearer {key or self.key}",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        return self.http.open(path, method=method, data=data, headers=all_headers)

    def post(self, path: str, body: object, **options: Any) -> TestResponse:
        """Send *body* by POST; see ``send``."""
        return self.send("POST", path, body, **options)
