"""
Sign in: verified tokens of GOV.BR become persons, standing and sign-ins.

A token is verified, used once to ask GOV.BR for the person's companies, and forgotten. What
it proved is kept under a handle until it ends.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from authz_service.domain.decision import Caller
from authz_service.domain.errors import Conflict, SignInOff, TokenRefused
from authz_service.domain.identifiers import Cnpj
from authz_service.domain.people import Person, Standing
from authz_service.domain.sign_in import Cause, Companies, SignIn, Token, Verified
from authz_service.usecases.acts import ActLog, Details
from authz_service.usecases.govbr import CompaniesSource, Seen, TokenVerifier
from authz_service.usecases.ports import Clock, Registry, SignIns, Surrogates

_HANDLE_BYTES = 24
_SCOPE = "govbr_empresa"

Refused = Callable[[Cause, Caller], None]
"""Hears of every token that was refused, and who brought it; the metrics are one."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """
    What became of a sign-in.

    Attributes:
        sign_in: the sign-in, new or known.
        person: whom it made known.
        standing: all that is known now of what the person is in which company.
        unanswered: companies that GOV.BR listed without telling the role; None if the token was
            brought again, since that is not kept.
        notes: what was left out of the tokens, as codes.
        again: whether the same token had been brought before; then nothing was done.
    """

    sign_in: SignIn
    person: Person
    standing: tuple[Standing, ...]
    unanswered: tuple[Cnpj, ...] | None
    notes: tuple[str, ...]
    again: bool


@dataclass(frozen=True, slots=True)
class GovBr:
    """
    The two sides of GOV.BR.

    Attributes:
        tokens: verifies.
        companies: asked for companies, or None where no address of that API is configured.
    """

    tokens: TokenVerifier
    companies: CompaniesSource | None


@dataclass(frozen=True, slots=True)
class SignInDesk:
    """
    Takes sign-ins, and proves who acts.

    Attributes:
        govbr: GOV.BR, or None where sign-in is off.
        sign_ins: where they are kept.
        registry: what is known of persons.
        surrogates: the names of persons in the log.
        acts: where it is written down.
        clock: the present instant.
        refused: hears of every token that was refused.
        confirm_at_once: whether the first sign-in confirms a person, without Orquestra.
    """

    govbr: GovBr | None
    sign_ins: SignIns
    registry: Registry
    surrogates: Surrogates
    acts: ActLog
    clock: Clock
    refused: Refused
    confirm_at_once: bool

    def ingest(self, access_token: Token, id_token: Token | None, caller: Caller) -> SignedIn:
        """
        Take the tokens of one sign-in.

        The same token again changes nothing, even if it brings another id_token. One that has
        ended within the verifier's leeway is taken, but its handle is over at once.

        Raises:
            TokenRefused: a check failed, or another client brought the token before.
            SignInOff: no GOV.BR is configured.
            SignInUnavailable: nothing of it was kept but the person's surrogate; the same token
                may be brought again.
            Conflict: the person was erased meanwhile, or since the token was brought first.
        """
        govbr, verified = self._verify(access_token, id_token, caller)
        known = self._known(verified, caller)
        if known is not None:
            return self._state(known, verified.notes)
        # Before GOV.BR is asked: who is erased meanwhile has another name, or none.
        name = self.surrogates.surrogates([verified.person])[verified.person]
        seen = self._observe(govbr, verified, access_token)
        sign_in = self._new(verified, seen, caller)
        details = self._details(sign_in, seen, verified.notes, name)
        told = partial(self.acts.did, "sign_in", caller, details)
        try:
            self.sign_ins.save(sign_in, seen, told, confirm=self.confirm_at_once, name=name)
        except Conflict:
            # Brought twice at the same time, if the person was not erased meanwhile.
            known = self._known(verified, caller)
            if known is None:
                raise
            return self._state(known, verified.notes)
        return self._state(sign_in, verified.notes, seen)

    def prove(self, access_token: Token, caller: Caller) -> tuple[Verified, str | None]:
        """
        Tell what an access token proves, and the handle if the token was brought before.

        Raises:
            TokenRefused: a check failed, another client brought the token, or somebody acts
                by power of attorney, which proves no act of the person's own.
            SignInOff: no GOV.BR is configured.
            SignInUnavailable: the keys cannot be had now.
            Conflict: the person was erased since the token was brought.
        """
        _govbr, verified = self._verify(access_token, None, caller)
        known = self._known(verified, caller)
        # The other token of the sign-in may have told it.
        if verified.agent or (known is not None and known.agent):
            self.refused(Cause.AGENT, caller)
            raise TokenRefused(Cause.AGENT, "a power of attorney proves no act of one's own")
        return verified, None if known is None else known.handle

    def _verify(
        self, access_token: Token, id_token: Token | None, caller: Caller
    ) -> tuple[GovBr, Verified]:
        if self.govbr is None:
            raise SignInOff
        try:
            return self.govbr, self.govbr.tokens.verify(access_token, id_token)
        except TokenRefused as error:
            self.refused(Cause(error.cause), caller)
            raise

    def _known(self, verified: Verified, caller: Caller) -> SignIn | None:
        known = self.sign_ins.of_digest(verified.digest)
        if known is not None and known.client != caller.name:
            self.refused(Cause.OTHER_CLIENT, caller)
            raise TokenRefused(Cause.OTHER_CLIENT, "another client has brought it before")
        if known is not None and verified.agent and not known.agent:
            self._found_agent(known, caller)
            self.refused(Cause.AGENT, caller)
            raise TokenRefused(Cause.AGENT, "it was brought before without what tells of an agent")
        return known

    def _found_agent(self, known: SignIn, caller: Caller) -> None:
        """Take back what a sign-in seemed to be: from now on its handle is an agent's."""
        name = self.surrogates.surrogates([known.person])[known.person]
        details = {"person": name, "sign_in": known.id}
        told = partial(self.acts.did, "sign_in.agent", caller, details)
        self.sign_ins.found_agent(known, told)

    def _observe(self, govbr: GovBr, verified: Verified, token: Token) -> Seen:
        moment, person = self.clock(), verified.person
        if verified.agent:
            return Seen(Companies.AGENT, moment)
        if govbr.companies is None:
            return Seen(Companies.OFF, moment)
        if _SCOPE not in verified.scopes:
            return Seen(Companies.NOT_GRANTED, moment)
        # Where time is short, those come first of which least is known.
        last_seen = {one.company: one.observed_at for one in self.registry.standing_of(person)}
        company = verified.certificate_company
        return govbr.companies.observe(person, token, company, moment, last_seen)

    def _new(self, verified: Verified, seen: Seen, caller: Caller) -> SignIn:
        return SignIn(
            id=uuid.uuid4().hex,
            handle=secrets.token_urlsafe(_HANDLE_BYTES),
            digest=verified.digest,
            client=caller.name,
            person=verified.person,
            methods=verified.methods,
            level=verified.level,
            certificate_company=verified.certificate_company,
            agent=verified.agent,
            authenticated_at=verified.authenticated_at,
            began_at=self.clock(),
            ends_at=verified.ends_at,
            companies=seen.outcome,
        )

    def _details(self, sign_in: SignIn, seen: Seen, notes: tuple[str, ...], name: str) -> Details:
        company, since = sign_in.certificate_company, sign_in.authenticated_at
        before = self.registry.person(sign_in.person) or Person(sign_in.person)
        return {
            "person": name,
            "sign_in": sign_in.id,
            "ends_at": sign_in.ends_at.isoformat(),
            "authenticated_at": None if since is None else since.isoformat(),
            "method": sign_in.method.value,
            "second_factor": sign_in.second_factor,
            "level": None if sign_in.level is None else sign_in.level.value,
            "certificate_company": None if company is None else company.value,
            "agent": sign_in.agent,
            "companies": seen.outcome.value,
            "standing": tuple(f"{one.company.value}:{one.role.value}" for one in seen.standing),
            "unanswered": tuple(one.value for one in sorted(seen.unanswered)),
            "registers": before.registered_at is None and not sign_in.agent,
            "confirms": before.confirmed_at is None and self._confirms(sign_in),
            "notes": notes,
        }

    def _confirms(self, sign_in: SignIn) -> bool:
        return self.confirm_at_once and not sign_in.agent

    def _state(self, sign_in: SignIn, notes: tuple[str, ...], seen: Seen | None = None) -> SignedIn:
        person = self.registry.person(sign_in.person)
        return SignedIn(
            sign_in=sign_in,
            person=Person(sign_in.person) if person is None else person,
            standing=tuple(self.registry.standing_of(sign_in.person)),
            unanswered=None if seen is None else tuple(sorted(seen.unanswered)),
            notes=notes,
            again=seen is None,
        )
