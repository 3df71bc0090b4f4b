"""The quick reading: what it takes, the schemas read as the same; everything else is theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authz_service.domain.decision import Impossible, Question
from authz_service.domain.errors import InvalidInput
from authz_service.web import evaluations, orquestra
from authz_service.web.authzen import read_question
from authz_service.web.body import parse_object
from authz_service.web.evaluation import question_of
from authz_service.web.evaluations import Batch, read_batch
from authz_service.web.fields import BodyInvalid
from authz_service.web.lean import reading, strict
from authz_service.web.lean.form import form_in
from authz_service.web.lean.reading import batch_in, question_in
from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE
from tests.web.asked import BODIES, A, F

MOST = 5

_TEXTS = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "a",
                "é",
                "x:y",
                '{"a":1,"a":2}',
                "v.3",
                "3",
                " 3",
                "0",
                "P001",
                "\x7f",
                "\u2028",
            ),
            *("person", "login", "company", "process", "user", "open", "iniciar", "delegar"),
            *(MEMBER, REPRESENTATIVE, "187.627.946-04", " 18762794604\t", "18762794605", "1" * 11),
            *(COMPANY, "52.420.282/0001-80", "52420282000181", "EX-0000123-0", "ex00001230"),
            *("P001 - Acreditação Inicial v.3", "P001 v.2", "P001 v.0", "p" * 201, "m.keller"),
            *("abc_DEF-123", "x" * 65, "deny_on_first_deny", "execute_all", "\ud800", "\0"),
        ]
    ),
    st.text(max_size=8),
)
_NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 3, -1, 999_999, 1_000_000, 2**53 - 1, 2**53, -(2**53), 10**40]),
    st.floats(allow_nan=False),
)
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(_TEXTS, inner, max_size=2)
    ),
    max_leaves=4,
)


def mostly(usual: st.SearchStrategy[Any], *others: Any) -> st.SearchStrategy[Any]:
    """Give what is usual three times out of four."""
    return st.one_of(usual, usual, usual, st.one_of(st.sampled_from(others or (None,)), _ANYTHING))


def objects(
    required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Give objects with these members, now and then with one too few or too many."""
    whole = st.fixed_dictionaries(required, optional=optional)
    lacking = st.fixed_dictionaries({}, optional={**required, **optional, "more": _ANYTHING})
    return st.one_of(whole, whole, whole, lacking)


def known(*texts: str) -> st.SearchStrategy[Any]:
    """Give one of these, mostly."""
    return mostly(st.sampled_from(texts))


_VERSIONS = mostly(st.sampled_from([3, "3", "v.3", "V. 2", None, ""]), 0, 3.0, 10**7, True)
_BAGS = mostly(st.dictionaries(st.sampled_from(["a", "é", "cnpj", "a:b"]), _SCALARS, max_size=2))
_PERSONS = (MEMBER, REPRESENTATIVE, "187.627.946-04", "18762794605", "")
_COMPANIES = (COMPANY, "52.420.282/0001-80", "52420282000181", "EX-0000123-0", "")
_SUBJECTS = objects(
    {"type": known("person", "person", "login", "user"), "id": known(*_PERSONS, "m.keller")},
    properties=_BAGS,
)
_ACTIONS = objects(
    {"name": known("open", "delegate", "x")},
    properties=st.one_of(_BAGS, objects({}, recipient=known(*_PERSONS), a=_SCALARS)),
)
_RESOURCES = objects(
    {
        "type": known("process", "process", "company", "lab"),
        "id": known("P001", "P001 - Acreditação Inicial v.3", COMPANY, ""),
    },
    properties=mostly(
        objects(
            {}, cnpj=known(*_COMPANIES), company=mostly(st.none(), *_COMPANIES), version=_VERSIONS
        )
    ),
)
_CONTEXTS = st.one_of(_BAGS, objects({}, sign_in=known("abc", "no handle!", ""), a=_SCALARS))
_QUESTIONS = objects(
    {"subject": _SUBJECTS, "action": _ACTIONS, "resource": _RESOURCES}, context=_CONTEXTS
)
_PARTS: dict[str, st.SearchStrategy[Any]] = {
    "subject": _SUBJECTS,
    "action": _ACTIONS,
    "resource": _RESOURCES,
    "context": _CONTEXTS,
}
_SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit", "", "x")
_SEVERAL = objects(
    {"evaluations": mostly(st.lists(mostly(objects({}, **_PARTS)), max_size=MOST + 1))},
    **_PARTS,
    options=mostly(
        objects({}, evaluations_semantic=known("execute_all", "deny_on_first_deny", "", "x"))
    ),
)
_FORMS = objects(
    {
        "cpf": known(*_PERSONS),
        "cnpj": known(*_COMPANIES),
        "processo": known("P001", "P001 - Acreditação Inicial v.3", ""),
        "acao": known("iniciar", "delegar"),
    },
    login=mostly(st.just(""), "m.keller"),
    empresa=mostly(st.just(""), "EX-0000123-0"),
    versao=_VERSIONS,
    instancia=mostly(st.sampled_from(["4711", 4711, "", None]), 2**53, 1.5, "x" * 65),
    sessao=known("abc", "", "no handle!"),
)

_PIECES = st.sampled_from(
    [
        *(b'"', b"{", b"}", b"[", b"]", b":", b",", b"\\", b"\\u0061", b"\\n", b" ", b"\n", b"\t"),
        *(b'"a":1', b',"type":"person"', b'"id":"1",', b'"properties":{},', b"null", b"1e5", b"-0"),
        *(b'"context":{"a":1,"a":2},', b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"NaN"),
    ]
)


@st.composite
def written(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> bytes:
    """Write a document in one of several ways, now and then with some bytes changed."""
    escaped = draw(st.integers(0, 9)) == 0
    spaced = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r")]))
    text = json.dumps(draw(documents), ensure_ascii=escaped, separators=spaced)
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 5])))
        data = data[:start] + draw(_PIECES) + data[end:]
    return data


def typed(value: object) -> object:
    """Give a value with the type of each part of it, since True equals 1."""
    if isinstance(value, dict):
        return {name: typed(one) for name, one in value.items()}
    return type(value), value


def exact(question: Question | Impossible | InvalidInput) -> object:
    """Give all that can tell two questions apart."""
    if isinstance(question, InvalidInput):
        errors = question.errors if isinstance(question, BodyInvalid) else ()
        return type(question), question.field, question.message, errors
    if isinstance(question, Impossible):
        return question
    return question, typed(question.context), typed(question.properties), typed(question.sign_in)


def outcome(read: Callable[[], Any]) -> object:
    """Give what was read, or why it was not."""
    try:
        found = read()
    except InvalidInput as error:
        return exact(error)
    if isinstance(found, Batch):
        return [exact(one) for one in found.asked], found.until
    return exact(found)


@given(written(_QUESTIONS))
@example(
    b'{"subject":{"type":"person","id":""},"action":{"name":"open"},'
    b'"resource":{"type":"process","id":"","properties":{}}}'
)
def test_one_question_is_the_same(data: bytes) -> None:
    """Whatever is sent, the route reads what the schemas read, and refuses what they refuse."""
    assert outcome(lambda: question_of(parse_object(data))) == outcome(lambda: read_question(data))


@given(written(_FORMS))
def test_a_form_is_the_same(data: bytes) -> None:
    """Orquestra's question as well."""
    slowly = outcome(lambda: orquestra.question_of(parse_object(data)))
    assert slowly == outcome(lambda: orquestra.read_question(data))


@given(written(_SEVERAL))
def test_several_questions_are_the_same(data: bytes) -> None:
    """A batch is read alike, item by item, and counted once with its size."""
    counted: list[list[int]] = [[], []]
    slowly = outcome(lambda: evaluations._read_batch(parse_object(data), MOST, counted[0].append))
    assert slowly == outcome(lambda: read_batch(data, MOST, counted[1].append))
    assert counted[0] == counted[1]


TOO_GREAT = 2**53
BESIDE: dict[str, dict[str, Any]] = {
    "subject": {"subject": {**A["subject"], "properties": {"a": TOO_GREAT}}},
    "action": {"action": {**A["action"], "properties": {"a": TOO_GREAT}}},
    "resource": {"resource": {**A["resource"], "properties": {"version": TOO_GREAT}}},
    "another resource": {
        "resource": {"type": "company", "id": COMPANY, "properties": {"version": TOO_GREAT}}
    },
    "context": {"context": {"a": TOO_GREAT}},
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_a_number_is_wrong_wherever_it_stands(beside: dict[str, Any]) -> None:
    """Also in what means nothing for a question, and in a default that no evaluation needs."""
    one = json.dumps({**A, **beside}).encode()
    several = json.dumps({**beside, "evaluations": [{**A, "context": {}}]}).encode()
    for data in (one, several):
        with pytest.raises(InvalidInput):
            parse_object(data)
        assert (None, None) == (question_in(data), batch_in(data))


BLANK = {"login": "", "empresa": ""}


@pytest.mark.parametrize(
    "data",
    [
        *BODIES,
        json.dumps({**A, "evaluations": [{}], "options": {"evaluations_semantic": ""}}).encode(),
        *(
            json.dumps({**F, **more}, ensure_ascii=False).encode()
            for more in (
                {"versao": 0.0},
                {"versao": False},
                {"cpf": "", **BLANK},
                {"cpf": "", "cnpj": "", **BLANK},
                {"cpf": "", "cnpj": ""},
                {"instancia": True},
                {"instancia": TOO_GREAT},
                {"sessao": "", "login": None},
                {"login": "m.keller"},
                {"empresa": "EX-0000123-0"},
                {"processo": ""},
                {"acao": "abrir"},
                {"cpf": ""},
                {"cnpj": ""},
                {"instancia": "x" * 64},
                {"instancia": "x" * 65},
            )
        ),
        *(
            json.dumps({**one, "evaluations": [{}]}).encode()
            for one in (
                {name: part for name, part in A.items() if name != lacking} for lacking in A
            )
        ),
        *(
            json.dumps({**A, "resource": {**A["resource"], "properties": properties}}).encode()
            for properties in (
                {"cnpj": COMPANY, "company": COMPANY},
                {"cnpj": COMPANY, "company": None},
                {"cnpj": "", "company": COMPANY},
                {"cnpj": None, "company": None},
                {"cnpj": None},
            )
        ),
        *(
            json.dumps({**A, **more}).encode()
            for more in (
                {"action": {"name": "delegate", "properties": {"recipient": 18762794604}}},
                {"action": {"name": "delegate", "properties": {"recipient": False}}},
                {"context": {"sign_in": 1}},
                {"context": {"sign_in": False}},
                {"resource": {"type": "company", "id": COMPANY, "properties": {"cnpj": COMPANY}}},
                {"resource": {"type": "lab", "id": "P001", "properties": {"cnpj": COMPANY}}},
                {"resource": {"type": "process", "id": "", "properties": {"cnpj": COMPANY}}},
            )
        ),
    ],
)
def test_each_of_these_is_the_same(data: bytes) -> None:
    """What the property tests may miss is read alike by all three."""
    one = outcome(lambda: question_of(parse_object(data)))
    assert one == outcome(lambda: read_question(data))
    form = outcome(lambda: orquestra.question_of(parse_object(data)))
    assert form == outcome(lambda: orquestra.read_question(data))
    batches = outcome(lambda: evaluations._read_batch(parse_object(data), MOST, lambda _: None))
    assert batches == outcome(lambda: read_batch(data, MOST, lambda _: None))


USUAL: dict[str, dict[str, Any]] = {
    "as in the contract": A,
    "written with points": {**A, "subject": {"type": "person", "id": "187.627.946-04"}},
    "nobody's CPF": {**A, "subject": {"type": "person", "id": "18762794605"}},
    "a process without a name": {
        **A,
        "resource": {"type": "process", "id": "", "properties": {"cnpj": COMPANY}},
    },
    "a login": {**A, "subject": {"type": "login", "id": "m.keller"}},
    "a label": {**A, "resource": {**A["resource"], "id": "P001 - Acreditação Inicial v.3"}},
    "a version": {
        **A,
        "resource": {**A["resource"], "properties": {"cnpj": COMPANY, "version": "v.3"}},
    },
    "a foreign company": {
        **A,
        "resource": {**A["resource"], "properties": {"company": "EX-0000123-0", "cnpj": None}},
    },
    "a company": {**A, "resource": {"type": "company", "id": COMPANY, "properties": {}}},
    "a recipient": {
        **A,
        "action": {"name": "delegate", "properties": {"recipient": REPRESENTATIVE, "a": 1}},
    },
    "a context": {**A, "context": {"ip": "::1", "inside": True, "n": -7, "none": None}},
    "a sign-in": {**A, "context": {"sign_in": "abc"}},
    "no context": {**A, "context": None},
    "no version": {
        **A,
        "resource": {**A["resource"], "properties": {"cnpj": COMPANY, "version": None}},
    },
    "no foreign company": {
        **A,
        "resource": {**A["resource"], "properties": {"cnpj": COMPANY, "company": None}},
    },
    "no recipient": {**A, "action": {"name": "open", "properties": {"recipient": None}}},
    "no sign-in": {**A, "context": {"sign_in": None}},
}


@pytest.mark.parametrize("sent", USUAL.values(), ids=USUAL)
def test_what_is_usual_is_read_quickly(sent: dict[str, Any]) -> None:
    """These need no schema, alone or in a batch; else the tests above would compare nothing."""
    data = json.dumps(sent, ensure_ascii=False).encode()
    expected = question_of(parse_object(data))
    found = question_in(data)
    assert found is not None
    assert exact(expected) == exact(found)
    several = {**sent, "evaluations": [{}, sent], "options": {"evaluations_semantic": None}}
    batch = batch_in(json.dumps(several, ensure_ascii=False).encode())
    assert batch is not None
    assert ([expected, expected], None) == batch


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"login": "", "empresa": "", "versao": "", "instancia": "", "sessao": ""},
        {"versao": 3, "instancia": 4711, "sessao": "abc"},
        {"versao": None, "instancia": None, "sessao": None},
        {"cpf": "18762794605", "instancia": "x"},
    ],
)
def test_what_forms_send_is_read_quickly(more: dict[str, Any]) -> None:
    """So is what Orquestra sends, with what was not filled in."""
    data = json.dumps({**F, **more}, ensure_ascii=False).encode()
    found = form_in(data)
    assert found is not None
    assert exact(orquestra.question_of(parse_object(data))) == exact(found)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1}',
        json.dumps(A).encode().replace(b'"open"', b'"op\\u0065n"'),
        json.dumps(A).encode().replace(b'"open"', b'"open","name":"open"'),
        json.dumps(A).encode().replace(b'"open"', b'"open","properties":{"a":1,"a":1}'),
        json.dumps(A).encode().replace(b'"open"', b'"o:n","name":"open"'),
        json.dumps({**A, "context": {"a": [1]}}).encode(),
        json.dumps({**A, "context": {"a": 2**53}}).encode(),
        json.dumps({**A, "context": {"a": 1.0}}).encode(),
        json.dumps({**A, "subject": {"type": "user", "id": "1"}}).encode(),
        json.dumps({**A, "more": 1}).encode(),
        b"[" * 100_000,
        b'{"context":' + b'{"a":' * 100_000,
    ],
)
def test_what_is_not_sure_is_left_to_the_schemas(data: bytes) -> None:
    """Escapes, members that stand twice, nesting, odd numbers, others' entities, other members."""
    assert question_in(data) is None


def test_what_is_asked_again_is_remembered() -> None:
    """The question that nearly every one is costs little more than the decoding of its bytes."""
    sent = {**A, "action": {"name": "remembered"}}
    data = json.dumps(sent).encode()
    first = question_in(data)
    assert question_of(sent) == first
    assert first is question_in(data)


def test_what_is_remembered_is_bounded() -> None:
    """A text that is long for nothing fills no memory, and is read all the same."""
    sent = {**A, "action": {"name": "x" * 1_000}}
    padded = {**A, "subject": {"type": "person", "id": MEMBER + " " * 5_000}}
    before = reading._remembered.cache_info()
    for one in (sent, padded):
        assert question_in(json.dumps(one).encode()) == question_of(one)
    assert before.currsize == reading._remembered.cache_info().currsize
    assert before.maxsize is not None

    calls: list[str] = []

    def parse(text: str) -> str:
        calls.append(text)
        return text

    read = strict._remembering(parse, 3)
    assert ["abc", "abc", "abcd", "abcd"] == [read(one) for one in ("abc", "abc", "abcd", "abcd")]
    assert ["abc", "abcd", "abcd"] == calls
