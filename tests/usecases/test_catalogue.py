"""Importing the catalogue: all of a file or nothing of it, in the forms that people have."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from authz_service.domain.decision import Caller
from authz_service.domain.errors import LogUnavailable
from authz_service.domain.identifiers import ProcessId
from authz_service.domain.processes import ProcessDefinition, ProcessState
from authz_service.usecases.catalogue import CatalogueImported, CatalogueInvalid
from tests.domain.document import CATALOGUE, P001, P061_CADASTRO, P061_REGISTRO
from tests.fakes.clock import NOON
from tests.fakes.store import untold
from tests.usecases.house import House

SHELL = Caller("shell")

P200 = ProcessDefinition(ProcessId("p200-novo-servico"), "P200", "Novo serviço", 1)
P201 = ProcessDefinition(ProcessId("p201"), "P201", "Outro, com vírgula", 2, ProcessState.CLOSED)

CSV = """\
code,title,version,id,state
P200,Novo serviço,1,,
P201,"Outro, com vírgula",2,p201,closed
"""
SEMICOLONS = CSV.replace('"Outro, com vírgula"', "Outro# com vírgula").replace(",", ";")
SEMICOLONS = SEMICOLONS.replace("#", ",")
ROWS: list[dict[str, object]] = [
    {"code": "P200", "title": "Novo serviço", "version": 1},
    {
        "code": "P201",
        "title": "Outro, com vírgula",
        "version": "2",
        "id": "p201",
        "state": "closed",
    },
]

FORMS = {
    "commas": CSV,
    "semicolons": SEMICOLONS,
    "a spreadsheet's mark": "\ufeff" + CSV,
    "a spreadsheet's mark and semicolons": "\ufeff" + SEMICOLONS,
    "lines of Windows": CSV.replace("\n", "\r\n"),
    "semicolons and lines of Windows": SEMICOLONS.replace("\n", "\r\n"),
    "empty lines between and after": CSV.replace("\n", "\n\n"),
    "no line end at the end": CSV.rstrip("\n"),
    "header in capitals and with spaces": CSV.replace("code,title,", " Code , TITLE,"),
    "another order of columns": """\
state,id,version,title,code
,,1,Novo serviço,P200
closed,p201,2,"Outro, com vírgula",P201
""",
    "cells with spaces": """\
code,title,version,id,state
 P200 ,  Novo   serviço , 1 , ,
P201,"Outro, com vírgula",2, p201 ,closed
""".replace(", ,\n", ",,\n"),
    "a JSON list": json.dumps(ROWS),
    "a JSON object": json.dumps({"processes": ROWS, "exported": "2026-11-20"}),
    "JSON in lines, with a mark": "\ufeff\n" + json.dumps(ROWS, indent=2, ensure_ascii=False),
}


def load(house: House, text: str) -> CatalogueImported:
    """Import *text*."""
    return house.cataloguer.import_text(text, SHELL)


def problems(house: House, text: str) -> tuple[str, ...]:
    """Give the problems for which *text* is refused, having left everything as it was."""
    before = house.store.catalogue.processes()
    revision = house.store.facts.gather([], house.clock()).revision
    with pytest.raises(CatalogueInvalid) as caught:
        load(house, text)
    assert before == house.store.catalogue.processes()
    assert revision == house.store.facts.gather([], house.clock()).revision
    assert [] == house.log.records
    assert f"catalogue: {'; '.join(caught.value.problems)}" == str(caught.value)
    assert "catalogue" == caught.value.field
    return caught.value.problems


def table(*rows: str) -> str:
    """Give a CSV text with all columns."""
    return "\n".join(["code,title,version,id,state", *rows])


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_catalogue_is_read_in_the_forms_that_people_have(house: House, text: str) -> None:
    """Commas or semicolons, marks, line ends, JSON: the same processes come in."""
    assert CatalogueImported((P200, P201), (), 0) == load(house, text)
    expected = sorted([*CATALOGUE, P200, P201], key=lambda one: (one.code, one.title))
    assert expected == house.store.catalogue.processes()


def test_columns_that_may_be_missing_may_be_missing(house: House) -> None:
    """Code, title and version are enough; what is new is open."""
    imported = load(house, "code,title,version\nP200,Novo serviço,1\n")
    assert (P200,) == imported.added
    assert ProcessState.OPEN is imported.added[0].state


def test_an_import_is_written_down(house: House) -> None:
    """The record names what came in and what changed."""
    load(house, table("P200,Novo serviço,1,,", "P001,Acreditação,4,p001,"))
    [record] = house.administrative
    assert ("catalogue.import", SHELL) == (record.act, record.caller)
    assert {"added": ("p200-novo-servico",), "changed": ("p001",)} == record.details
    assert house.store.facts.gather([], house.clock()).revision == record.store_revision


def test_an_import_that_cannot_be_written_down_is_not_done(house: House) -> None:
    """With the log broken the caller hears of an error, and the catalogue is as it was."""
    before = house.store.catalogue.processes()
    house.log.broken = True
    with pytest.raises(LogUnavailable):
        load(house, CSV)
    assert before == house.store.catalogue.processes()


# What an import changes


def printed() -> str:
    """Give the document's catalogue as a CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["code", "title", "version"])
    writer.writerows([one.code, one.title, one.version] for one in CATALOGUE)
    return text.getvalue()


def test_the_same_catalogue_again_changes_nothing(house: House) -> None:
    """Processes are found again by code and title, whatever their ids are."""
    assert CatalogueImported((), (), 10) == load(house, printed())
    assert [] == [one for one in CATALOGUE if one not in house.store.catalogue.processes()]


def test_a_file_without_states_opens_nothing_again(house: House) -> None:
    """What Inmetro closed stays closed until a row says that it is open."""
    house.cataloguer.import_text(json.dumps([{**ROWS[1]}]), SHELL)
    silent = {name: value for name, value in ROWS[1].items() if name != "state"}

    assert 1 == house.cataloguer.import_text(json.dumps([silent]), SHELL).unchanged

    done = house.cataloguer.import_text(json.dumps([{**silent, "state": "open"}]), SHELL)
    assert (replace(P201, state=ProcessState.OPEN),) == done.changed


def test_two_processes_that_no_name_tells_apart_are_refused(house: House) -> None:
    """The same code and title under two ids could never be asked for, so the file is refused."""
    twin = {"code": "P061", "title": "registro", "version": 3, "id": "outro"}

    [problem] = problems(house, json.dumps([twin]))

    assert problem == f"`outro` and `{P061_REGISTRO.id}` have the same code and title"


def test_a_new_version_keeps_the_id(house: House) -> None:
    """The process stays the same, so what was delegated stays delegated."""
    imported = load(house, "code,title,version\nP061,Registro,3\nP061,Cadastro de Empresas,1\n")
    assert CatalogueImported((), (replace(P061_REGISTRO, version=3),), 1) == imported


def test_a_new_title_under_the_id_changes_the_title(house: House) -> None:
    """Whoever gives the id may change code and title too."""
    changed = replace(P061_REGISTRO, code="P062", title="Registro de Objeto")
    assert CatalogueImported((), (changed,), 0) == load(
        house, table("P062,Registro de Objeto,2,p061-registro,")
    )
    assert changed in house.store.catalogue.processes()
    assert P061_REGISTRO not in house.store.catalogue.processes()


def test_a_new_title_without_an_id_is_another_process(house: House) -> None:
    """Nobody can tell a renamed process from a new one, so the old one stays."""
    imported = load(house, "code,title,version\nP061,Registro de Objeto,2\n")
    assert [ProcessId("p061-registro-de-objeto")] == [one.id for one in imported.added]
    assert P061_REGISTRO in house.store.catalogue.processes()


def test_a_row_may_close_a_process_and_open_it_again(house: House) -> None:
    """The state is a column like any other."""
    closed = replace(P001, state=ProcessState.CLOSED)
    row = f"P001,{P001.title},3,p001,"
    assert CatalogueImported((), (closed,), 0) == load(house, table(row + "closed"))
    assert CatalogueImported((), (), 1) == load(house, table(row + "closed"))
    assert CatalogueImported((), (P001,), 0) == load(house, table(row + "open"))


def test_what_is_missing_from_the_file_stays_as_it_is(house: House) -> None:
    """An import never removes, and never opens what was closed without a word about it."""
    closed = replace(P061_CADASTRO, state=ProcessState.CLOSED)
    house.store.catalogue.save_processes([closed], NOON, untold)
    load(house, CSV)
    assert 12 == len(house.store.catalogue.processes())
    assert closed in house.store.catalogue.processes()


# What is refused


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("", "code, title, version"),
        ("\n", "code, title, version"),
        ("\ufeff", "code, title, version"),
        ("title,version\nA,1\n", "code"),
        ("code;title\nP1;A\n", "version"),
        ("code\ttitle\tversion\nP1\tA\t1\n", "code, title, version"),
        ("código,título,versão\nP1,A,1\n", "code, title, version"),
        ("P200,Novo serviço,1\n", "code, title, version"),
    ],
)
def test_a_header_that_lacks_a_column_is_told(house: House, text: str, lacking: str) -> None:
    """What is missing is named at once, not row by row."""
    assert (f"the header lacks: {lacking}",) == problems(house, text)


@pytest.mark.parametrize(
    "text", ["code,title,version\n", "code,title,version\n\n\n", "[]", '{"processes": []}']
)
def test_a_catalogue_without_processes_is_a_slip(house: House, text: str) -> None:
    """Nothing to import is told instead of passing for success."""
    assert ("holds no process",) == problems(house, text)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"processes": null}',
        '{"processes": {"code": "P1"}}',
        "[1]",
        '[{"code": "P200", "title": "A", "version": 1}, "P201"]',
        "[[]]",
        "[null]",
    ],
)
def test_json_of_another_shape_is_refused(house: House, text: str) -> None:
    """It says which shape it has to have."""
    expected = "must be a list of objects, or an object with `processes`"
    assert (expected,) == problems(house, text)


@pytest.mark.parametrize("text", ["[", "{", "[}", '["]', "[" * 100_000, "[1" * 5000, "[1,]"])
def test_what_begins_like_json_and_is_none_is_refused(house: House, text: str) -> None:
    """A broken or absurdly nested text is one problem, told as such."""
    [problem] = problems(house, text)
    assert problem.startswith("is no JSON: ")


@pytest.mark.parametrize(
    "text",
    [
        "code,title,version\rP200,Novo,1\r",
        f'code,title,version\nP200,"{"x" * 200_000}",1\n',
    ],
    ids=["lines of an old Mac", "a cell beyond the reader's limit"],
)
def test_what_the_reader_of_csv_refuses_is_a_problem_of_the_file(house: House, text: str) -> None:
    """The reader's own errors are told like all others."""
    assert problems(house, text)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"code": None}, "code"),
        ({"code": ""}, "code"),
        ({"code": 61}, "code"),
        ({"code": "p200"}, "code"),
        ({"code": "P 200"}, "code"),
        ({"title": ""}, "title"),
        ({"title": " "}, "title"),
        ({"title": None}, "title"),
        ({"title": ["A"]}, "title"),
        ({"version": ""}, "version"),
        ({"version": None}, "version"),
        ({"version": "v.3"}, "version"),
        ({"version": "3.0"}, "version"),
        ({"version": 3.0}, "version"),
        ({"version": True}, "version"),
        ({"version": "-1"}, "version"),
        ({"version": "+1"}, "version"),
        ({"version": "1_0"}, "version"),
        ({"version": 0}, "version"),
        ({"version": "0"}, "version"),
        ({"version": -1}, "version"),
        ({"version": 1_000_000}, "version"),
        ({"version": "1000000"}, "version"),
        ({"version": "9" * 5000}, "version"),
        ({"version": "\u00b2"}, "version"),
        ({"version": "\u0663"}, "version"),
        ({"version": [1]}, "version"),
        ({"id": "P200"}, "id"),
        ({"id": "-"}, "id"),
        ({"id": 200}, "id"),
        ({"id": True}, "id"),
        ({"id": "p200-18762794604"}, "id"),
        ({"code": "P18762794604"}, "code"),
        ({"title": "Novo de 187.627.946-04"}, "title"),
        ({"title": "Novo \x1b[2J"}, "title"),
        ({"title": "Novo \u202e"}, "title"),
        ({"state": "closed "}, "state"),
        ({"state": "CLOSED"}, "state"),
        ({"state": "fechado"}, "state"),
        ({"state": True}, "state"),
        ({"state": ["open"]}, "state"),
        ({"cor": "azul"}, "cor"),
        ({"Code": "P200"}, "Code"),
        ({"": "x"}, ""),
    ],
)
def test_a_row_that_cannot_be_a_process_is_named(
    house: House, row: dict[str, object], field: str
) -> None:
    """The problem tells the row and the field, and nothing of the file is taken."""
    good = {"code": "P200", "title": "Novo serviço", "version": 1}
    text = json.dumps([{"code": "P202", "title": "Bom", "version": 1}, good | row])
    [problem] = problems(house, text)
    assert problem.startswith(f"row 2: {field}: ")


@pytest.mark.parametrize("version", ["3", " 3 ", "03", "00000003", 3])
def test_a_version_is_a_whole_number(house: House, version: object) -> None:
    """As a number or as text, with leading zeros if need be."""
    row = {"code": "P200", "title": "Novo serviço", "version": version}
    assert (replace(P200, version=3),) == load(house, json.dumps([row])).added


def test_every_bad_row_is_named_and_none_is_taken(house: House) -> None:
    """Who prepared the file can mend all of it at once; the header is not counted."""
    text = table(
        "P200,Novo serviço,1,,",
        "P201,,1,,",
        "p202,Código pequeno,1,,",
        "P203,Bom,2,,",
        "P204,Sem versão,,,",
        "P205,Estado,1,,fechado",
    )
    assert (
        "row 2: title: must be a text that is not empty",
        "row 3: code: must be a letter and up to 15 letters or digits",
        "row 5: version: must be a whole number",
        "row 6: state: must be one of: open, closed",
    ) == problems(house, text)


def test_a_row_shorter_or_longer_than_the_header_is_refused(house: House) -> None:
    """A cell too many is a title with a comma in it, most of the time."""
    short, long = problems(house, table("P200,Novo", "P201,Outro, com vírgula,2,p201,closed"))
    assert short.startswith("row 1: version: ")
    assert long.startswith("row 2: ")


@pytest.mark.parametrize(
    ("rows", "identity"),
    [
        (("P200,Novo serviço,1,,", "P200,Novo serviço,2,,"), "p200-novo-servico"),
        (("P200,Novo serviço,1,,", "P200,Novo   serviço,1,,"), "p200-novo-servico"),
        (("P200,Novo serviço,1,,", "P200,NOVO SERVICO,1,,"), "p200-novo-servico"),
        (("P200,Novo,1,x,", "P201,Outro,1,x,"), "x"),
        (("P001,Outro,1,p001,", f"P001,{P001.title},3,,"), "p001"),
    ],
    ids=["twice", "spaces", "accents and case", "one id", "an id by code and title"],
)
def test_one_process_in_two_rows_is_refused(
    house: House, rows: tuple[str, str], identity: str
) -> None:
    """Nobody can tell which row is meant."""
    assert (f"row 2: id: `{identity}` stands in an earlier row",) == problems(house, table(*rows))


def test_bad_rows_and_repeated_rows_are_told_together(house: House) -> None:
    """In the order of the file."""
    found = problems(house, table("P200,A,1,x,", "P200,,1,x,", "P200,B,1,x,", "P200,C,1,x,"))
    assert ["row 2: title", "row 3: id", "row 4: id"] == [
        ": ".join(one.split(": ")[:2]) for one in found
    ]
