"""
A sign-in at GOV.BR: what a verified token proved, for as long as the token lives.

The token itself is never kept. What it said of the account and of how the person got in is
kept under a handle, and counts for questions that bring the handle: an e-CNPJ that was used
last month proves nothing today.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.time import require_aware

_BANK = re.compile(r"bank(?:[0-9]{3})?")
# The cloud providers of GOV.BR's technical manual ("Passo 9"); new ones will be added there.
_CLOUD = frozenset(
    ("x509_neoid", "x509_safeid", "x509_birdid", "x509_serasa", "x509_vidaas", "x509_remoteid")
)


class Level(StrEnum):
    """The level of a GOV.BR account (nível da conta); of the account, not of a sign-in."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


class Method(StrEnum):
    """How a person got in, the strongest of the methods that a token lists."""

    CERTIFICATE = "certificate"
    BANK = "bank"
    APP = "app"
    PASSWORD = "password"  # noqa: S105 -- the name of a method
    OTHER = "other"
    """Nothing that this service knows: it grants nothing."""


class Certificate(StrEnum):
    """Where the key of a certificate lies (ICP-Brasil)."""

    DEVICE = "device"
    """A1 or A3: a file, a card or a token of the holder."""
    CLOUD = "cloud"
    UNSPECIFIED = "unspecified"
    """A certificate was used, and GOV.BR did not say of which kind, or one unknown here."""


def method_of(methods: Iterable[str]) -> Method:
    """Give the strongest method among *methods*, the values of a token's ``amr``."""
    given = set(methods)
    if certificate_of(given) is not None:
        return Method.CERTIFICATE
    if any(_BANK.fullmatch(one) for one in given):
        return Method.BANK
    if given & {"app", "app_qrcode"}:
        return Method.APP
    return Method.PASSWORD if "passwd" in given else Method.OTHER


def certificate_of(methods: Iterable[str]) -> Certificate | None:
    """Give the kind of certificate that *methods* tell of, or None if there was none."""
    given = {one for one in methods if one == "x509" or one.startswith("x509_")}
    if "x509_token" in given:
        return Certificate.DEVICE
    if given & _CLOUD:
        return Certificate.CLOUD
    return Certificate.UNSPECIFIED if given else None


def second_factor_in(methods: Iterable[str]) -> bool:
    """Tell whether a second factor was asked for; GOV.BR has it switched on by the person."""
    return not {"mfa", "otp", "otp_offline"}.isdisjoint(methods)


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """
    A signed token on its way through the service; nothing prints it, nothing keeps it.

    Attributes:
        text: the compact form that was sent.
    """

    text: str

    def __repr__(self) -> str:
        return "Token(...)"


class Cause(StrEnum):
    """Why a token was refused; a metric counts by it."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    HEADER = "header"
    """A header that tells the verifier what to do: jku, x5u, jwk, crit, another type."""
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown-key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    CLAIMS = "claims"
    """A claim that is missing or of another type than GOV.BR's."""
    SUBJECT = "subject"
    """``sub`` is no CPF, or not the one of ``preferred_username``."""
    KIND = "kind"
    """An id_token where an access_token belongs, or the other way round."""
    PAIR = "pair"
    """Two tokens that are not of one sign-in."""
    OTHER_CLIENT = "other-client"
    """Another client brought the same token before."""
    AGENT = "agent"
    """By power of attorney (Procuração Eletrônica), so it proves no act of the person's own."""


class Companies(StrEnum):
    """What came of asking GOV.BR what a person is in which company."""

    OBSERVED = "observed"
    PARTIAL = "partial"
    """The list came, but not the role in every company; those keep what was known."""
    FAILED = "failed"
    NOT_GRANTED = "not_granted"
    """The token lacks the scope ``govbr_empresa``."""
    AGENT = "agent"
    """Not asked: a sign-in by power of attorney gives no standing."""
    OFF = "off"
    """Not asked: no address of the companies API is configured."""


@dataclass(frozen=True, slots=True)
class Proof:
    """
    What tokens proved of a person and of the way in.

    Attributes:
        person: who signed in.
        methods: ``amr`` as it came, unknown ones included.
        level: the account's level, or None if no token tells.
        certificate_company: the company whose certificate (e-CNPJ) was used, or None. It
            proves that the certificate was there, no role.
        agent: whether somebody acts by power of attorney (Procuração Eletrônica).
        authenticated_at: when the person really authenticated, or None if no token tells;
            a sign-in re-uses an older session of GOV.BR.
        ends_at: when the access token ends.
    """

    person: Cpf
    methods: tuple[str, ...]
    level: Level | None
    certificate_company: Cnpj | None
    agent: bool
    authenticated_at: datetime | None
    ends_at: datetime

    def __post_init__(self) -> None:
        require_aware(self.ends_at, "ends_at")
        if self.authenticated_at is not None:
            require_aware(self.authenticated_at, "authenticated_at")

    @property
    def method(self) -> Method:
        """The strongest of the methods."""
        return method_of(self.methods)

    @property
    def certificate(self) -> Certificate | None:
        """The kind of certificate that was used, or None."""
        return certificate_of(self.methods)

    @property
    def second_factor(self) -> bool:
        """Whether a second factor was asked for."""
        return second_factor_in(self.methods)

    def in_force(self, moment: datetime) -> bool:
        """Tell whether it counts at *moment*; at ``ends_at`` it is over."""
        return moment < self.ends_at


@dataclass(frozen=True, slots=True)
class Verified(Proof):
    """
    What the tokens of one sign-in say, just verified.

    Attributes:
        digest: SHA-256 of what was signed, hexadecimal: tells the token again without it.
        scopes: what GOV.BR lets the token ask.
        notes: what was left out of the tokens, and why, as codes.
    """

    digest: str = field(repr=False)
    scopes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignIn(Proof):
    """
    One sign-in, as it is kept until its token ends.

    Attributes:
        id: its name in the decision log.
        handle: what a question brings to be answered in the light of it; not for logs. Any
            client may bring it: the portal takes the sign-in, and Orquestra asks.
        digest: tells the token again; see ``Verified``.
        client: the client that brought the token, and the only one that may bring it again.
        began_at: when it was kept, which is after GOV.BR was asked for companies.
        companies: what came of asking.
    """

    id: str
    handle: str = field(repr=False)
    digest: str = field(repr=False)
    client: str
    began_at: datetime
    companies: Companies

    def __post_init__(self) -> None:
        # By name: with slots there are two classes, and `super` would mean the other one.
        Proof.__post_init__(self)
        require_aware(self.began_at, "began_at")
