"""The sign-in that the people of a policy test's case act in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.sign_in import Companies, Level, SignIn, certificate_of
from authz_service.policy.suites.tables import SuiteInvalid, Table

HANDLE = "the handle of the case"
"""What the questions of such a case bring."""

_LEVELS = {one.value: one for one in Level}
_LIFE = timedelta(hours=1)
_MAX_MINUTES = 525_600  # a year; no session of GOV.BR is older


@dataclass(frozen=True, slots=True)
class SignInSaid:
    """
    What a case says of a sign-in, whoever's it is.

    Attributes:
        level: of the account, or None.
        methods: the values of ``amr``.
        company: whose certificate was used, or None.
        agent: whether it is by power of attorney.
        minutes: since the person really authenticated, or None.
    """

    level: Level | None
    methods: tuple[str, ...]
    company: Cnpj | None
    agent: bool
    minutes: int | None

    def of(self, person: Cpf, now: datetime) -> SignIn:
        """Give the sign-in of *person*, in force *now*."""
        ago = None if self.minutes is None else timedelta(minutes=self.minutes)
        return SignIn(
            id="sign-in",
            handle=HANDLE,
            digest="",
            client="test",
            person=person,
            methods=self.methods,
            level=self.level,
            certificate_company=self.company,
            agent=self.agent,
            authenticated_at=None if ago is None else now - ago,
            began_at=now,
            ends_at=now + _LIFE,
            companies=Companies.OFF,
        )


def read_sign_in(case: Table, companies: Mapping[str, Cnpj]) -> SignInSaid | None:
    """
    Take what *case* says of a sign-in; None where it says nothing.

    Raises:
        SuiteInvalid: it says what cannot be.
    """
    members = case.take("sign_in", dict, None)
    if members is None:
        return None
    with Table(members, f"{case.where}, sign_in") as table:
        minutes = table.take("minutes", int, None)
        if minutes is not None and not 0 <= minutes <= _MAX_MINUTES:
            raise SuiteInvalid(table.where, f"`minutes` must be from 0 to {_MAX_MINUTES}")
        methods = tuple(table.names("methods", []))
        company = table.word("company", companies, None)
        if company is not None and certificate_of(methods) is None:
            raise SuiteInvalid(table.where, '`company` needs a certificate in `methods`: "x509"')
        return SignInSaid(
            level=table.word("level", _LEVELS, None),
            methods=methods,
            company=company,
            agent=table.flag("agent"),
            minutes=minutes,
        )
