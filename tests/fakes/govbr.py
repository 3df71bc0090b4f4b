"""GOV.BR as the use cases see it: tokens that the test has scripted, answers that it gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from authz_service.domain.errors import SignInUnavailable, TokenRefused
from authz_service.domain.identifiers import Cnpj, Cpf
from authz_service.domain.people import Standing
from authz_service.domain.sign_in import Cause, Companies, Token, Verified
from authz_service.usecases.govbr import Seen

Answers = Callable[[Cpf, datetime], Seen]


def digest_of(text: str) -> str:
    """Give the digest that ``ScriptedTokens`` gives a token of this text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class ScriptedTokens:
    """
    The port ``TokenVerifier``: takes the tokens that the test has scripted, by their text.

    Any other access token is malformed, and an id_token that was not scripted with its
    access token is no pair. With ``down`` set the keys cannot be had, whatever is asked.
    ``asked`` holds the texts that were brought, refused ones included.
    """

    def __init__(self) -> None:
        self.down = False
        self.asked: list[tuple[str, str | None]] = []
        self._known: dict[str, tuple[str | None, Verified | TokenRefused]] = {}

    def take(self, text: str, said: Verified, id_token: str | None = None) -> None:
        """Have the access token *text* say *said*, alone or beside *id_token*."""
        self._known[text] = (id_token, replace(said, digest=digest_of(text)))

    def refuse(self, text: str, cause: Cause, message: str = "it is a test") -> None:
        """Have the access token *text* refused."""
        self._known[text] = (None, TokenRefused(cause, message))

    def verify(self, access_token: Token, id_token: Token | None = None) -> Verified:
        """Give what was scripted for the tokens."""
        brought = None if id_token is None else id_token.text
        self.asked.append((access_token.text, brought))
        if self.down:
            raise SignInUnavailable("the keys cannot be had")
        if access_token.text not in self._known:
            raise TokenRefused(Cause.MALFORMED, "it is no token")
        pair, said = self._known[access_token.text]
        if isinstance(said, TokenRefused):
            raise said
        if brought not in (None, pair):
            raise TokenRefused(Cause.PAIR, "it is of another sign-in", "id_token")
        return said


@dataclass(frozen=True)
class Asked:
    """One call that reached ``ScriptedCompanies``."""

    person: Cpf
    token: str
    first: Cnpj | None
    last_seen: Mapping[Cnpj, datetime] = field(default_factory=dict)


def listing(
    *standing: Standing,
    outcome: Companies = Companies.OBSERVED,
    unanswered: frozenset[Cnpj] = frozenset(),
) -> Answers:
    """Have GOV.BR answer those of *standing* that are the person's."""

    def answers(person: Cpf, moment: datetime) -> Seen:
        theirs = tuple(one for one in standing if one.person == person)
        return Seen(outcome, moment, theirs, unanswered)

    return answers


def failing(_person: Cpf, moment: datetime) -> Seen:
    """Have no answer come from GOV.BR."""
    return Seen(Companies.FAILED, moment)


class ScriptedCompanies:
    """
    The port ``CompaniesSource``: answers by ``answers``, a function that a test may exchange.

    With ``busy`` set as many wait for GOV.BR as may. ``asked`` holds the calls.
    """

    def __init__(self) -> None:
        self.answers: Answers = listing()
        self.busy = False
        self.asked: list[Asked] = []

    def observe(
        self,
        person: Cpf,
        token: Token,
        first: Cnpj | None,
        moment: datetime,
        last_seen: Mapping[Cnpj, datetime],
    ) -> Seen:
        """Answer by the test's function."""
        self.asked.append(Asked(person, token.text, first, dict(last_seen)))
        if self.busy:
            raise SignInUnavailable("too many wait for GOV.BR")
        return self.answers(person, moment)
