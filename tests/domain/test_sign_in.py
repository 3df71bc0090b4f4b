"""A sign-in: what its methods mean, when it counts, and what it never shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.errors import InvalidInput
from authz_service.domain.sign_in import (
    Certificate,
    Companies,
    Level,
    Method,
    SignIn,
    Token,
    Verified,
    certificate_of,
    method_of,
    second_factor_in,
)
from tests.domain.document import COMPANY, MEMBER
from tests.fakes.clock import NOON

TICK = timedelta(microseconds=1)
NAIVE = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 - the missing zone is what is tested

HANDLE, DIGEST = "the-handle-of-this-sign-in", "d1" * 32
SIGN_IN = SignIn(
    id="5" * 32,
    handle=HANDLE,
    digest=DIGEST,
    client="orquestra",
    person=MEMBER,
    methods=("x509", "x509_token"),
    level=Level.GOLD,
    certificate_company=COMPANY,
    agent=False,
    authenticated_at=NOON - timedelta(hours=1),
    began_at=NOON,
    ends_at=NOON + timedelta(hours=1),
    companies=Companies.OBSERVED,
)
VERIFIED = Verified(
    person=MEMBER,
    digest=DIGEST,
    methods=("passwd",),
    level=None,
    certificate_company=None,
    agent=False,
    authenticated_at=None,
    ends_at=NOON,
)


# Methods: every value of the technical manual, "Passo 9"

BANKS = (
    "bank001",
    "bank121",
    "bank070",
    "bank041",
    "bank237",
    "bank104",
    "bank341",
    "bank389",
    "bank033",
    "bank756",
    "bank748",
)
CLOUDS = (
    "x509_neoid",
    "x509_safeid",
    "x509_birdid",
    "x509_serasa",
    "x509_vidaas",
    "x509_remoteid",
)
MEANINGS: dict[str, tuple[Method, Certificate | None, bool]] = {
    "passwd": (Method.PASSWORD, None, False),
    "captcha": (Method.OTHER, None, False),
    "x509": (Method.CERTIFICATE, Certificate.UNSPECIFIED, False),
    "x509_token": (Method.CERTIFICATE, Certificate.DEVICE, False),
    **dict.fromkeys(CLOUDS, (Method.CERTIFICATE, Certificate.CLOUD, False)),
    "bank": (Method.BANK, None, False),
    **dict.fromkeys(BANKS, (Method.BANK, None, False)),
    "app": (Method.APP, None, False),
    "app_qrcode": (Method.APP, None, False),
    "mfa": (Method.OTHER, None, True),
    "otp": (Method.OTHER, None, True),
    "otp_offline": (Method.OTHER, None, True),
}
STRANGE = (
    "",
    " ",
    "X509",
    " x509",
    "x509\n",
    "x509token",
    "x509-token",
    "x5090",
    "x50",
    "pf_x509",
    "certificate",
    "device",
    "Bank",
    "bank1",
    "bank01",
    "bank0001",
    "bank001\n",
    "bank001x",
    "bank_001",
    "bank\u0660\u0660\u0661",
    "nubank",
    "App",
    "apps",
    "app_qrcode2",
    "app_",
    "PASSWD",
    "passwd2",
    "password",
    "facial",
    "webauthn",
    "MFA",
    "mfa2",
    "otp_online",
    "2fa",
)


def meaning(methods: Iterable[str]) -> tuple[Method, Certificate | None, bool]:
    """Give all that is read out of the methods of a token."""
    listed = list(methods)
    return (
        method_of(iter(listed)),
        certificate_of(iter(listed)),
        second_factor_in(iter(listed)),
    )


@pytest.mark.parametrize(("value", "expected"), MEANINGS.items(), ids=MEANINGS)
def test_each_documented_method_means_what_the_manual_says(
    value: str, expected: tuple[Method, Certificate | None, bool]
) -> None:
    """Way in, kind of certificate and second factor are told apart, one value at a time."""
    assert expected == meaning([value])


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize("known", [(), *((one,) for one in MEANINGS)], ids=str)
def test_an_unknown_method_grants_nothing(known: tuple[str, ...], value: str) -> None:
    """By itself it is none of the ways in, and beside a known one it adds nothing."""
    expected = meaning(known) if known else (Method.OTHER, None, False)
    assert expected == meaning([value, *known]) == meaning([*known, value])


@given(st.lists(st.text(max_size=12)), st.sets(st.sampled_from(sorted(MEANINGS))))
def test_no_text_beside_the_known_methods_makes_a_sign_in_stronger(
    strange: list[str], known: set[str]
) -> None:
    """Whatever GOV.BR will add, only values of the documented forms count."""
    unlike = [one for one in strange if not one.startswith(("x509", "bank"))]
    unlike = [one for one in unlike if one not in MEANINGS]
    assert meaning(known) == meaning([*known, *unlike])


@pytest.mark.parametrize("code", ["bank000", "bank077", "bank999"])
def test_any_code_of_the_central_bank_is_a_bank(code: str) -> None:
    """GOV.BR lets banks in over time; the form names one, and which one no rule reads."""
    assert (Method.BANK, None, False) == meaning([code])


@pytest.mark.parametrize("value", ["x509_", "x509_other", "x509_NEOID", "x509_token2"])
def test_a_certificate_of_a_kind_unknown_here_is_of_no_known_kind(value: str) -> None:
    """A provider that is added tomorrow is a certificate, and neither device nor cloud."""
    assert (Method.CERTIFICATE, Certificate.UNSPECIFIED, False) == meaning([value])
    assert (Method.CERTIFICATE, Certificate.UNSPECIFIED, False) == meaning(["x509", value])


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (("passwd", "captcha", "mfa", "otp_offline"), (Method.PASSWORD, None, True)),
        (("x509", "x509_token"), (Method.CERTIFICATE, Certificate.DEVICE, False)),
        (("x509_token", "x509"), (Method.CERTIFICATE, Certificate.DEVICE, False)),
        (("x509", "x509_vidaas"), (Method.CERTIFICATE, Certificate.CLOUD, False)),
        (("x509_vidaas", "x509_other"), (Method.CERTIFICATE, Certificate.CLOUD, False)),
        (("bank", "bank237", "mfa", "otp"), (Method.BANK, None, True)),
        (("app", "app_qrcode"), (Method.APP, None, False)),
        (("passwd", "passwd"), (Method.PASSWORD, None, False)),
        ((), (Method.OTHER, None, False)),
    ],
    ids=str,
)
def test_the_methods_of_one_token_are_read_together(
    methods: tuple[str, ...], expected: tuple[Method, Certificate | None, bool]
) -> None:
    """A detail says more than the method that it stands beside, in whatever order they come."""
    assert expected == meaning(methods)


def test_the_strongest_method_of_a_token_is_its_method() -> None:
    """Certificate before bank before app before password, in whatever order they are listed."""
    strongest_first = ("x509", "bank001", "app", "passwd", "captcha")
    for count in range(1, len(strongest_first) + 1):
        for some in itertools.combinations(strongest_first, count):
            expected = method_of(some[:1])
            assert {expected} == {method_of(order) for order in itertools.permutations(some)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (Level, {"bronze", "silver", "gold"}),
        (Method, {"certificate", "bank", "app", "password", "other"}),
        (Certificate, {"device", "cloud", "unspecified"}),
        (Companies, {"observed", "partial", "failed", "not_granted", "agent", "off"}),
    ],
)
def test_the_words_are_the_published_ones(words: type[StrEnum], expected: set[str]) -> None:
    """Policies and callers compare these words, so they do not change."""
    assert expected == {one.value for one in words}


# Time


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (SIGN_IN.ends_at - TICK, True),
        (SIGN_IN.ends_at, False),
        (SIGN_IN.ends_at + TICK, False),
        (NOON, True),
        ((SIGN_IN.ends_at - TICK).astimezone(timezone(timedelta(hours=-3))), True),
        (SIGN_IN.ends_at.astimezone(timezone(timedelta(hours=9))), False),
    ],
)
def test_a_sign_in_is_over_at_the_instant_its_token_ends(moment: datetime, expected: bool) -> None:
    """The end itself does not belong to it, in whatever zone the instant is given."""
    assert expected is SIGN_IN.in_force(moment)


@pytest.mark.parametrize("field", ["began_at", "ends_at", "authenticated_at"])
def test_a_sign_in_needs_zones(field: str) -> None:
    """An instant without a zone is refused, with the name of the field."""
    with pytest.raises(InvalidInput, match=f"^{field}: must have a time zone$"):
        replace(SIGN_IN, **{field: NAIVE})  # type: ignore[arg-type]  # a field is a plain name here


@pytest.mark.parametrize("moment", [None, datetime(2026, 11, 20, tzinfo=UTC)])
def test_a_token_need_not_tell_when_the_person_authenticated(moment: datetime | None) -> None:
    """Only an id_token tells, so there may be none."""
    assert moment == replace(SIGN_IN, authenticated_at=moment).authenticated_at


# What is never shown


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, lambda one: repr([one])])
def test_a_token_shows_nothing_of_itself(show: object) -> None:
    """Whichever way it is printed, it says that it is a token and no more."""
    assert callable(show)
    shown = show(Token("header.payload.signature"))
    assert "Token(...)" == shown.strip("[]")


def test_a_token_that_is_compared_in_vain_shows_nothing() -> None:
    """Two tokens are equal by their text, which an error of a comparison does not tell."""
    assert Token("a") == Token("a") != Token("b")
    with pytest.raises(TypeError) as caught:
        sorted([Token("header.payload.signature"), Token("other")])  # type: ignore[type-var]  # that is the error
    assert "payload" not in str(caught.value)


@pytest.mark.parametrize("noun", [SIGN_IN, VERIFIED], ids=["kept", "verified"])
def test_what_a_token_proved_prints_no_secret_and_no_cpf(noun: SignIn | Verified) -> None:
    """Neither handle nor digest nor the digits of a CPF reach a log or a traceback."""
    printed = f"{noun!r} {noun} {[noun]}"
    assert [] == [one for one in (HANDLE, DIGEST, MEMBER.digits) if one in printed]
    assert type(noun).__name__ in printed


def test_a_verified_token_claims_nothing_unless_told() -> None:
    """Without scopes nothing may be asked, and nothing was left out."""
    assert (frozenset(), ()) == (VERIFIED.scopes, VERIFIED.notes)
