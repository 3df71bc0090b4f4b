"""
All our own vectors, row by row of the checklist that the project keeps of AuthZEN 1.0:
evaluation, body and media type, HTTP, batch, metadata and failure. Rows about searches wait
for searches; rows 66 and 68 are about what is not offered here.
"""

from __future__ import annotations

from itertools import chain

from tests.conformance import batches, exchange, questions
from tests.conformance.vector import Vector


def every() -> list[Vector]:
    """Give all vectors, in the order of the checklist."""
    parts = (
        questions.decisions(),
        questions.structure(),
        questions.texts(),
        questions.claims(),
        exchange.bodies(),
        exchange.http(),
        exchange.metadata(),
        batches.batches(),
        batches.semantics(),
    )
    return sorted(chain(*parts), key=lambda one: int(one.row))
