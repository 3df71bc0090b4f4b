"""
The published contract, declared where each view is: what it takes and what it answers.

``@describes`` stands on every view of the application; ``openapi`` makes the document out of
these declarations. What a view says in its docstring is what readers of the document read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from marshmallow import Schema

from authz_service.web.fields import Body

View = TypeVar("View", bound=Callable[..., Any])

_DECLARED = "__contract__"


class Answer(Schema):
    """
    A JSON object that this service answers; closed: it has the members that are declared.

    A member that may be missing is not ``required``; one that may be null says ``allow_none``.
    """


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
        problems: the statuses of problems beside those that every view may answer with.
        headers: names of further request headers, each with what it says.
        answer_headers: names of further headers of the answer, each with what it says.
    """

    tag: str
    body: type[Body] | None
    query: type[Body] | None
    answer: type[Answer] | str
    status: int
    problems: tuple[int, ...]
    headers: dict[str, str]
    answer_headers: dict[str, str]


def describes(
    tag: str,
    *,
    answer: type[Answer] | str,
    body: type[Body] | None = None,
    query: type[Body] | None = None,
    status: int = 200,
    problems: tuple[int, ...] = (),
    headers: dict[str, str] | None = None,
    answer_headers: dict[str, str] | None = None,
) -> Callable[[View], View]:
    """Declare what a view takes and answers; see ``Contract``."""
    contract = Contract(
        tag, body, query, answer, status, problems, headers or {}, answer_headers or {}
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
