"""The file of entities: read strictly, every problem with its place, and nobody in a complaint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from authz_service.domain.entities import EntityName
from authz_service.domain.errors import SettingsInvalid
from authz_service.entities import DescribedEntities, read_entities
from tests.operation.house import authz

CPF = "18762794604"


def file(folder: Path, content: object) -> Path:
    """Write a file of entities: bytes as they are, all else as JSON."""
    path = folder / "entities.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def problems(folder: Path, content: object) -> list[str]:
    """Give what is wrong with a file of entities, without the setting's name."""
    with pytest.raises(SettingsInvalid) as caught:
        read_entities(file(folder, content))
    return [one.removeprefix("AUTHZ_ENTITIES: ") for one in caught.value.problems]


def one(**members: object) -> dict[str, object]:
    """Give a document with one entity, right but for *members*."""
    return {"entities": [{"type": "record", "id": "r-1", "properties": {}, **members}]}


def test_what_is_described_is_known(tmp_path: Path) -> None:
    """Types and properties of any kind are kept as they are written; what is absent is nothing."""
    properties = {"status": "active", "level": 3, "share": 0.5, "tags": ["a", None, {"b": True}]}
    entities = read_entities(
        file(
            tmp_path,
            {
                "entities": [
                    {"type": "record", "id": "Ação 1", "properties": properties},
                    {"type": "record", "id": "ação 1"},
                    {"type": "lab.unit-2_b", "id": "17", "properties": {}},
                ]
            },
        )
    )
    assert {"record", "lab.unit-2_b"} == entities.types
    assert properties == entities.properties(EntityName("record", "Ação 1"))
    assert {} == entities.properties(EntityName("record", "ação 1"))
    assert {} == entities.properties(EntityName("record", "of nobody"))
    assert {} == entities.properties(EntityName("nothing", "17"))


def test_without_a_file_no_type_is_known() -> None:
    """So that every question about another's entity is denied."""
    assert frozenset() == DescribedEntities().types
    assert {} == DescribedEntities().properties(EntityName("record", "1"))


def test_an_empty_list_describes_nothing(tmp_path: Path) -> None:
    """That is a file like any other."""
    assert frozenset() == read_entities(file(tmp_path, {"entities": []})).types


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], ["the document: must be an object"]),
        ("x", ["the document: must be an object"]),
        (None, ["the document: must be an object"]),
        ({}, ["entities: must be a list"]),
        ({"entities": {}}, ["entities: must be a list"]),
        ({"entities": None}, ["entities: must be a list"]),
        ({"entities": [], "entitites": []}, ["entitites: is not one of: entities"]),
        ({"entities": [7]}, ["entities[0]: must be an object"]),
        (
            one(propertys={}),
            ["entities[0].propertys: is not one of: type, id, properties"],
        ),
        (one(properties=[]), ["entities[0].properties: must be an object"]),
        (one(properties=None), ["entities[0].properties: must be an object"]),
        (one(type=7), ["entities[0].type: must be a string"]),
        (one(id=7), ["entities[0].id: must be a string"]),
        (one(id=None), ["entities[0].id: must be a string"]),
        (one(id=""), ["entities[0].id: must have 1 to 512 characters"]),
        (one(id="x" * 513), ["entities[0].id: must have 1 to 512 characters"]),
        (one(id="a\0"), ["entities[0].id: must not hold NUL or unpaired surrogates"]),
        (
            one(properties={"a": ["\ud800"]}),
            ["entities[0].properties.a[0]: must not hold NUL or unpaired surrogates"],
        ),
        (
            one(properties={"x\0": 1}),
            ["entities[0].properties.?: must not hold NUL or unpaired surrogates"],
        ),
    ],
    ids=lambda value: repr(value)[:48],
)
def test_what_is_not_of_the_form_is_told_with_its_place(
    tmp_path: Path, content: object, expected: list[str]
) -> None:
    """Whatever a rule could miss without a word keeps the service from starting."""
    assert expected == problems(tmp_path, content)


@pytest.mark.parametrize("kind", ["person", "login", "company", "process"])
def test_no_file_describes_what_the_domain_owns(tmp_path: Path, kind: str) -> None:
    """Facts about persons and companies come from the store alone."""
    expected = f"entities[0].type: `{kind}` is a type of this service's own"
    assert [expected] == problems(tmp_path, one(type=kind))


@pytest.mark.parametrize("kind", ["", "1a", "a b", "ä", "x" * 65, "a/b"])
def test_a_type_has_a_form(tmp_path: Path, kind: str) -> None:
    """It is a letter and up to 63 letters, digits, dots, hyphens, underscores."""
    [problem] = problems(tmp_path, one(type=kind))
    assert problem.startswith("entities[0].type: must be a letter and up to 63")


def test_an_entity_is_described_once(tmp_path: Path) -> None:
    """Two descriptions of one entity are told with both places; another type is another."""
    listed = [
        {"type": kind, "id": own_id, "properties": {"n": 1}}
        for kind, own_id in (("a", "1"), ("b", "1"), ("a", "1"), ("a", "2"), ("a", "1"))
    ]
    expected = [f"entities[{place}]: has the type and the id of entities[0]" for place in (2, 4)]
    assert expected == problems(tmp_path, {"entities": listed})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"entities": [], "entities": []}', "entities"),
        ('{"entities": [{"type": "a", "id": "1", "id": "2"}]}', "entities[0].id"),
        ('{"entities": [{"type": "a", "id": "1", "\\u0069d": "2"}]}', "entities[0].id"),
        (
            '{"entities": [{"type": "a", "id": "1", "properties": {"s": {"t": 1, "t": 1}}}]}',
            "entities[0].properties.s.t",
        ),
        (
            '{"entities": [{"type": "a", "id": "1", "properties": {"a1": 1, "a1": 2}}]}',
            "entities[0].properties.?",
        ),
    ],
)
def test_a_member_stands_once_in_an_object(tmp_path: Path, text: str, place: str) -> None:
    """Of two that contradict each other, none counts."""
    expected = f"{place}: must not be given twice in one object"
    assert [expected] == problems(tmp_path, text.encode())


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000, "9007199254740992", "0." + "1" * 1000],
    ids=lambda text: text[:8],
)
def test_a_number_is_one_that_every_parser_holds(tmp_path: Path, number: str) -> None:
    """What two parsers could read differently is refused, as in requests."""
    text = json.dumps(one(properties={"n": 0})).replace('"n": 0', f'"n": {number}')
    [problem] = problems(tmp_path, text.encode())
    assert problem.startswith("entities[0].properties.n: must be a finite number")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "must be JSON; it cannot be read at line 1, column 1"),
        (b'{"entities": [\n  {]\n}', "must be JSON; it cannot be read at line 2, column 4"),
        (b'{"entities": []} x', "must be JSON; it cannot be read at line 1, column 18"),
        (b'{"entities": ["\xff"]}', "must be UTF-8; byte 15 is not"),
        ('{"entities": []}'.encode("utf-16"), "must be UTF-8; byte 0 is not"),
        (b'\xef\xbb\xbf{"entities": []}', "must be JSON; it cannot be read at line 1, column 1"),
        (b'{"entities": ' + b"[" * 100_000, "must not nest that deep"),
        (b'{"a":' * 100_000, "must not nest that deep"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_json_is_told_with_line_and_column(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    """Whatever a file holds, the answer is one sentence and no stack of calls."""
    assert [expected] == problems(tmp_path, content)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A mistyped path does not mean that nothing is known."""
    with pytest.raises(SettingsInvalid) as caught:
        read_entities(tmp_path / "absent.json")
    assert ("AUTHZ_ENTITIES: cannot be read: No such file or directory",) == caught.value.problems


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Who mends a file wants one list."""
    listed = [{"type": "person", "id": "1"}, 7, {"id": "x"}, {"type": "a", "id": "1", "x": 0}]
    places = [problem.partition(":")[0] for problem in problems(tmp_path, {"entities": listed})]
    assert [
        "entities[0].type",
        "entities[1]",
        "entities[2].type",
        "entities[3].x",
    ] == places


@pytest.mark.parametrize(
    "content",
    [
        one(id=CPF, type="person"),
        {"entities": [{"type": "user", "id": CPF}] * 2},
        one(type=CPF),
        {CPF: 1, "entities": [{CPF: 1, "type": "a", "id": "1"}]},
        one(properties={CPF: "\0", "a": {CPF: f"{CPF}\0"}}),
        b'{"entities": [{"%b": 1, "%b": 2}]}' % (CPF.encode(), CPF.encode()),
        b'{"entities": ["%b" "%b"' % (CPF.encode(), CPF.encode()),
    ],
    ids=lambda value: repr(value)[:32].replace(CPF, "CPF"),
)
def test_no_complaint_shows_what_stands_in_the_file(tmp_path: Path, content: object) -> None:
    """An id may be a person's, and complaints go to logs."""
    assert CPF not in " ".join(problems(tmp_path, content))


def test_the_service_does_not_start_with_a_file_that_is_none(tmp_path: Path) -> None:
    """Every problem stands in stderr, under the setting's name, and nothing is made."""
    content = {"entities": [{"type": "person", "id": "1"}, {"type": "a"}]}
    file(tmp_path, content)
    started = authz(tmp_path, "serve", AUTHZ_ENTITIES="entities.json", AUTHZ_DATA_DIR="data")
    assert 1 == started.returncode
    assert [
        "the settings cannot be used:",
        "AUTHZ_ENTITIES: entities[0].type: `person` is a type of this service's own",
        "AUTHZ_ENTITIES: entities[1].id: must be a string",
    ] == started.stderr.splitlines()
    assert not (tmp_path / "data").exists()
