"""
The published contract, declared where each view is: what it takes and what it answers.

``@describes`` stands on every view of the application; ``openapi`` makes the document out of
these declarations. What a view says in its docstring is what readers of the document read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from marshmallow import Schema

from authz_service.web.fields import Body
from authz_service.web.shapes import Shape

View = TypeVar("View", bound=Callable[..., Any])

_DECLARED = "__contract__"


class Answer(Schema):
    """
    A JSON object that this service answers; closed: it has the members that are declared.

    A member that may be missing is not ``required``; one that may be null says ``allow_none``.
    """


@dataclass(frozen=True, slots=True)
class Link:
    """
    Where a value of an answer can be used next (OpenAPI 3.1, 4.8.20).

    Attributes:
        name: what the link is called, such as ``revoke``.
        to: the endpoint it leads to, such as ``delegations.revoke``.
        values: where each parameter of it comes from, in OpenAPI's runtime expressions, such as
            ``{"delegation_id": "$response.body#/delegations/0/id"}``.
    """

    name: str
    to: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Contract:
    """
    What a view takes and answers.

    Attributes:
        tag: the chapter it stands in, such as ``Delegations``.
        body: the schema of the JSON body, or None where none is read.
        query: the schema of the query, or None where none is read.
        answer: the schema of the JSON answer, or the media type of another one.
        status: the status of the answer that succeeds.
        problems: the statuses of problems beside those that every view may answer with. One of
            400, 401, 403 or 503 means more than key, form and store: a process's name that means
            several, a token that is refused, an act that the policy denies, GOV.BR out of reach.
        headers: names of further request headers, each with what it says.
        answer_headers: names of further headers of the answer, each with what it says.
        also: further statuses that answer the same shape, each with when that is.
        path: names of the parameters in the path, each with what it says, or with its JSON
            Schema where the view refuses some texts with a 400.
        links: where the values of the answer lead.
    """

    tag: str
    body: type[Body] | None
    query: type[Body] | None
    answer: type[Answer] | str
    status: int
    problems: tuple[int, ...]
    headers: dict[str, str]
    answer_headers: dict[str, str]
    also: dict[int, str]
    path: dict[str, str | Shape]
    links: tuple[Link, ...]


def describes(  # noqa: PLR0913 -- each by its name, as many as a contract has parts
    tag: str,
    *,
    answer: type[Answer] | str,
    body: type[Body] | None = None,
    query: type[Body] | None = None,
    status: int = 200,
    problems: tuple[int, ...] = (),
    headers: dict[str, str] | None = None,
    answer_headers: dict[str, str] | None = None,
    also: dict[int, str] | None = None,
    path: Mapping[str, str | Shape] | None = None,
    links: tuple[Link, ...] = (),
) -> Callable[[View], View]:
    """Declare what a view takes and answers; see ``Contract``."""
    contract = Contract(
        tag,
        body,
        query,
        answer,
        status,
        problems,
        headers or {},
        answer_headers or {},
        also or {},
        dict(path or {}),
        links,
    )

    def mark(view: View) -> View:
        setattr(view, _DECLARED, contract)
        return view

    return mark


def contract_of(view: object) -> Contract:
    """
    Give what a view declares.

    Raises:
        TypeError: it declares nothing, so nobody could know how to call it.
    """
    contract = getattr(view, _DECLARED, None)
    if not isinstance(contract, Contract):
        raise TypeError(f"{view!r} does not declare what it takes and answers: @describes")
    return contract
