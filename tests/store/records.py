"""What is to be kept, with what a test does not care about: sign-ins, standings, companies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.sign_in import Companies, Level, SignIn
from authz_service.store import SqlStore
from authz_service.usecases.govbr import Seen
from authz_service.usecases.ports import Told
from tests.domain.document import COMPANY, REPRESENTATIVE, REPRESENTATIVE_ABROAD
from tests.fakes.clock import NOON
from tests.fakes.store import MemoryStore, untold

Store = MemoryStore | SqlStore

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def sign_in(
    name: str = "one",
    person: Cpf = REPRESENTATIVE,
    began_at: datetime = NOON,
    *,
    agent: bool = False,
) -> SignIn:
    """Give the sign-in of a token that *name* tells from others; it ends after an hour."""
    return SignIn(
        id=f"id-of-{name}",
        handle=f"handle-of-{name}",
        digest=hashlib.sha256(name.encode()).hexdigest(),
        client="orquestra",
        person=person,
        methods=("passwd", "x509_token"),
        level=Level.GOLD,
        certificate_company=COMPANY,
        agent=agent,
        authenticated_at=began_at - HOUR,
        began_at=began_at,
        ends_at=began_at + HOUR,
        companies=Companies.OBSERVED,
    )


def standing(
    company: Cnpj = COMPANY,
    role: Role = Role.SOCIO,
    evidence: Evidence = Evidence.GOVBR,
    observed_at: datetime = NOON,
    person: Cpf = REPRESENTATIVE,
) -> Standing:
    """Give what a person is in a company."""
    return Standing(company, person, role, evidence, observed_at)


def answer(
    *standings: Standing,
    moment: datetime = NOON,
    unanswered: Iterable[Cnpj] = (),
    outcome: Companies = Companies.OBSERVED,
) -> Seen:
    """Give what the companies API told at *moment*."""
    return Seen(outcome, moment, standings, frozenset(unanswered))


NOT_ASKED = Seen(Companies.OFF, NOON)
"""What a sign-in comes with where no companies API is configured."""


def keep(
    store: Store,
    one: SignIn,
    seen: Seen = NOT_ASKED,
    told: Told = untold,
    *,
    confirm: bool = False,
) -> int:
    """Keep a sign-in of the person who has the name that it finds or makes."""
    name = store.surrogates.surrogates([one.person])[one.person]
    return store.sign_ins.save(one, seen, told, confirm=confirm, name=name)


def foreign(
    number: int = 1,
    representatives: Iterable[Login] = (REPRESENTATIVE_ABROAD,),
    name: str = "Prüfwerk GmbH",
    validation: Validation = Validation.PENDING,
) -> ForeignCompany:
    """Give a foreign company, validated at the moment of its registration if it is."""
    return ForeignCompany(
        ForeignId.of_number(number),
        name,
        "DE",
        tuple(representatives),
        NOON,
        validation,
        NOON if validation is Validation.VALIDATED else None,
    )
