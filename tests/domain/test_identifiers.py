"""CPF, CNPJ and process ids: what can be read, what cannot, and what is told about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import ERASED, Cnpj, Cpf, ProcessId, without_cpf

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CPF_WEIGHTS = ((10, 9, 8, 7, 6, 5, 4, 3, 2), (11, 10, 9, 8, 7, 6, 5, 4, 3, 2))
CNPJ_WEIGHTS = ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))

VALID_CPFS = (
    "11144477735",
    "52998224725",
    "12345678909",
    "00000000191",
    "99887766593",
    "72268402517",
    "18762794604",
)
VALID_CNPJS = (
    "52420282000180",
    "12ABC34501DE35",
    "AA345678000A29",
    "12ABC345000188",
    "12345678000A08",
    "AA345678000114",
    "A1B2C3D4E5F668",
    "5242028200AB06",
    "ZZZZZZZZZZZZ62",
    "12345678000195",
    "11222333000181",
    "00000000000191",
    "52420282000260",
    # Modulo 11 holds; that such bases are never issued is said by third parties only.
    "11111111000191",
)


def with_check_digits(base: str, weights: tuple[tuple[int, ...], tuple[int, ...]]) -> str:
    """Complete *base* by the rule as Receita Federal prints it: one table of weights each."""
    for row in weights:
        values = [ord(character) - 48 for character in base]
        rest = sum(value * weight for value, weight in zip(values, row, strict=True)) % 11
        base += "0" if rest < 2 else str(11 - rest)
    return base


def mask_cpf(raw: str) -> str:
    """Give the punctuated form."""
    return f"{raw[:3]}.{raw[3:6]}.{raw[6:9]}-{raw[9:]}"


def mask_cnpj(raw: str) -> str:
    """Give the punctuated form."""
    return f"{raw[:2]}.{raw[2:5]}.{raw[5:8]}/{raw[8:12]}-{raw[12:]}"


def replaced(text: str, position: int, character: str) -> str:
    """Give *text* with another character at *position*."""
    return text[:position] + character + text[position + 1 :]


def unequal(text: str) -> bool:
    """Tell whether *text* has more than one character."""
    return len(set(text)) > 1


cpf_bases = st.text("0123456789", min_size=9, max_size=9).filter(unequal)
cnpj_bases = st.text(CHARACTERS, min_size=12, max_size=12).filter(unequal)


def refusal(parse: Callable[[object], object], value: object) -> InvalidInput:
    """Give the error with which *value* is refused."""
    with pytest.raises(InvalidInput) as caught:
        parse(value)
    return caught.value


# CPF


@pytest.mark.parametrize("raw", VALID_CPFS)
@pytest.mark.parametrize("form", ["{}", " {}\t", "\r\n{}\n"])
def test_a_cpf_is_read_raw_and_masked_to_the_same_digits(raw: str, form: str) -> None:
    """A CPF means the same with and without its punctuation, and with spaces around it."""
    assert raw == Cpf.parse(form.format(raw)).digits
    assert Cpf(raw) == Cpf.parse(form.format(mask_cpf(raw)))


@given(base=cpf_bases)
@settings(deadline=None)
def test_every_cpf_with_right_check_digits_is_read(base: str) -> None:
    """The check digits are those of the published weights, whatever the nine digits are."""
    raw = with_check_digits(base, CPF_WEIGHTS)
    assert raw == Cpf.parse(raw).digits


@given(base=cpf_bases, wrong=st.integers(1, 9))
@settings(deadline=None)
def test_a_cpf_with_a_wrong_first_check_digit_is_refused(base: str, wrong: int) -> None:
    """The first check digit is judged by itself, also where the second agrees with it."""
    first, second = CPF_WEIGHTS
    right = with_check_digits(base, CPF_WEIGHTS)[9]
    changed = base + str((int(right) + wrong) % 10)
    values = [int(digit) for digit in changed]
    rest = sum(value * weight for value, weight in zip(values, second, strict=True)) % 11
    raw = changed + ("0" if rest < 2 else str(11 - rest))
    assert len(first) + 2 == len(raw)
    assert "must be a CPF with valid check digits" == refusal(Cpf.parse, raw).message


@given(base=cpf_bases, wrong=st.integers(1, 9))
@settings(deadline=None)
def test_a_cpf_with_a_wrong_second_check_digit_is_refused(base: str, wrong: int) -> None:
    """The second check digit is judged by itself."""
    right = with_check_digits(base, CPF_WEIGHTS)
    raw = right[:10] + str((int(right[10]) + wrong) % 10)
    assert "must be a CPF with valid check digits" == refusal(Cpf.parse, raw).message


@given(base=cpf_bases, position=st.integers(0, 10), step=st.integers(1, 9))
@settings(deadline=None)
def test_one_wrong_digit_in_a_cpf_passes_only_where_modulo_11_is_blind(
    base: str, position: int, step: int
) -> None:
    """
    Remainders 0 and 1 share the check digit 0; any other slip of one digit is refused.

    So a slip can pass only where the first check digit is 0 before and after it. The second
    is not asked about the first digit, whose weight there is 11; else it is 0 as well.
    """
    raw = with_check_digits(base, CPF_WEIGHTS)
    slip = replaced(raw, position, str((int(raw[position]) + step) % 10))
    blind = position < 9 and raw[9] == "0" and (position == 0 or raw[10] == "0")
    if blind and with_check_digits(slip[:9], CPF_WEIGHTS) == slip and unequal(slip):
        assert slip == Cpf.parse(slip).digits
    else:
        assert refusal(Cpf.parse, slip).message.startswith("must be a CPF")


@pytest.mark.parametrize(
    ("one", "other"),
    [("10000000604", "00000000604"), ("10000006300", "10000206300")],
    ids=["in the first digit", "in a later digit"],
)
def test_two_right_cpfs_may_differ_in_one_digit(one: str, other: str) -> None:
    """Both are read, so right check digits never prove that the right person was meant."""
    assert 1 == sum(a != b for a, b in zip(one, other, strict=True))
    assert {one, other} == {Cpf.parse(one).digits, Cpf.parse(other).digits}


@pytest.mark.parametrize("digit", "0123456789")
def test_one_digit_eleven_times_is_no_cpf(digit: str) -> None:
    """The ten numbers of equal digits pass modulo 11, are never issued, and are refused."""
    assert digit * 11 == with_check_digits(digit * 9, CPF_WEIGHTS)
    assert "must be a CPF, not one digit repeated" == refusal(Cpf.parse, digit * 11).message


@pytest.mark.parametrize(
    "value",
    [
        "12345678900",  # the document's own sample
        "",
        " ",
        "1876279460",
        "187627946040",
        "0018762794604",
        "187.627.946/04",
        "187-627-946.04",
        "187 627 946 04",
        "187.627.946--04",
        "187..627.946-04",
        ".187627.946-04",
        "18762794604.",
        "1876279460A",
        "187627\n94604",
        "18762794604\x00",
        "\x0018762794604",
        "187627\x0094604",
        "18762794604\x0b",
        "+18762794604",
        "-18762794604",
        "1.8762794604e10",
        "1_8762794604",
        "***.627.946-**",
        "52420282000180",
        "\u0661\u0668\u0667\u0666\u0662\u0667\u0669\u0664\u0666\u0660\u0664",  # Arabic-Indic
        "\uff11\uff18\uff17\uff16\uff12\uff17\uff19\uff14\uff16\uff10\uff14",  # fullwidth
        "1876279460\u0664",
        "\u00a018762794604",  # no-break space
        "18762794604\u200b",  # zero-width space
        "187\u2024627\u2024946-04",  # one dot leaders
        "187.627.946\u201004",  # a typographic hyphen
        "1876279460\u00b2",
        "1876279460\ud800",
    ],
)
def test_what_is_not_written_as_a_cpf_is_refused(value: str) -> None:
    """Only eleven ASCII digits with the usual punctuation are a CPF; nothing is guessed."""
    error = refusal(Cpf.parse, value)
    assert "cpf" == error.field


@pytest.mark.parametrize(
    "value", [18762794604, 18762794604.0, True, None, b"18762794604", ["18762794604"], {}, Cpf]
)
@pytest.mark.parametrize("parse", [Cpf.parse, Cnpj.parse, ProcessId.parse])
def test_only_a_string_is_an_identifier(parse: Callable[[object], object], value: object) -> None:
    """A number loses leading zeros, and nothing else is turned into text on the quiet."""
    assert "must be a string" == refusal(parse, value).message


class Renamed(str):
    """A string that prints as something else."""

    __slots__ = ()

    def __str__(self) -> str:
        """Give another text than the value."""
        return "99887766593"


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (lambda value: Cpf.parse(value).digits, "18762794604"),
        (lambda value: Cnpj.parse(value).value, "52420282000180"),
        (lambda value: ProcessId.parse(value).value, "p001"),
    ],
)
def test_a_kind_of_string_counts_by_its_characters(parse: Callable[[str], str], raw: str) -> None:
    """What is kept is a plain string, so that nobody's own class travels on inside a value."""
    kept = parse(Renamed(raw))
    assert raw == kept
    assert str is type(kept)


def test_a_cpf_never_shows_itself() -> None:
    """Printing hides what identifies: the first three digits and the check digits."""
    cpf = Cpf.parse("18762794604")
    assert "Cpf(***.627.946-**)" == repr(cpf)
    assert "***.627.946-**" == str(cpf) == cpf.masked == f"{cpf}"
    assert "[Cpf(***.627.946-**)]" == f"{[cpf]}"


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (Cpf.parse, "187.627.946-05"),
        (Cpf.parse, "18762794605"),
        (Cpf.parse, "88888888888"),
        (Cpf.parse, "18762794604x"),
        (Cpf.parse, "18762794604\uff14"),
        (Cnpj.parse, "18762794604"),
        (Cnpj.parse, "52420282000181"),
        (ProcessId.parse, "187.627.946-04"),
        (ProcessId.parse, "cpf 18762794604"),
    ],
)
def test_an_error_does_not_repeat_what_was_sent(
    parse: Callable[[object], object], value: str
) -> None:
    """What was sent may be a mistyped CPF, so no part of it is in the text or the arguments."""
    error = refusal(parse, value)
    said = f"{error} {error!r} {error.args} {error.__cause__!r} {error.__context__!r}"
    assert not [start for start in range(len(value) - 3) if value[start : start + 4] in said]


@pytest.mark.parametrize("parse", [Cpf.parse, Cnpj.parse, ProcessId.parse])
@pytest.mark.parametrize("value", ["?", "\u0661", None])
def test_an_error_names_the_field_that_the_caller_wrote(
    parse: Callable[[object, str], object], value: object
) -> None:
    """The dotted name that comes with the value stands in the error."""
    with pytest.raises(InvalidInput, match=r"^subject\.id: must ") as caught:
        parse(value, "subject.id")
    assert "subject.id" == caught.value.field


@pytest.mark.parametrize("form", [str, mask_cpf])
def test_who_was_erased_is_nobody_that_could_be_sent(form: Callable[[str], str]) -> None:
    """The number in the place of an erased person cannot be read, so no question means it."""
    error = refusal(Cpf.parse, form(ERASED.digits))
    assert "must be a CPF, not one digit repeated" == error.message


def test_who_was_erased_is_hidden_like_anybody() -> None:
    """No reader of a text can tell an erased person from another one."""
    assert "Cpf(***.000.000-**)" == repr(ERASED)
    assert "por [cpf]" == without_cpf(f"por {ERASED.digits}")


# CNPJ


@pytest.mark.parametrize("raw", VALID_CNPJS)
@pytest.mark.parametrize("form", [str, str.lower, mask_cnpj, lambda raw: f" {mask_cnpj(raw)}\r\n"])
def test_a_cnpj_is_read_in_every_written_form(raw: str, form: Callable[[str], str]) -> None:
    """A CNPJ means the same raw, punctuated, in small letters and with spaces around it."""
    assert raw == Cnpj.parse(form(raw)).value


@given(base=cnpj_bases)
@settings(deadline=None)
def test_every_cnpj_with_right_check_digits_is_read(base: str) -> None:
    """All letters may occur, I, O, Q and U among them, and count as their ASCII code less 48."""
    raw = with_check_digits(base, CNPJ_WEIGHTS)
    cnpj = Cnpj.parse(mask_cnpj(raw))
    assert raw == cnpj.value
    assert raw[:8] == cnpj.root
    assert mask_cnpj(raw) == cnpj.formatted


@given(base=cnpj_bases, wrong=st.integers(1, 9))
@settings(deadline=None)
def test_a_cnpj_with_a_wrong_first_check_digit_is_refused(base: str, wrong: int) -> None:
    """The first check digit is judged by itself, also where the second agrees with it."""
    right = with_check_digits(base, CNPJ_WEIGHTS)[12]
    changed = base + str((int(right) + wrong) % 10)
    values = [ord(character) - 48 for character in changed]
    rest = sum(a * b for a, b in zip(values, CNPJ_WEIGHTS[1], strict=True)) % 11
    raw = changed + ("0" if rest < 2 else str(11 - rest))
    assert "must be a CNPJ with valid check digits" == refusal(Cnpj.parse, raw).message


@given(base=cnpj_bases, wrong=st.integers(1, 9))
@settings(deadline=None)
def test_a_cnpj_with_a_wrong_second_check_digit_is_refused(base: str, wrong: int) -> None:
    """The second check digit is judged by itself."""
    right = with_check_digits(base, CNPJ_WEIGHTS)
    raw = right[:13] + str((int(right[13]) + wrong) % 10)
    assert "must be a CNPJ with valid check digits" == refusal(Cnpj.parse, raw).message


@given(base=cnpj_bases, position=st.integers(0, 11), other=st.sampled_from(CHARACTERS))
@settings(deadline=None)
def test_one_wrong_character_in_a_cnpj_passes_only_where_modulo_11_is_blind(
    base: str, position: int, other: str
) -> None:
    """
    A slip passes between characters of the same remainder, such as 6 and A, or where 0 hides it.

    Remainders 0 and 1 share the check digit 0, so both check digits have to be 0 for the latter.
    """
    raw = with_check_digits(base, CNPJ_WEIGHTS)
    slip = replaced(raw, position, other)
    alike = (ord(other) - ord(raw[position])) % 11 == 0
    if not unequal(slip[:12]):
        return
    if alike:
        assert slip == Cnpj.parse(slip).value
    elif raw[12:] != "00":
        refusal(Cnpj.parse, slip)


def test_modulo_11_does_not_tell_the_letter_a_from_the_digit_6() -> None:
    """Alphanumeric check digits miss some slips, so a CNPJ is compared whole, never by them."""
    digits, letters = Cnpj.parse("62345678000163"), Cnpj.parse("A2345678000163")
    assert digits != letters


@pytest.mark.parametrize(
    "value",
    [
        "52420282000181",
        "52420282000190",
        "12ABC34501DE36",
        "12ABC34501DE45",
        "12ABC34501DEA5",  # check digits are numeric
        "12ABC34501DE3A",
        "12abc34501dé35",
        "",
        "5242028200018",
        "524202820001800",
        "052420282000180",
        "52.420.282-0001/80",
        "52 420 282 0001 80",
        "52.420.282/0001--80",
        "52_420_282/0001-80",
        "5242028200\n0180",
        "52420282000180\x00",
        "\x0052420282000180",
        "\u0665\u0662\u0664\u0662\u0660\u0662\u0668\u0662\u0660\u0660\u0660\u0661\u0668\u0660",
        "\uff15\uff12\uff14\uff12\uff10\uff12\uff18\uff12\uff10\uff10\uff10\uff11\uff18\uff10",
        "5242028200018\u0660",
        "\uff2112ABC34501DE",
        "18762794604",
    ],
)
def test_what_is_not_written_as_a_cnpj_is_refused(value: str) -> None:
    """Only twelve ASCII letters or digits and two check digits are a CNPJ."""
    error = refusal(Cnpj.parse, value)
    assert "cnpj" == error.field


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("\u0131\u0131222333000{}", "II222333000"),  # dotless i
        ("\ufb0112345678{}", "FI12345678"),  # one character, two capitals
        ("\u00df12345678{}", "SS12345678"),
        ("\ufb00\ufb0212345678{}", "FFFL12345678"),
        ("\u017f1234567800{}", "S1234567800"),  # long s
    ],
)
def test_letters_that_only_become_ascii_in_capitals_are_refused(value: str, raw: str) -> None:
    """No foreign letter passes for an ASCII one, though `upper` would turn it into one."""
    complete = with_check_digits(raw.ljust(12, "1"), CNPJ_WEIGHTS)
    foreign = value.format(complete[len(raw) :])
    assert complete == foreign.upper()
    assert "must hold ASCII characters only" == refusal(Cnpj.parse, foreign).message


def test_fourteen_zeros_are_no_cnpj() -> None:
    """Zeros pass modulo 11 and are refused all the same."""
    assert "0" * 14 == with_check_digits("0" * 12, CNPJ_WEIGHTS)
    error = refusal(Cnpj.parse, "00.000.000/0000-00")
    assert "must be a CNPJ, not one character repeated" == error.message


def test_a_cnpj_is_public_and_shows_itself() -> None:
    """A CNPJ may be printed, raw for machines and punctuated for people."""
    cnpj = Cnpj.parse("12.abc.345/01de-35")
    assert "Cnpj(12ABC34501DE35)" == repr(cnpj)
    assert "12ABC34501DE35" == str(cnpj)
    assert "12.ABC.345/01DE-35" == cnpj.formatted
    assert "12ABC345" == cnpj.root


def test_cnpjs_sort_as_text() -> None:
    """Letters come after digits, as in a column of text."""
    raws = ["ZZZZZZZZZZZZ62", "12345678000195", "12ABC34501DE35"]
    found = sorted(Cnpj.parse(raw) for raw in raws)
    assert ["12345678000195", "12ABC34501DE35", "ZZZZZZZZZZZZ62"] == [one.value for one in found]


# Process ids


@pytest.mark.parametrize("value", ["p", "1", "p061-registro", "a--b", "0-0", "a" * 64, " p001\n"])
def test_a_process_id_is_small_letters_digits_and_inner_hyphens(value: str) -> None:
    """An id of 1 to 64 such characters is taken as it is, spaces around it apart."""
    identity = ProcessId.parse(value)
    assert value.strip() == identity.value == str(identity)
    assert f"ProcessId({value.strip()})" == repr(identity)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "-",
        "-a",
        "a-",
        "P001",
        "p 1",
        "p_1",
        "p.1",
        "a" * 65,
        "a\x00",
        "a\nb",
        "ação",
        "a٣",
    ],
)
def test_anything_else_is_no_process_id(value: str) -> None:
    """An id that would not survive a URL or a file name is refused."""
    error = refusal(ProcessId.parse, value)
    assert "id" == error.field
