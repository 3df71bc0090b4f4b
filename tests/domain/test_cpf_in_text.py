"""CPFs inside texts that a log is to keep: found, replaced, and nothing else with them."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_service.domain.identifiers import without_cpf
from tests.domain.test_identifiers import CPF_WEIGHTS, cpf_bases, mask_cpf, with_check_digits
from tests.effort import Looked, calls


@pytest.mark.parametrize("cpf", ["18762794604", "187.627.946-04", "***.627.946-**"])
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "CPF {}",
        "CPF:{}.",
        "({})",
        "{} e {}",
        "x_{}_y",
        "{}\n{}",
        "cpf={}&b=1",
        "José {}, sócio",
        "{}/{}",
        "é{}é",
        "\x00{}",
        "-{}-",
    ],
)
def test_a_cpf_is_taken_out_of_a_text(text: str, cpf: str) -> None:
    """Raw, punctuated and masked CPFs are replaced wherever they stand alone in a text."""
    expected = text.replace("{}", "[cpf]")
    assert expected == without_cpf(text.replace("{}", cpf))


@pytest.mark.parametrize(
    "text",
    [
        "CPF18762794604",
        "cpf18762794604",
        "solicitante18762794604",
        "*18762794604*",
        "18762794604X",
        "é18762794604é",
        "187.627.946-04a",
        "a***.627.946-**b",
    ],
)
def test_a_cpf_that_is_glued_to_a_word_is_taken_out(text: str) -> None:
    """A letter beside it does not hide a number that is somebody's."""
    assert "627" not in without_cpf(text)


@pytest.mark.parametrize(
    "cpf",
    [
        "187.627.946.04",
        "187 627 946 04",
        "187.627.946\u201304",
        "***.627.946-04",
        "187-627-946-04",
        "187/627/946/04",
        "187.627.946--04",
        "187  627  946  04",
        "187\u00a0627\u00a0946\u201104",
        "\uff11\uff18\uff17\uff16\uff12\uff17\uff19\uff14\uff16\uff10\uff14",
        "\u0661\u0668\u0667\u0666\u0662\u0667\u0669\u0664\u0666\u0660\u0664",
    ],
)
def test_other_punctuation_is_seen_through(cpf: str) -> None:
    """Other signs between the groups, digits of other scripts, or half a mask are no disguise."""
    assert "P001 [cpf]" == without_cpf(f"P001 {cpf}")


@pytest.mark.parametrize("cpf", ["187627946-04", "187.62794604", "187.627.94604", "99999999999"])
def test_half_punctuated_and_impossible_cpfs_are_taken_out_too(cpf: str) -> None:
    """What looks like a CPF may be a mistyped one, so check digits are not asked."""
    assert "P001 [cpf]" == without_cpf(f"P001 {cpf}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P001 - Acreditação Inicial de Organismos",
        "52420282000180",
        "52.420.282/0001-80",
        "12ABC34501DE35",
        "12.ABC.345/01DE-35",
        "1876279460",
        "187627946041",
        "A18762794605",
        "9f18762794604e0b7d5c3a1f2e4d6c8b0a",
        "18762794604e0b7d5c3a1f2e4d6c8b0a",
        "e0b7d5c3a1f2e4d6c8b0a18762794604",
        "110.121.232.12",
        "018762794604",
        "ABC45678000195",
        "2026-11-20T15:00:00Z",
        "20261120150000",
        "12345678-9012-3456-7890-123456789012",
        "***.***.***-**",
    ],
)
def test_what_is_no_cpf_stays_in_a_text(text: str) -> None:
    """CNPJs, dates, longer numbers and random ids are left alone, or logs would say nothing."""
    assert text == without_cpf(text)


@given(number=st.integers(0, 2**128 - 1))
@settings(deadline=None)
def test_a_random_id_never_looks_like_a_cpf(number: int) -> None:
    """A UUID is left alone, with its hyphens and without them."""
    identity = uuid.UUID(int=number)
    assert str(identity) == without_cpf(str(identity))
    assert identity.hex == without_cpf(identity.hex)


@given(base=cpf_bases, before=st.text(), after=st.text())
@settings(deadline=None)
def test_no_text_carries_a_cpf_through(base: str, before: str, after: str) -> None:
    """Between spaces a CPF is found whatever text is around it."""
    raw = with_check_digits(base, CPF_WEIGHTS)
    cleaned = without_cpf(f"{before} {raw} {mask_cpf(raw)} {after}")
    assert " [cpf] [cpf] " in cleaned
    assert raw not in cleaned.replace(before, "").replace(after, "")


@pytest.mark.parametrize(
    "text",
    ["f" * 32 + " 18762794604 ", "f" * 10 + "18762794604" + "f" * 11 + " ", "18762794604 "],
    ids=["ids and CPFs", "CPFs in ids", "CPFs"],
)
def test_a_text_four_times_as_long_costs_four_times_as_much(text: str) -> None:
    """However many ids and numbers it holds, or one long text would hold the service up."""
    once, four = Looked(text * 50), Looked(text * 200)
    assert calls(lambda: without_cpf(four)) <= 4 * calls(lambda: without_cpf(once))
    assert four.characters <= 4 * once.characters + 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{id} 18762794604", "{id} [cpf]"),
        ("18762794604 {id}", "[cpf] {id}"),
        ("{id} 18762794604 {id} 18762794604 {id}", "{id} [cpf] {id} [cpf] {id}"),
        ("{id}.187.627.946-04", "{id}.[cpf]"),
    ],
)
def test_a_cpf_beside_an_id_is_taken_out(text: str, expected: str) -> None:
    """Only what lies inside an id is part of it, whichever of several that is."""
    one = "9f18762794604e0b7d5c3a1f2e4d6c8b"
    assert expected.format(id=one) == without_cpf(text.format(id=one))
