"""JSON that came over the network, read so that no other reader could read it otherwise."""

from __future__ import annotations

import json


def parsed(document: bytes) -> object:
    """
    Read JSON in UTF-8.

    Raises:
        ValueError: it is none, gives a name twice, holds NaN or an infinity, or nests too deep.
            The error holds a part of the document: not for logs, and nothing to hang on to.
    """
    try:
        return json.loads(document.decode(), object_pairs_hook=_object, parse_constant=_refused)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Give an object; of two members of one name readers differ on which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


def _refused(_name: str) -> object:
    """Refuse what Python takes for JSON and nobody else does."""
    raise ValueError("it holds a number that is none")
