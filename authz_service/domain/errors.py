"""
The whole error tree, drawn where it is defined.

    AuthzError
    ├── InvalidInput             what was sent cannot be read; names the field        (HTTP 400)
    │   └── AmbiguousProcess     a code or label that names more than one process     (HTTP 400)
    ├── CallerUnknown            no key, or a key that is not valid now               (HTTP 401)
    ├── CallerForbidden          the key is valid, the scope is missing               (HTTP 403)
    ├── TooManyRequests          more than one may ask in a short time                (HTTP 429)
    ├── TokenRefused             a GOV.BR token that proves nothing, with its cause   (HTTP 401)
    ├── SignInOff                no GOV.BR is configured                              (HTTP 501)
    ├── ActRefused               the policy denied an act, with its reasons           (HTTP 403)
    ├── NotFound                 a thing named by its own id does not exist           (HTTP 404)
    ├── Conflict                 it contradicts what is stored now                    (HTTP 409)
    ├── Stale                    decided on an earlier state than the present one     (HTTP 412)
    ├── Unavailable              no decision can be made now; nothing was written     (HTTP 503)
    │   ├── PolicyUnavailable
    │   ├── StoreUnavailable
    │   ├── Crowded              as many changes are under way as may
    │   ├── StoreBehind          it has not come to the revision that is demanded
    │   ├── LogUnavailable
    │   └── SignInUnavailable    GOV.BR's keys cannot be had, or too many wait for it
    ├── PolicyInvalid            policy files with problems, each with its place
    └── SettingsInvalid          settings with problems, all of them

A message is one sentence in lower case without a full stop. It never holds a
CPF: an error says which field is wrong and what it should be, not what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class AuthzError(Exception):
    """Anything this service says no to on purpose."""


class InvalidInput(AuthzError):
    """
    A value that cannot be read.

    Attributes:
        field: the dotted name of the member that is wrong, as the caller wrote it.
        message: what it should be.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class AmbiguousProcess(InvalidInput):
    """
    A code or label that names several processes, such as P061.

    Attributes:
        candidates: the labels it could mean, each of which names exactly one.
    """

    def __init__(self, field: str, candidates: Sequence[str]) -> None:
        listed = "; ".join(candidates)
        super().__init__(field, f"names more than one process, say which: {listed}")
        self.candidates = tuple(candidates)


class CallerUnknown(AuthzError):
    """No key was presented, or it is unknown, expired, revoked or used from elsewhere."""


class CallerForbidden(AuthzError):
    """
    The caller is known, but lacks a scope.

    Attributes:
        scope: the scope that is missing.
    """

    def __init__(self, scope: str) -> None:
        super().__init__(f"the key lacks the scope `{scope}`")
        self.scope = scope


class TooManyRequests(AuthzError):
    """
    A client or a source address has asked more than it may; nothing was looked at.

    Attributes:
        seconds: after how many it may try again.
    """

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(f"{message}; try again later")
        self.seconds = seconds


class TokenRefused(AuthzError):
    """
    A token of GOV.BR that proves nothing; the message says why, never what it holds.

    Attributes:
        cause: why, a ``Cause`` of ``domain.sign_in``.
        token: which one, ``access_token`` or ``id_token``.
    """

    # S107 takes the name of a token for one.
    def __init__(self, cause: str, message: str, token: str = "access_token") -> None:  # noqa: S107
        super().__init__(f"the {token} is refused: {message}")
        self.cause = cause
        self.token = token


class SignInOff(AuthzError):
    """No GOV.BR is configured, so no token can be verified."""

    def __init__(self) -> None:
        super().__init__("sign-in is off: no GOV.BR is configured here")


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    One denied question among those that an act depends on.

    Attributes:
        process: the label of the process asked about, or None for the company as a whole.
        reasons: the reason codes of the denial, the first first.
        message: the Portuguese text for the person who acted.
    """

    process: str | None
    reasons: tuple[str, ...]
    message: str


class ActRefused(AuthzError):
    """
    The policy denied an act, so nothing of it was done.

    Attributes:
        refusals: one for each question that was denied.
    """

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("the policy does not allow this act")
        self.refusals = tuple(refusals)


class NotFound(AuthzError):
    """A thing named by its own id does not exist, or is not for this caller to see."""


class Conflict(AuthzError):
    """It contradicts what is stored now, which somebody may have changed; read it again."""


class Stale(AuthzError):
    """The caller decided on an earlier state than the present one; nothing was written."""


class Unavailable(AuthzError):
    """No decision can be made now, and nothing was written: the caller may try again."""


class PolicyUnavailable(Unavailable):
    """No valid policy is loaded."""


class StoreUnavailable(Unavailable):
    """The database did not answer, or refused."""


class Crowded(Unavailable):
    """As many changes are under way as may, so that decisions do not wait for them."""


class StoreBehind(Unavailable):
    """The store has not come to the revision that the caller demands."""


class LogUnavailable(Unavailable):
    """The decision log could not be written, so no decision may be given."""


class SignInUnavailable(Unavailable):
    """GOV.BR's keys cannot be had now, or as many sign-ins wait for GOV.BR as may."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """
    One thing wrong in a policy file.

    Attributes:
        file: the file's path inside the policy folder.
        line: 1-based; 0 where the file as a whole is meant.
        column: 1-based; 0 where the line as a whole is meant.
        message: what is wrong.
        check: the stable code of what found it, such as ``unknown-fact``, for programs.
        remedy: what to do about it, one short sentence; empty where nobody can say.
    """

    file: str
    line: int
    column: int
    message: str
    check: str = "policy"
    remedy: str = ""

    def __str__(self) -> str:
        said = f"{self.message}; {self.remedy}" if self.remedy else self.message
        return f"{self.file}:{self.line}:{self.column}: {said}"


class PolicyInvalid(AuthzError):
    """
    Policy files that cannot become a policy.

    Attributes:
        problems: every problem found, in the order of files and lines.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class SettingsInvalid(AuthzError):
    """
    Settings that cannot be used.

    Attributes:
        problems: one sentence for each setting that is wrong.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
