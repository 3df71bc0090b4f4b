"""The error tree: what an error carries, and which family it belongs to."""

from __future__ import annotations

import re

import pytest

from authz_service.domain import errors
from authz_service.domain.errors import (
    ActRefused,
    AmbiguousProcess,
    AuthzError,
    CallerForbidden,
    CallerUnknown,
    Conflict,
    Crowded,
    InvalidInput,
    LogUnavailable,
    NotFound,
    PolicyInvalid,
    PolicyUnavailable,
    Problem,
    Refusal,
    SettingsInvalid,
    SignInOff,
    SignInUnavailable,
    Stale,
    StoreBehind,
    StoreUnavailable,
    TokenRefused,
    TooManyRequests,
    Unavailable,
)
from authz_service.domain.sign_in import Cause

FAMILIES = {
    InvalidInput: AuthzError,
    AmbiguousProcess: InvalidInput,
    CallerUnknown: AuthzError,
    CallerForbidden: AuthzError,
    TokenRefused: AuthzError,
    SignInOff: AuthzError,
    ActRefused: AuthzError,
    NotFound: AuthzError,
    Conflict: AuthzError,
    Stale: AuthzError,
    TooManyRequests: AuthzError,
    Unavailable: AuthzError,
    PolicyUnavailable: Unavailable,
    StoreUnavailable: Unavailable,
    Crowded: Unavailable,
    StoreBehind: Unavailable,
    LogUnavailable: Unavailable,
    SignInUnavailable: Unavailable,
    PolicyInvalid: AuthzError,
    SettingsInvalid: AuthzError,
}


def drawing() -> dict[str, str]:
    """Give the parent of each error as the docstring of the module draws it."""
    parents, above = {}, ["AuthzError"]
    for line in (errors.__doc__ or "").splitlines():
        branch = re.match(r" {4}((?:[│ ] {3})*)[├└]── (\w+)", line)
        if branch is not None:
            depth = 1 + len(branch[1]) // 4
            above[depth:] = [branch[2]]
            parents[branch[2]] = above[depth - 1]
    return parents


DRAWN = drawing()


@pytest.mark.parametrize(("error", "family"), FAMILIES.items())
def test_the_tree_is_the_one_that_is_drawn(
    error: type[AuthzError], family: type[AuthzError]
) -> None:
    """Doors answer by family, so that an error belongs to exactly the one it is drawn under."""
    assert (family,) == error.__bases__
    assert family.__name__ == DRAWN[error.__name__]


def test_no_error_stands_outside_the_tree() -> None:
    """Every error of the module is drawn and belongs to ``AuthzError``."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found = {kind for kind in kinds if issubclass(kind, Exception)}
    assert {AuthzError, *FAMILIES} == found
    assert {error.__name__ for error in FAMILIES} == set(DRAWN)


def test_an_error_says_what_it_is_about() -> None:
    """Each error that carries something shows it in its text and keeps it in its attributes."""
    invalid = InvalidInput("subject.id", "must be a string")
    assert "subject.id: must be a string" == str(invalid)
    assert ("subject.id", "must be a string") == (invalid.field, invalid.message)

    ambiguous = AmbiguousProcess("processo", ["P061 - A v.1", "P061 - B v.2"])
    listed = "names more than one process, say which: P061 - A v.1; P061 - B v.2"
    assert f"processo: {listed}" == str(ambiguous)
    assert ("processo", listed) == (ambiguous.field, ambiguous.message)
    assert ("P061 - A v.1", "P061 - B v.2") == ambiguous.candidates

    forbidden = CallerForbidden("metrics")
    assert ("the key lacks the scope `metrics`", "metrics") == (str(forbidden), forbidden.scope)

    settings = SettingsInvalid(["a is wrong", "b is missing"])
    assert ("a is wrong", "b is missing") == settings.problems
    assert "a is wrong; b is missing" == str(settings)


@pytest.mark.parametrize("token", ["access_token", "id_token"])
@pytest.mark.parametrize("cause", Cause)
def test_a_refused_token_says_which_and_why(cause: Cause, token: str) -> None:
    """The cause is for the metric, the text for people; neither needs what the token holds."""
    refused = TokenRefused(cause, "it has ended", token)
    assert (cause, token) == (refused.cause, refused.token)
    assert f"the {token} is refused: it has ended" == str(refused)


def test_a_token_is_the_access_token_unless_told() -> None:
    """It is the one that every sign-in brings."""
    assert "access_token" == TokenRefused(Cause.EXPIRED, "it has ended").token


def test_sign_in_that_is_off_says_so() -> None:
    """Whoever reads the error knows that no token would do."""
    assert "sign-in is off: no GOV.BR is configured here" == str(SignInOff())


def test_a_refused_act_keeps_every_refusal_and_tells_none_in_its_text() -> None:
    """The text may end in a log; who acted reads the refusals."""
    refusal = Refusal("P001 - X v.3", ("no-permit",), "Não é permitido")
    refused = ActRefused([refusal])
    assert (refusal,) == refused.refusals
    assert "the policy does not allow this act" == str(refused)


def test_problems_of_a_policy_are_listed_with_their_places() -> None:
    """File, line and column stand before each message, as editors read them."""
    problems = [Problem("a.polar", 3, 7, "unknown fact"), Problem("a.polar", 1, 0, "no reason")]
    invalid = PolicyInvalid(problems)
    assert "a.polar:3:7: unknown fact; a.polar:1:0: no reason" == str(invalid)
    assert tuple(problems) == invalid.problems
    assert ["no reason", "unknown fact"] == [one.message for one in sorted(problems)]


def test_too_many_requests_tell_when_to_come_again() -> None:
    """Whoever is refused for a limit is told how long to wait."""
    error = TooManyRequests("a client may send 5 requests a minute", 7)
    assert ("a client may send 5 requests a minute; try again later", 7) == (
        str(error),
        error.seconds,
    )
