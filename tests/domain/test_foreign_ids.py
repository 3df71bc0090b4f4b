"""Numbers of foreign companies, and logins: what can be read, what cannot, what is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Cnpj, Cpf, ForeignId, Login, parse_company
from tests.domain.document import COMPANY, MEMBER

NUMBERS = st.integers(min_value=0, max_value=9_999_999)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "EX00000000"),
        (1, "EX00000018"),
        (123, "EX00001230"),
        (9_999_999, "EX99999997"),
        (2_739_871, "EX27398718"),
        (5_000_000, "EX50000009"),
    ],
)
def test_a_number_has_the_check_digit_of_luhn(number: int, expected: str) -> None:
    """Worked out by hand, from the right: double every second digit, add up, complete to ten."""
    assert expected == ForeignId.of_number(number).value


@given(NUMBERS)
def test_a_number_is_read_in_every_written_form(number: int) -> None:
    """Raw or with hyphens, in any case, with spaces around it."""
    made = ForeignId.of_number(number)
    for text in (made.value, made.formatted, made.value.lower(), f"\t{made.formatted} "):
        assert made == ForeignId.parse(text)
        assert made == parse_company(text)


@given(NUMBERS, st.integers(0, 7), st.integers(1, 9))
def test_one_mistyped_digit_is_nobodys_number(number: int, place: int, step: int) -> None:
    """Luhn's digit finds each of them, the check digit itself included."""
    digits = ForeignId.of_number(number).value[2:]
    wrong = str((int(digits[place]) + step) % 10)
    with pytest.raises(InvalidInput, match=r"^empresa: must be a number with a valid check digit$"):
        ForeignId.parse(f"EX{digits[:place]}{wrong}{digits[place + 1 :]}")


@given(NUMBERS, st.integers(0, 6))
def test_two_neighbours_that_change_places_are_found_but_for_zero_and_nine(
    number: int, place: int
) -> None:
    """What Luhn's digit is known not to see."""
    digits = ForeignId.of_number(number).value[2:]
    pair = digits[place : place + 2]
    swapped = f"EX{digits[:place]}{pair[::-1]}{digits[place + 2 :]}"
    if pair[0] == pair[1] or set(pair) == {"0", "9"}:
        assert swapped == ForeignId.parse(swapped).value
    else:
        with pytest.raises(InvalidInput):
            ForeignId.parse(swapped)


@pytest.mark.parametrize(
    "value",
    [
        *("", "EX", "00001230", "EX0001230", "EX000001230", "EX.0000123.0", "EX-00001-230"),
        *("BR00001230", "EX0000123x", "EX 00001230", "EX٠٠٠٠١٢٣٠", "EX00001230\x00"),
        *("ⅇX00001230", COMPANY.value),
    ],
)
def test_what_is_not_written_as_a_number_is_refused(value: str) -> None:
    """Another length, other signs, or no number of a foreign company at all."""
    with pytest.raises(InvalidInput) as caught:
        ForeignId.parse(value, "company")
    assert "company" == caught.value.field
    assert len(value) < 3 or value not in str(caught.value)


@pytest.mark.parametrize("value", [None, 1230, True, b"EX00001230", ["EX00001230"]])
@pytest.mark.parametrize("parse", [ForeignId.parse, parse_company, Login.parse])
def test_only_a_string_is_read(parse: object, value: object) -> None:
    """A number is no text, and nothing is converted."""
    assert callable(parse)
    with pytest.raises(InvalidInput, match="must be a string"):
        parse(value)


def test_a_number_is_public_and_shows_itself() -> None:
    """In records and messages."""
    one = ForeignId.of_number(123)
    assert ("EX00001230", "ForeignId(EX00001230)") == (str(one), repr(one))
    assert "EX-0000123-0" == one.formatted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("52.420.282/0001-80", COMPANY),
        ("ex-0000123-0", ForeignId("EX00001230")),
        # A CNPJ may begin with any letters since July 2026.
        ("EX123456000134", Cnpj("EX123456000134")),
        ("ex.123.456/0001-34", Cnpj("EX123456000134")),
        ("EX00001230001", None),
        ("EX123456000135", None),
        ("EX00001231", None),
        ("EX-0000123-00", None),
        ("72268402517", None),
        ("", None),
    ],
)
def test_a_company_is_of_one_kind(text: str, expected: Cnpj | ForeignId | None) -> None:
    """The two look different, so that no text is taken for the other kind."""
    if expected is not None:
        assert expected == parse_company(text)
        return
    with pytest.raises(InvalidInput) as caught:
        parse_company(text, "properties.company")
    assert "properties.company" == caught.value.field


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("EX0000123", "foreign company's number"), ("524202820001", "CNPJ of fourteen characters")],
)
def test_the_error_speaks_of_the_kind_that_was_meant(text: str, wanted: str) -> None:
    """Whoever mistypes a number is not told of the other kind."""
    with pytest.raises(InvalidInput, match=wanted):
        parse_company(text)


# Logins


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "anna.schmidt",
        "Anna Schmidt",
        "a@b.example",
        "é" * 128,
        "測試",
        "o'brien",
        "EX00001230",
    ],
)
def test_a_login_is_what_orquestra_sends(value: str) -> None:
    """No sign is changed and no case is folded: logins that differ are different people."""
    assert value == Login.parse(value).value


def test_a_login_is_one_however_its_accents_are_stored() -> None:
    """A composed and a decomposed letter look the same, and are the same."""
    assert Login("José") == Login.parse("Jose\u0301")
    assert Login("jose") != Login.parse("José")


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", " anna", "anna ", "\tanna", "an\nna", "a\x00b", "a\u200bb", "a\u202eb"),
        *("\ud800", "x" * 129, "\u00a0x"),
    ],
)
def test_what_cannot_be_seen_is_no_login(value: str) -> None:
    """Two logins that look the same would be two people whom nobody tells apart."""
    with pytest.raises(InvalidInput) as caught:
        Login.parse(value, "representatives.0")
    assert "representatives.0" == caught.value.field


@pytest.mark.parametrize("form", ["{}", "cpf-{}", "{}@inmetro"])
def test_a_login_holds_no_cpf(form: str) -> None:
    """Who has a CPF signs in at GOV.BR, and a CPF under another name would escape an erasure."""
    with pytest.raises(InvalidInput, match=r"^login: must not hold a CPF$"):
        Login.parse(form.format(MEMBER.digits))


def test_a_login_never_shows_itself() -> None:
    """It is personal data, as a CPF is, and says nothing of its length either."""
    for text in ("anna.schmidt", "b"):
        assert ("***", "Login(***)") == (str(Login(text)), repr(Login(text)))
    assert Login("a") < Login("b")


def test_kinds_of_identifiers_are_never_equal() -> None:
    """The same text as a CPF, a CNPJ, a number or a login is four things."""
    assert 4 == len({Cpf("x"), Cnpj("x"), ForeignId("x"), Login("x")})
