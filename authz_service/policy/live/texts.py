"""How this room writes files of policies as JSON: their bytes, whatever they are, as text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from authz_service.policy.bundle import Source


def texts_of(sources: Sequence[Source]) -> list[list[str]]:
    """Give names and contents as texts."""
    return [[one.file, base64.b64encode(one.content).decode()] for one in sources]


def sources_of(texts: Any) -> tuple[Source, ...]:
    """Read what ``texts_of`` gives; raises whatever comes of anything else."""
    return tuple(Source(file, base64.b64decode(content, validate=True)) for file, content in texts)
