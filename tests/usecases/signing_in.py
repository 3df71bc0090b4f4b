"""Sign-ins as the tests of the sign-in desk script them: tokens, what they say, who brings them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from authz_service.domain.decision import Caller, CompanyAsked, Question
from authz_service.domain.errors import Conflict
from authz_service.domain.facts import Facts
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Evidence, Role, Standing
from authz_service.domain.sign_in import Level, SignIn, Token, Verified
from authz_service.usecases.govbr import Seen
from authz_service.usecases.ports import Told
from authz_service.usecases.sign_in import SignedIn, SignInDesk
from tests.domain.document import COMPANY, MEMBER, OTHER_COMPANY, REPRESENTATIVE
from tests.domain.gathered import gather
from tests.fakes.clock import NOON
from tests.fakes.govbr import digest_of
from tests.usecases.house import House

HOUR = timedelta(hours=1)

PORTAL = Caller("portal", frozenset({"identities"}), "10.1.2.4")
OTHER = Caller("other-portal", frozenset({"identities"}), "10.1.2.5")

TEXT, ID_TEXT = "header.claims-of-the-access-token.signature", "header.claims-of-the-id-token.s"
TOKEN, ID_TOKEN = Token(TEXT), Token(ID_TEXT)

SAID = Verified(
    person=REPRESENTATIVE,
    digest="",
    methods=("x509", "x509_token"),
    level=Level.GOLD,
    certificate_company=COMPANY,
    agent=False,
    authenticated_at=NOON - timedelta(minutes=5),
    ends_at=NOON + HOUR,
    scopes=frozenset({"openid", "govbr_empresa"}),
    notes=("a-note",),
)
"""A sign-in of the representative with the company's e-CNPJ."""

SOCIO = Standing(
    COMPANY, REPRESENTATIVE, Role.SOCIO, Evidence.GOVBR, NOON, NOON + 48 * HOUR, cadastrador=True
)
CONTADOR = replace(SOCIO, company=OTHER_COMPANY, role=Role.CONTADOR, ends_at=None)


def ingest(
    house: House,
    said: Verified = SAID,
    caller: Caller = PORTAL,
    *,
    confirm_at_once: bool = False,
) -> SignedIn:
    """Have the access token say *said*, and bring it alone."""
    house.tokens.take(TEXT, said)
    desk = replace(house.sign_in_desk, confirm_at_once=confirm_at_once)
    return desk.ingest(TOKEN, None, caller)


def facts(house: House, handle: str | None = None, actor: Cpf = REPRESENTATIVE) -> Facts:
    """Give what is known now about *actor* and the company, in the light of *handle*."""
    question = Question(actor, "read_delegations", CompanyAsked(COMPANY), sign_in=handle)
    [found] = gather(house.store.facts, question, moment=house.clock())
    return found


def roles(house: House, person: Cpf = REPRESENTATIVE) -> dict[Cnpj, Role]:
    """Give what is kept of the person's roles, by company."""
    return {one.company: one.role for one in house.store.registry.standing_of(person)}


def kept(house: House, people: Sequence[Cpf] = (REPRESENTATIVE, MEMBER)) -> tuple[object, ...]:
    """Give all that a sign-in could change, to see that one did not."""
    return (
        house.store.facts.gather([], NOON).revision,
        house.store.sign_ins.of_digest(digest_of(TEXT)),
        *(house.store.registry.person(one) for one in people),
        *(house.store.registry.standing_of(one) for one in people),
    )


def contradicted(house: House) -> SignInDesk:
    """Give the desk with a store that can keep no sign-in."""
    return replace(house.sign_in_desk, sign_ins=ContradictedSignIns())


@dataclass(frozen=True)
class ContradictedSignIns:
    """The port ``SignIns``: knows no token, and whatever is to be kept contradicts something."""

    def of_digest(self, digest: str) -> SignIn | None:
        """Give None."""
        return None

    def save(self, sign_in: SignIn, seen: Seen, told: Told, *, confirm: bool, name: str) -> int:
        """Refuse, as a database does whose constraint is hurt."""
        raise Conflict("what is to be written contradicts what is stored")

    def found_agent(self, sign_in: SignIn, told: Told) -> int:
        """Refuse likewise."""
        raise Conflict("what is to be written contradicts what is stored")
