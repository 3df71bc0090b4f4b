"""The error tree: what an error carries, and which family it belongs to."""

from __future__ import annotations

import pytest

from authz_service.domain import errors
from authz_service.domain.errors import (
    ActRefused,
    AmbiguousProcess,
    AuthzError,
    CallerForbidden,
    CallerUnknown,
    Conflict,
    InvalidInput,
    LogUnavailable,
    NotFound,
    PolicyInvalid,
    PolicyUnavailable,
    Problem,
    Refusal,
    SettingsInvalid,
    StoreUnavailable,
    Unavailable,
)

FAMILIES = {
    InvalidInput: AuthzError,
    AmbiguousProcess: InvalidInput,
    CallerUnknown: AuthzError,
    CallerForbidden: AuthzError,
    ActRefused: AuthzError,
    NotFound: AuthzError,
    Conflict: AuthzError,
    Unavailable: AuthzError,
    PolicyUnavailable: Unavailable,
    StoreUnavailable: Unavailable,
    LogUnavailable: Unavailable,
    PolicyInvalid: AuthzError,
    SettingsInvalid: AuthzError,
}


@pytest.mark.parametrize(("error", "family"), FAMILIES.items())
def test_the_tree_is_the_one_that_is_drawn(
    error: type[AuthzError], family: type[AuthzError]
) -> None:
    """Doors answer by family, so that an error belongs to exactly the one it is drawn under."""
    assert (family,) == error.__bases__
    assert error.__name__ in (errors.__doc__ or "")


def test_no_error_stands_outside_the_tree() -> None:
    """Every error of the module is drawn and belongs to ``AuthzError``."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found = {kind for kind in kinds if issubclass(kind, Exception)}
    assert {AuthzError, *FAMILIES} == found


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
