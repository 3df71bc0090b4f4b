"""A server's own refusals, in the shape of all others: RFC 9457, with the request's id."""

from __future__ import annotations

import json
import uuid


def refusal(
    status: int, title: str, request_id: str | None = None
) -> tuple[bytes, list[tuple[str, str]]]:
    """
    Give body and headers for a request that never reaches the application.

    Args:
        status: of the answer.
        title: what HTTP calls that status.
        request_id: the caller's own, or None to make one.
    """
    problem = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "the server could not take in the request",
    }
    return json.dumps(problem).encode(), [
        ("Content-Type", "application/problem+json"),
        ("X-Request-ID", request_id or uuid.uuid4().hex),
        ("Cache-Control", "no-store"),
    ]
