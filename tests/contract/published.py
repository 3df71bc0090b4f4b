"""The contract that stands in the repository: that of a service with default settings."""

from __future__ import annotations

import json
from pathlib import Path

from authz_service.web.openapi import document
from tests.fakes.service import Service

PATH = Path(__file__).parents[2] / "schemas" / "openapi.json"
"""Where it stands."""


def written() -> str:
    """Give the document as it has to stand there."""
    found = document(Service().app, None)
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
