"""
The published contract over HTTP: ``/openapi.json``, and ``/docs``, the same for people.

The page is made here, on the server: it runs no script and asks nobody for anything.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Response, current_app, json, render_template
from flask.typing import ResponseReturnValue

from authz_service.web.contract import describes
from authz_service.web.guards import open_to_all
from authz_service.web.openapi import document
from authz_service.web.page import STYLE, STYLE_SOURCE, page_of

_TAG = "Operation"
_WHY = "what may be asked is no secret, and who integrates reads it before there is a key"
# Short, so that nobody reads an old contract for long after an upgrade.
_KEPT = {"Cache-Control": "public, max-age=300"}
_PAGE_HEADERS = {
    **_KEPT,
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def blueprint(pdp_id: str | None) -> Blueprint:
    """Build the routes that publish the contract; *pdp_id* is where callers reach the service."""
    bp = Blueprint("docs", __name__)

    # Made when somebody asks: only then all routes are there.
    @cache
    def published() -> dict[str, Any]:
        return document(current_app, pdp_id)

    @cache
    def page() -> str:
        return render_template("docs.html", page=page_of(published()), style=STYLE)

    @bp.get("/openapi.json")
    @open_to_all(_WHY)
    @describes(_TAG, answer="application/json")
    def openapi() -> ResponseReturnValue:
        """Give the OpenAPI 3.1 document of this service."""
        return Response(json.dumps(published()), content_type="application/json", headers=_KEPT)

    @bp.get("/docs")
    @open_to_all(_WHY)
    @describes(_TAG, answer="text/html")
    def docs() -> ResponseReturnValue:
        """Show the same document as a page for people."""
        return Response(page(), content_type="text/html; charset=utf-8", headers=_PAGE_HEADERS)

    return bp
