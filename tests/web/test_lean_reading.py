"""The quick reading: what it takes, the schemas read as the same; everything else is theirs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authz_service.domain.decision import INVALID_IDENTIFIER, Impossible, Question
from authz_service.domain.errors import InvalidInput
from authz_service.web import evaluations, orquestra
from authz_service.web.authzen import read_question
from authz_service.web.body import parse_object
from authz_service.web.evaluation import question_of
from authz_service.web.evaluations import Batch, read_batch
from authz_service.web.fields import BodyInvalid
from authz_service.web.lean import form as forms
from authz_service.web.lean import reading, strict
from authz_service.web.lean.form import Form, form_in
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
    if isinstance(found, Form):
        return exact(found.question), typed(found.instance)
    return exact(found)


@given(written(_QUESTIONS))
@example(
    b'{"subject":{"type":"person","id":""},"action":{"name":"open"},'
    b'"resource":{"type":"process","id":"","properties":{}}}'
)
def test_one_question_is_the_same(data: bytes) -> None:
    """Whatever is sent, now or again, the route reads and refuses what the schemas do."""
    slowly = outcome(lambda: question_of(parse_object(data)))
    assert [slowly, slowly] == [outcome(lambda: read_question(data)) for _ in range(2)]


@given(written(_FORMS))
def test_a_form_is_the_same(data: bytes) -> None:
    """Orquestra's question as well."""
    slowly = outcome(lambda: orquestra.form_of(parse_object(data)))
    assert [slowly, slowly] == [outcome(lambda: orquestra.read_form(data)) for _ in range(2)]


@given(written(_SEVERAL))
def test_several_questions_are_the_same(data: bytes) -> None:
    """A batch is read alike, item by item, now or again, and counted once with its size."""
    counted: list[list[int]] = [[], [], []]
    slowly = outcome(lambda: evaluations._read_batch(parse_object(data), MOST, counted[0].append))
    assert slowly == outcome(lambda: read_batch(data, MOST, counted[1].append))
    assert slowly == outcome(lambda: read_batch(data, MOST, counted[2].append))
    assert [counted[0]] * 2 == counted[1:]


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
        for _ in range(2):
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
    """What the property tests may miss is read alike by all three, now or again."""
    one = outcome(lambda: question_of(parse_object(data)))
    form = outcome(lambda: orquestra.form_of(parse_object(data)))
    batches = outcome(lambda: evaluations._read_batch(parse_object(data), MOST, lambda _: None))
    for _ in range(2):
        assert one == outcome(lambda: read_question(data))
        assert form == outcome(lambda: orquestra.read_form(data))
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
    assert form_in(data) is not None
    assert outcome(lambda: orquestra.form_of(parse_object(data))) == outcome(lambda: form_in(data))


def form_of(**more: object) -> Form:
    """Read a usual form with *more* quickly."""
    found = form_in(json.dumps({**F, **more}, ensure_ascii=False).encode())
    assert found is not None
    return found


def test_the_same_form_is_the_very_same_question() -> None:
    """Whatever its instance is, so that a decision on it may be remembered."""
    one = form_of(instancia=1)
    for instance in (2, "2", "", None, MEMBER):
        other = form_of(instancia=instance)
        expected = None if instance is None else str(instance)
        assert (True, expected) == (other.question is one.question, other.instance)
    assert form_of().question is one.question
    assert "1" == one.instance


@pytest.mark.parametrize(
    "more",
    [
        {"cpf": REPRESENTATIVE},
        {"cpf": "187.627.946-04"},
        {"cnpj": "52.420.282/0001-80"},
        {"processo": "P001"},
        {"acao": "delegar"},
        {"versao": 3},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_form_that_differs_is_another_question(more: dict[str, Any]) -> None:
    """In any member that the decision hangs on: it is what the schemas make of it."""
    one = form_of()
    for _ in range(2):
        found = form_of(**more)
        assert found.question is not one.question
        expected = orquestra.form_of(parse_object(json.dumps({**F, **more}).encode()))
        assert exact(expected.question) == exact(found.question)


def test_a_form_with_a_handle_is_never_remembered() -> None:
    """The handle of a sign-in is a secret, and held nowhere beyond its request."""
    before = forms._remembered.cache_info()
    one, other = (form_of(sessao="abc", versao=3).question for _ in range(2))
    assert before == forms._remembered.cache_info()
    assert one == other
    assert one is not other
    assert isinstance(one, Question)
    assert "abc" == one.sign_in
    assert form_of(versao=3).question != one


def test_a_long_form_is_never_remembered() -> None:
    """Spaces around a number count for nothing: nobody fills the memory with them."""
    rest = len(F["cnpj"]) + len(F["processo"])
    for length, kept in ((320, True), (321, False), (5_000, False)):
        padded = MEMBER.ljust(length - rest)
        before = forms._remembered.cache_info()
        one, other = (form_of(cpf=padded).question for _ in range(2))
        assert kept is (one is other)
        assert kept is (before != forms._remembered.cache_info())
        assert form_of().question == one == other


def test_a_form_that_means_nobody_is_never_remembered() -> None:
    """Nobody fills the memory with what cannot exist; its instance is read like any other."""
    before = forms._remembered.cache_info().currsize
    for instance in ("1", "2"):
        found = form_of(cpf="18762794605", instancia=instance)
        assert (Impossible("open", INVALID_IDENTIFIER), instance) == found
    assert before == forms._remembered.cache_info().currsize


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


# What is remembered


def sent_as(question: dict[str, Any]) -> bytes:
    """Write a question as most callers do."""
    return json.dumps(question, ensure_ascii=False).encode()


def in_a_batch(item: bytes, **beside: Any) -> bytes:
    """Write a batch of one item, given as its bytes, with what holds where it lacks it."""
    members = [f'"{name}":{json.dumps(one)},'.encode() for name, one in beside.items()]
    return b"{" + b"".join(members) + b'"evaluations":[' + item + b"]}"


def of_the_batch(data: bytes) -> Question | Impossible:
    """Give the one question of a batch."""
    batch = batch_in(data)
    assert batch is not None
    [asked] = batch.asked
    return asked


def remembered() -> dict[tuple[bytes, bytes], Question]:
    """Give all that is remembered, by what stood beside it and by its own bytes."""
    known = reading._memory._known
    return {(beside, data): one for beside, all_of in known.items() for data, one in all_of.items()}


def test_what_is_asked_again_is_the_same_question() -> None:
    """The very object: who knows what was decided on it knows it again, alone or in a batch."""
    data = sent_as({**A, "action": {"name": "remembered"}, "context": {"a": 1}})
    first = question_in(data)
    assert question_of(json.loads(data)) == first
    assert first is question_in(bytes(bytearray(data)))
    for beside in ({}, {"context": {"b": 2}}, {"subject": A["subject"]}):
        batch = in_a_batch(data, **beside)
        assert of_the_batch(batch) is of_the_batch(bytes(bytearray(batch)))
        assert first == of_the_batch(batch)


def test_other_bytes_are_another_question() -> None:
    """Whatever differs in them, be it a space, is read for itself."""
    data = sent_as({**A, "action": {"name": "spaced"}})
    spaced = data.replace(b": ", b":")
    assert question_in(data) == question_in(spaced)
    assert question_in(data) is not question_in(spaced)
    assert question_in(data) != question_in(data.replace(b"spaced", b"spacer"))


OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "subject": (A["subject"], {"type": "person", "id": REPRESENTATIVE}),
    "action": (A["action"], {"name": "delegate"}),
    "resource": (A["resource"], {"type": "company", "id": COMPANY}),
    "context": ({"a": 1}, {"a": True}),
}


@pytest.mark.parametrize("lacking", OTHERS)
def test_an_item_means_what_stands_beside_it(lacking: str) -> None:
    """The same bytes under other defaults are other questions, in whatever order they come."""
    item = sent_as({name: part for name, part in A.items() if name != lacking})
    batches = [in_a_batch(item, **{lacking: one}) for one in (*OTHERS[lacking], OTHERS[lacking][0])]
    expected = [exact(question_of({**A, lacking: one})) for one in OTHERS[lacking]]
    for _ in range(2):
        found = [of_the_batch(one) for one in batches]
        assert [*expected, expected[0]] == [exact(one) for one in found]
        assert found[0] is found[2]
    # Alone it lacks what it needs, unless that is the context.
    assert (lacking == "context") == (question_in(item) is not None)


def test_defaults_are_not_taken_for_each_other() -> None:
    """The same bytes as a subject and as a context, or beside both, make other questions."""
    member, other = ({"type": "person", "id": one} for one in (MEMBER, REPRESENTATIVE))
    defaults = [
        A,
        {**A, "context": other},
        {**A, "subject": other},
        {**A, "subject": other, "context": member},
        {**A, "context": member},
    ]
    for order in (defaults, defaults[::-1]):
        found = [of_the_batch(in_a_batch(b"{}", **one)) for one in order]
        assert [exact(question_of(one)) for one in order] == [exact(one) for one in found]


SECRETS: dict[str, bytes] = {
    "in the question": sent_as({**A, "context": {"sign_in": "abc_DEF-123"}}),
    "in an item": in_a_batch(sent_as({**A, "context": {"sign_in": "abc_DEF-123"}})),
    "beside an item": in_a_batch(sent_as(A), context={"sign_in": "abc_DEF-123"}),
    "beside what has its own": in_a_batch(
        sent_as({**A, "context": {}}), context={"sign_in": "abc_DEF-123"}
    ),
    "spaced": sent_as(A)[:-1] + b',"context":{ "sign_in"\t:\n"abc_DEF-123" }}',
    "null": sent_as({**A, "context": {"sign_in": None, "a": "abc_DEF-123"}}),
}


@pytest.mark.parametrize("data", SECRETS.values(), ids=SECRETS)
def test_no_handle_is_remembered(data: bytes) -> None:
    """It is as good as a password while it lasts; its question is read each time."""
    read = of_the_batch if b"evaluations" in data else question_in
    first, second = read(data), read(data)
    assert first is not None
    assert first == second
    assert first is not second
    assert [] == [one for one in remembered() if b"abc_DEF-123" in b"".join(one)]


@pytest.mark.parametrize(("length", "kept"), [(512, True), (513, False)])
def test_what_is_long_is_not_remembered(length: int, kept: bool) -> None:
    """Neither a long question nor a long default fills the memory; both are read all the same."""
    beside = {"context": {"a": "b"}}
    alone = sent_as({**A, "action": {"name": "LONG"}})
    alone = alone.replace(b"LONG", b"x" * (length - len(alone) + 4))
    # Of a default, what is remembered beside is its member.
    defaults = b'"context":{"a": "b"}'
    item = sent_as({**A, "action": {"name": "LONG"}})
    item = item.replace(b"LONG", b"y" * (length - len(defaults) - len(item) + 4))
    batch = in_a_batch(item, **beside)
    assert [kept, kept] == [
        question_in(alone) is question_in(alone),
        of_the_batch(batch) is of_the_batch(batch),
    ]
    assert question_of(json.loads(alone)) == question_in(alone)
    assert [(alone if one == b"" else item) for one in (b"", defaults) if kept] == [
        one for _, one in remembered() if one in (alone, item)
    ]


def test_what_is_nobodys_is_not_remembered() -> None:
    """Made-up identifiers have no end, and what they are denied for costs little to find."""
    data = sent_as({**A, "subject": {"type": "person", "id": "18762794605"}})
    assert isinstance(question_in(data), Impossible)
    assert question_in(data) is not question_in(data)
    assert data not in {one for _, one in remembered()}


def test_what_is_remembered_is_bounded() -> None:
    """When there is no room, all is forgotten and begins anew, whatever stood beside it."""
    memory = reading._Memory()
    asked = question_of(A)
    assert isinstance(asked, Question)
    most = reading._REMEMBERED
    for number in range(most):
        memory.keep(b"%d" % (number % 7), b"%d" % number, asked)
    assert most == sum(len(one) for one in memory._known.values())
    memory.keep(b"9", b"one more", asked)
    assert {b"9": {b"one more": asked}} == memory._known
    assert [{}, {b"one more": asked}] == [dict(memory.beside(one)) for one in (b"1", b"9")]


def _slowly(data: bytes) -> object:
    return evaluations._read_batch(parse_object(data), MOST, lambda _: None)


@pytest.mark.parametrize(
    "bad",
    [
        b'"context":{"a":1,"a":2}',
        b'"subject":{"type":"person","id":"1","id":"2"}',
        b'"context":{"a":1},"context":{"a":1}',
        b'"context":{"a":1.5}',
        b'"context":{"a":9007199254740992}',
        b'"resource":{"type":"process","id":"P001","properties":{"version":1.5}}',
        b'"action":{"name":"open","properties":{"a":1e3}}',
        b'"context":{"\\u0061":1}',
    ],
)
def test_what_is_wrong_beside_items_is_wrong_again(bad: bytes) -> None:
    """An item that is known stands beside it in vain, also if it was read beside the right one."""
    for item in (sent_as(A), sent_as({**A, "context": {}})):
        right = in_a_batch(item)
        assert batch_in(right) == batch_in(right)
        wrong = b"{" + bad + b',"evaluations":[' + item + b"]}"
        assert [None, None] == [batch_in(wrong), batch_in(wrong)]
        slowly = outcome(partial(_slowly, wrong))
        for _ in range(2):
            assert slowly == outcome(partial(read_batch, wrong, MOST, lambda _: None))


def test_many_threads_read_the_same() -> None:
    """Whoever asks while others are remembered, or all are forgotten, gets its own question."""
    sent = [sent_as({**A, "action": {"name": f"of {number}"}}) for number in range(200)]
    wrong: list[object] = []

    def ask(first: int) -> None:
        for turn in range(1_000):
            number = (first + turn) % len(sent)
            asked = question_in(sent[number])
            if not isinstance(asked, Question) or asked.action != f"of {number}":
                wrong.append(asked)

    threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 3, 50)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [] == wrong


def test_identifiers_that_come_again_are_remembered_if_they_are_short() -> None:
    """A text that is long for nothing fills no memory, and is read all the same."""
    padded = {**A, "subject": {"type": "person", "id": MEMBER + " " * 5_000}}
    assert question_of(padded) == question_in(sent_as(padded))
    calls: list[str] = []

    def parse(text: str) -> str:
        calls.append(text)
        return text

    read = strict._remembering(parse, 3)
    assert ["abc", "abc", "abcd", "abcd"] == [read(one) for one in ("abc", "abc", "abcd", "abcd")]
    assert ["abc", "abcd", "abcd"] == calls
