"""Row 69: no JSON document at all makes the service fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.service import COMPANY, MEMBER, REPRESENTATIVE, TOKEN, Service

SERVICE = Service(orquestra_get=True)
"""One for all examples: nothing that they can do to it matters to the next one."""

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(
        [MEMBER, REPRESENTATIVE, COMPANY, "P001", "P061", "person", "process", "company"]
    ),
    st.sampled_from(
        ["open", "delegate", "iniciar", "delegar", "all", "socio", "v.3", TOKEN, "\0", "\ud800"]
    ),
)
NAMES = st.sampled_from(
    [
        *("subject", "action", "resource", "context", "type", "id", "name", "properties"),
        *("cpf", "cnpj", "processo", "versao", "acao", "instancia", "version", "recipient"),
        *("actor", "company", "member", "processes", "until", "why", "registered", "confirmed"),
        *("role", "ends_at", "filial", "matriz", "proof"),
        *("sign_in", "sessao", "access_token", "id_token"),
    ]
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, st.text()), inner, max_size=6)
    ),
    max_leaves=20,
)
STRINGS = st.one_of(SCALARS, ANYTHING)


def entity(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Give things that look like an entity of AuthZEN."""
    properties = st.fixed_dictionaries(
        {"cnpj": st.one_of(st.just(COMPANY), STRINGS)},
        optional={"version": STRINGS, "recipient": STRINGS},
    )
    return st.fixed_dictionaries(
        {"type": kinds, "id": st.one_of(st.sampled_from([MEMBER, COMPANY, "P001"]), STRINGS)},
        optional={"properties": st.one_of(properties, ANYTHING)},
    )


EVALUATIONS = st.fixed_dictionaries(
    {
        "subject": st.one_of(entity(st.just("person")), entity(STRINGS)),
        "action": st.fixed_dictionaries(
            {"name": st.one_of(st.text(), STRINGS)}, optional={"properties": ANYTHING}
        ),
        "resource": st.one_of(
            entity(st.sampled_from(["process", "company"])), entity(STRINGS), ANYTHING
        ),
    },
    optional={
        "context": st.one_of(st.fixed_dictionaries({"sign_in": STRINGS}), ANYTHING),
    },
)
FLAT = st.fixed_dictionaries(
    {
        "cpf": st.one_of(st.just(MEMBER), STRINGS),
        "cnpj": st.one_of(st.just(COMPANY), STRINGS),
        "processo": st.one_of(st.text(), STRINGS),
        "acao": st.one_of(st.sampled_from(["iniciar", "delegar"]), STRINGS),
    },
    optional={"versao": STRINGS, "instancia": STRINGS, "sessao": STRINGS},
)
ACTS = st.fixed_dictionaries(
    {
        "actor": st.one_of(st.just(REPRESENTATIVE), STRINGS),
        "company": st.one_of(st.just(COMPANY), STRINGS),
        "member": st.one_of(st.just(MEMBER), STRINGS),
        "processes": st.one_of(st.lists(st.text(), max_size=3), STRINGS),
    },
    optional={
        "until": st.one_of(st.dates().map(str), STRINGS),
        "why": STRINGS,
        "sign_in": STRINGS,
    },
)
IDENTITIES = st.fixed_dictionaries(
    {"access_token": st.one_of(st.just(TOKEN), STRINGS)}, optional={"id_token": STRINGS}
)
ASSERTED = st.fixed_dictionaries(
    {
        "cpf": st.one_of(st.just(MEMBER), STRINGS),
        "registered": SCALARS,
        "confirmed": SCALARS,
        "company": st.one_of(st.just(COMPANY), STRINGS),
        "role": st.one_of(st.just("socio"), STRINGS),
        "filial": st.one_of(st.just(COMPANY), STRINGS),
        "matriz": st.one_of(st.just(COMPANY), STRINGS),
        "proof": STRINGS,
    },
    optional={"ends_at": st.one_of(st.datetimes().map(lambda at: f"{at.isoformat()}Z"), STRINGS)},
)


@pytest.mark.parametrize(
    "path",
    [
        "/access/v1/evaluation",
        "/v1/orquestra/decisao",
        "/v1/people",
        "/v1/standing",
        "/v1/bonds",
        "/v1/identities",
        "/v1/confirmations",
        "/v1/delegations/search",
        "/v1/delegations/0/revoke",
        "/v1/delegations/0/renounce",
    ],
)
@given(document=st.one_of(EVALUATIONS, FLAT, ACTS, ASSERTED, IDENTITIES, ANYTHING))
def test_no_document_makes_it_fail(path: str, document: object) -> None:
    """Whatever is sent by POST is answered or refused, never a 5xx."""
    assert SERVICE.post(path, document).status_code < 500


@given(document=st.one_of(ACTS, ANYTHING), token=st.text(st.characters(codec="latin-1")))
def test_no_header_makes_it_fail(document: object, token: str) -> None:
    """Whatever stands in the header of the acting person's token, the answer is no 5xx."""
    text = token.translate({ord(end): None for end in "\r\n"})
    headers = {"Govbr-Access-Token": text}
    answer = SERVICE.post("/v1/delegations/search", document, headers=headers)
    assert (401, "malformed") == (answer.status_code, answer.get_json()["cause"])


@given(document=st.one_of(ACTS, ANYTHING))
def test_no_proven_set_makes_it_fail(document: object) -> None:
    """Whatever is sent beside a good token is answered or refused, never a 5xx."""
    headers = {"Govbr-Access-Token": TOKEN}
    assert SERVICE.send("PUT", "/v1/delegations", document, headers=headers).status_code < 500


@given(document=st.one_of(ACTS, ANYTHING))
def test_no_set_makes_it_fail(document: object) -> None:
    """Whatever is sent to replace a set is answered or refused, never a 5xx."""
    assert SERVICE.send("PUT", "/v1/delegations", document).status_code < 500


@given(sent=st.one_of(st.binary(), EVALUATIONS.map(json.dumps).map(str.encode)), cut=st.integers(0))
def test_no_bytes_make_it_fail(sent: bytes, cut: int) -> None:
    """Any bytes, and any document cut off anywhere, are answered or refused."""
    assert SERVICE.post("/access/v1/evaluation", sent[: cut % (len(sent) + 1)]).status_code < 500


@given(
    query=st.dictionaries(
        st.sampled_from(
            ["cpf", "cnpj", "processo", "versao", "acao", "instancia", "sessao", "outro"]
        ),
        st.one_of(st.sampled_from([MEMBER, COMPANY, "P001", "iniciar"]), st.binary()),
    )
)
def test_no_query_makes_it_fail(query: dict[str, Any]) -> None:
    """Whatever stands in a query is answered or refused, never a 5xx."""
    answer = SERVICE.http.get(
        "/v1/orquestra/decisao",
        query_string=query,
        headers={"Authorization": f"Bearer {SERVICE.key}"},
    )
    assert answer.status_code < 500


@given(document=EVALUATIONS, extra=st.dictionaries(st.text(), ANYTHING, max_size=3))
def test_unknown_members_change_no_decision(
    document: dict[str, Any], extra: dict[str, Any]
) -> None:
    """Members that the API does not know are ignored, as long as they are JSON at all."""
    more = {name: json.loads(json.dumps(value)) for name, value in extra.items()}
    before = SERVICE.post("/access/v1/evaluation", document)
    after = SERVICE.post("/access/v1/evaluation", {**more, **document})
    if after.status_code == 200:
        assert before.get_json() == after.get_json()
    if before.status_code != 200:
        assert 400 == after.status_code
