"""The catalogue of processes: the names that people use, and what they mean in it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from authz_service.domain.errors import AmbiguousProcess, InvalidInput
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import (
    ProcessDefinition,
    ProcessName,
    ProcessState,
    check_version,
    resolve,
    suggest_id,
)
from tests.domain.document import CATALOGUE, LABELS, P001, P018, P061_CADASTRO, P061_REGISTRO


@pytest.mark.parametrize(("identity", "label"), LABELS.items(), ids=LABELS)
def test_each_of_the_ten_labels_names_its_process(identity: str, label: str) -> None:
    """Every label of the document's screen is read back to the one process it stands for."""
    name = ProcessName.parse(label)
    found = resolve(name, CATALOGUE)
    assert found is not None
    assert identity == found.id.value
    assert label == found.label
    assert found.version == name.version


@pytest.mark.parametrize("process", CATALOGUE, ids=LABELS)
def test_each_process_answers_to_its_own_id(process: ProcessDefinition) -> None:
    """An id names one process whatever its code is, and no version of it in particular."""
    assert ProcessName(process.id.value) == ProcessName.parse(process.id.value)
    assert process == resolve(ProcessName(process.id.value), CATALOGUE)


@pytest.mark.parametrize(
    "text",
    [
        "P018",
        "p018",
        " P018\n",
        "P018 v.2",
        "P018 - Alterações",
        "P018 - ALTERAÇÕES v.2",
        "p018 - alterações V2",
        "P018  -  Alterações   v. 2",
        unicodedata.normalize("NFD", "P018 - Alterações v.2"),
        "p018\u00a0-\u00a0Alterações",
    ],
)
def test_case_spaces_and_composition_of_accents_do_not_matter(text: str) -> None:
    """People and systems write one label in many ways, and mean one process."""
    assert P018 == resolve(ProcessName.parse(text), CATALOGUE)


@pytest.mark.parametrize("catalogued", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_a_title_is_found_however_its_accents_are_stored(catalogued: str, asked: str) -> None:
    """A catalogue that came from another system may hold decomposed accents."""
    stored = replace(P018, title=unicodedata.normalize(catalogued, P018.title))  # type: ignore[arg-type]  # the form's name is a literal there
    name = ProcessName(unicodedata.normalize(asked, "P018 - Alterações"))  # type: ignore[arg-type]  # as above
    assert stored == resolve(name, [stored])


@pytest.mark.parametrize(
    "text",
    [
        "P999",
        "P01",
        "P0018",
        "Alterações",
        "P018 Alterações",
        "P018 - Alteracoes",
        "P018 - Alterações - v.2",
        "P018 - Alterações v.2.1",
        "P018-alteracoes",
        "P061-CADASTRO",
        "P",
        "-",
        "%",
        "p061_registro",
    ],
)
def test_what_is_no_name_in_the_catalogue_names_nothing(text: str) -> None:
    """Nothing is guessed from a part of a name, nor from a resemblance."""
    assert resolve(ProcessName.parse(text), CATALOGUE) is None


def test_nothing_is_found_in_an_empty_catalogue() -> None:
    """Without a catalogue every name is unknown, which is no error."""
    assert resolve(ProcessName("P001"), []) is None


@pytest.mark.parametrize("text", ["P061", "p061", "P061 v.1", "P061 v.2", "P061 v.7"])
@pytest.mark.parametrize("order", [1, -1])
def test_p061_is_ambiguous_and_lists_both_candidates(text: str, order: int) -> None:
    """The code stands for two processes, and a version beside it does not choose between them."""
    with pytest.raises(AmbiguousProcess) as caught:
        resolve(ProcessName.parse(text), CATALOGUE[::order], "processo")
    labels = (P061_CADASTRO.label, P061_REGISTRO.label)
    assert labels == caught.value.candidates
    assert "processo" == caught.value.field
    assert f"processo: names more than one process, say which: {'; '.join(labels)}" == str(
        caught.value
    )


def test_each_listed_candidate_of_p061_names_exactly_one() -> None:
    """What the error lists can be sent back as it stands."""
    with pytest.raises(AmbiguousProcess) as caught:
        resolve(ProcessName("P061"), CATALOGUE)
    found = [resolve(ProcessName.parse(one), CATALOGUE) for one in caught.value.candidates]
    assert [P061_CADASTRO, P061_REGISTRO] == found


def test_the_field_of_an_ambiguous_process_is_process_unless_told() -> None:
    """The default name of the member is the one that the native API uses."""
    with pytest.raises(AmbiguousProcess, match=r"^process: "):
        resolve(ProcessName("P061"), CATALOGUE)


def test_an_id_wins_over_codes_and_titles() -> None:
    """Whoever uses our own id is never told that it is ambiguous."""
    twin = replace(P061_REGISTRO, id=ProcessId("p061"))
    catalogue = [P061_CADASTRO, P061_REGISTRO, twin]
    assert twin == resolve(ProcessName("p061"), catalogue)


# Names and versions


@pytest.mark.parametrize(
    ("value", "version", "expected"),
    [
        ("P001", None, ProcessName("P001")),
        ("P001", 3, ProcessName("P001", 3)),
        ("P001", "3", ProcessName("P001", 3)),
        ("P001", " v.3 ", ProcessName("P001", 3)),
        ("P001", "V3", ProcessName("P001", 3)),
        ("P001", "v. 3", ProcessName("P001", 3)),
        ("P001", "003", ProcessName("P001", 3)),
        ("P001", 1, ProcessName("P001", 1)),
        ("P001", 999_999, ProcessName("P001", 999_999)),
        ("P001 v.3", None, ProcessName("P001", 3)),
        ("P001 V3", None, ProcessName("P001", 3)),
        ("P001 v 3", None, ProcessName("P001", 3)),
        ("P001\tv.3", None, ProcessName("P001", 3)),
        ("P001 v.3", 3, ProcessName("P001", 3)),
        ("P001 v.3", "v.3", ProcessName("P001", 3)),
        ("P001 v.2 v.3", None, ProcessName("P001 v.2", 3)),
        ("P001v.3", None, ProcessName("P001v.3")),
        ("P001 v.1234567", None, ProcessName("P001 v.1234567")),
        ("P001 v.\u0663", None, ProcessName("P001 v.\u0663")),
        ("v.3", None, ProcessName("v.3")),
        ("  P001  ", None, ProcessName("P001")),
        ("Altera\u0063\u0327o\u0303es", None, ProcessName("Altera\u00e7\u00f5es")),
        ("x" * 200, None, ProcessName("x" * 200)),
        (f" {'x' * 200} ", None, ProcessName("x" * 200)),
    ],
)
def test_a_name_is_read_with_its_version(
    value: str, version: object, expected: ProcessName
) -> None:
    """The version may stand in the label, beside it, in both if they agree, or nowhere."""
    assert expected == ProcessName.parse(value, version)


@pytest.mark.parametrize(
    ("value", "version", "field"),
    [
        (None, None, "processo"),
        (1, None, "processo"),
        (True, None, "processo"),
        (b"P001", None, "processo"),
        (["P001"], None, "processo"),
        ("", None, "processo"),
        (" \n", None, "processo"),
        ("x" * 201, None, "processo"),
        ("P001 v.0", None, "processo"),
        ("P001 v.000000", 1, "processo"),
        ("P001 v.3", 4, "version"),
        ("P001 v.3", "v.2", "version"),
        ("P001", 0, "version"),
        ("P001", -1, "version"),
        ("P001", 1_000_000, "version"),
        ("P001", 10**30, "version"),
        ("P001", "0", "version"),
        ("P001", True, "version"),
        ("P001", False, "version"),
        ("P001", 3.0, "version"),
        ("P001", "", "version"),
        ("P001", "3.0", "version"),
        ("P001", "-3", "version"),
        ("P001", "+3", "version"),
        ("P001", "v..3", "version"),
        ("P001", "v.", "version"),
        ("P001", "versão 3", "version"),
        ("P001", "1234567", "version"),
        ("P001", "\u0663", "version"),
        ("P001", "3\n3", "version"),
        ("P001", "3\x00", "version"),
        ("P001", [], "version"),
        ("P001", {}, "version"),
    ],
)
def test_what_is_no_name_or_no_version_is_refused(
    value: object, version: object, field: str
) -> None:
    """The error names the member that is wrong: the name or the version."""
    with pytest.raises(InvalidInput) as caught:
        ProcessName.parse(value, version, "processo")
    assert field == caught.value.field


@pytest.mark.parametrize("version", [1, 2, 999_999])
def test_a_version_counts_from_one(version: int) -> None:
    """A version from 1 to 999999 is given back."""
    assert version == check_version(version, "versao")


@pytest.mark.parametrize("version", [-1, 0, 1_000_000])
def test_a_version_out_of_range_is_refused(version: int) -> None:
    """The error names the field and the bounds."""
    with pytest.raises(InvalidInput, match=r"^versao: must be from 1 to 999999$"):
        check_version(version, "versao")


# Definitions


@pytest.mark.parametrize("code", ["P", "P001", "A" * 16, "P0A1"])
def test_a_code_is_a_capital_letter_and_letters_or_digits(code: str) -> None:
    """Codes of 1 to 16 characters are taken, and a new process takes requests."""
    process = ProcessDefinition(ProcessId("x"), code, "Registro", 2)
    assert f"{code} - Registro v.2" == process.label
    assert ProcessState.OPEN is process.state


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "1"}, "code"),
        ({"code": "p001"}, "code"),
        ({"code": "P 1"}, "code"),
        ({"code": "P001\n"}, "code"),
        ({"code": "P\u0661"}, "code"),
        ({"code": "A" * 17}, "code"),
        ({"title": ""}, "title"),
        ({"title": " \u00a0"}, "title"),
        ({"version": 0}, "version"),
        ({"version": 1_000_000}, "version"),
    ],
)
def test_a_process_that_cannot_be_printed_as_a_label_is_refused(
    change: dict[str, str | int], field: str
) -> None:
    """Code, title and version are each what a label needs, or there is no process."""
    with pytest.raises(InvalidInput) as caught:
        replace(P001, **change)  # type: ignore[arg-type]  # the table holds one wrong value each
    assert field == caught.value.field


@pytest.mark.parametrize(
    ("code", "title", "expected"),
    [
        ("P061", "Registro", "p061-registro"),
        ("P061", "Cadastro de Empresas", "p061-cadastro-de-empresas"),
        ("P018", "Alterações", "p018-alteracoes"),
        ("P018", unicodedata.normalize("NFD", "Alterações"), "p018-alteracoes"),
        ("P004", "Extensão/Redução", "p004-extensao-reducao"),
        ("P001", "  (Novo)  ", "p001-novo"),
        ("P001", "日本", "p001"),
        ("P001", "a" * 80, "p001-" + "a" * 59),
        ("P001", "a" * 58 + " b", "p001-" + "a" * 58),
    ],
)
def test_a_suggested_id_is_readable(code: str, title: str, expected: str) -> None:
    """Code and title make the id, without accents and within 64 characters."""
    assert expected == suggest_id(code, title).value
