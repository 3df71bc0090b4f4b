"""
Foreign: companies without legal representation in Brazil, as Inmetro's team keeps them.

Inmetro's "Cadastro Único" (Passo 2) lets such a company fill in a form of its own, whose
information the team in charge validates. So whatever is new about a company, its name, its
country or a login that acts for it, has not been validated: the company is pending until the
team has looked again, and until then nothing is allowed. To take a login away brings nothing
new, and must not stop the others who act for the company: a validated one stays so.

A number that was withdrawn never counts again: who reads in the log that it was, knows that
nothing has been allowed under it since. Whoever comes back is registered anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from authz_service.domain.companies import ForeignCompany, Validation
from authz_service.domain.decision import Caller
from authz_service.domain.errors import Conflict, NotFound, Stale
from authz_service.domain.identifiers import ForeignId, Login
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.ports import Clock, Surrogates
from authz_service.usecases.stores import ForeignCompanies

Seen = Callable[[ForeignCompany], bool]
"""Tells whether a company is as the one who acts on it has seen it."""

_NUMBERS = 10_000_000
_TRIES = 20


def _random_number() -> int:
    return secrets.randbelow(_NUMBERS)


@dataclass(frozen=True, slots=True)
class ForeignDesk:
    """
    Registers, changes, validates and withdraws foreign companies.

    Each is an act in the decision log, with the company's number and the surrogates of the
    logins. What changes nothing is no act.

    Attributes:
        companies: where they are kept.
        surrogates: the names of logins in the log.
        acts: where it is written down.
        clock: the present instant.
        number: gives numbers for new companies, 0 to 9,999,999. At random, so that a number
            that was heard or mistyped does not lead to the company beside it.
    """

    companies: ForeignCompanies
    surrogates: Surrogates
    acts: ActLog
    clock: Clock
    number: Callable[[], int] = _random_number

    def register(
        self, name: str, country: str, representatives: Sequence[Login], caller: Caller
    ) -> ForeignCompany:
        """
        Register a company under a new number; it is pending.

        Not idempotent: two companies may have the same name, and a call that is made twice
        makes two, of which one is to be withdrawn.

        Raises:
            InvalidInput: a member cannot be one; names it.
            Conflict: no free number was found.
        """
        now = self.clock()
        # What it says is read before anything is made for the log.
        wanted = ForeignCompany(ForeignId.of_number(0), name, country, tuple(representatives), now)
        names = self._names(representatives)
        for _ in range(_TRIES):
            company = replace(wanted, id=ForeignId.of_number(self.number()))
            details: Details = {
                "company": company.id.value,
                "country": country,
                "representatives": names,
            }
            told = partial(self.acts.did, "company.register", caller, details)
            try:
                self.companies.add(company, told)
            except Conflict:
                continue
            return company
        raise Conflict("no free number was found; try again")

    def change(
        self,
        company: ForeignId,
        caller: Caller,
        *,
        name: str | None = None,
        country: str | None = None,
        representatives: Sequence[Login] | None = None,
        seen: Seen | None = None,
    ) -> ForeignCompany:
        """
        Replace what is given, and leave what is None; see the module for what becomes pending.

        *representatives* is the whole set of logins from now on; *seen* is what the company has
        to be like, None for whatever it is.

        Raises:
            InvalidInput: a member cannot be one; names it.
            NotFound: no company of this number.
            Stale: it is not what was seen.
            Conflict: it is withdrawn, or was changed meanwhile.
        """
        before = self._counting(company, seen)
        wanted = before.representatives if representatives is None else tuple(representatives)
        # Read as it was given, so that nobody stands twice in it; kept in the order of naming.
        given = replace(
            before,
            name=before.name if name is None else name,
            country=before.country if country is None else country,
            representatives=wanted,
        )
        added = [one for one in wanted if one not in before.representatives]
        removed = [one for one in before.representatives if one not in wanted]
        stay = [one for one in before.representatives if one in wanted]
        after = replace(given, representatives=(*stay, *added))
        if after == before:
            return before
        if added or (after.name, after.country) != (before.name, before.country):
            after = replace(after, validation=Validation.PENDING, validated_at=None)
        details: Details = {
            "company": company.value,
            "name_changed": after.name != before.name,
            "country": after.country,
            "added": self._names(added),
            "removed": self._names(removed),
            "validation": after.validation.value,
        }
        return self._save("company.change", before, after, details, caller)

    def validate(
        self, company: ForeignId, caller: Caller, seen: Seen | None = None
    ) -> ForeignCompany:
        """
        Say that the team has looked at the company as it is, or as *seen*, and found it right.

        Raises:
            NotFound: no company of this number.
            Stale: it is not what was seen.
            Conflict: it is withdrawn, or was changed meanwhile.
        """
        before = self._counting(company, seen)
        if before.validation is Validation.VALIDATED:
            return before
        after = replace(before, validation=Validation.VALIDATED, validated_at=self.clock())
        details: Details = {
            "company": company.value,
            # Who may act from now on is what was looked at.
            "representatives": self._names(before.representatives),
        }
        return self._save("company.validate", before, after, details, caller)

    def withdraw(
        self, company: ForeignId, caller: Caller, seen: Seen | None = None
    ) -> ForeignCompany:
        """
        Let a company count no more, for good.

        Raises:
            NotFound: no company of this number.
            Stale: it is not what was seen, where that is given.
            Conflict: it was changed meanwhile.
        """
        before = self._seen(company, seen)
        if before.validation is Validation.WITHDRAWN:
            return before
        after = replace(before, validation=Validation.WITHDRAWN, validated_at=None)
        details: Details = {"company": company.value}
        return self._save("company.withdraw", before, after, details, caller)

    def find(self, company: ForeignId) -> ForeignCompany:
        """
        Give what is registered of a company.

        Raises:
            NotFound: no company of this number.
        """
        found = self.companies.find(company)
        if found is None:
            raise NotFound(f"there is no foreign company `{company.formatted}`")
        return found

    def _seen(self, company: ForeignId, seen: Seen | None) -> ForeignCompany:
        found = self.find(company)
        if seen is not None and not seen(found):
            raise Stale("the company is not what the caller has seen")
        return found

    def _counting(self, company: ForeignId, seen: Seen | None) -> ForeignCompany:
        found = self._seen(company, seen)
        if found.validation is Validation.WITHDRAWN:
            raise Conflict("the company is withdrawn; register it anew")
        return found

    def _save(
        self,
        act: str,
        before: ForeignCompany,
        after: ForeignCompany,
        details: Details,
        caller: Caller,
    ) -> ForeignCompany:
        told = partial(self.acts.did, act, caller, details)
        self.companies.change(before, after, self.clock(), told)
        return after

    def _names(self, logins: Iterable[Login]) -> tuple[str, ...]:
        wanted = list(logins)
        names = self.surrogates.surrogates(wanted)
        return tuple(names[one] for one in wanted)
