"""Small policies for tests, compiled as the service compiles them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from authz_service.domain.decision import BUILT_IN_REASONS
from authz_service.policy.bundle import Source, build
from authz_service.policy.compiled import CompiledPolicy
from authz_service.policy.reading.reasons import FILE

CODES = ("first", "second", "third")


def reasons(codes: Sequence[str] = CODES) -> Source:
    """Give a ``reasons.toml`` with the built-in reasons and *codes*, in this order."""
    tables = [
        f'[[reason]]\ncode = "{code}"\ncodigo = "{code.upper().replace("-", "_")}"\n'
        f'pt = "{code} {{cnpj}} {{processo}}"\nen = "{code}"\n'
        for code in (*BUILT_IN_REASONS, *codes)
    ]
    return Source(FILE, "\n".join(tables).encode())


def policy(rules: str | Mapping[str, str], codes: Sequence[str] = CODES) -> CompiledPolicy:
    """Compile *rules*, one text or a text for each file."""
    texts = {"rules.polar": rules} if isinstance(rules, str) else rules
    return build([*(Source(file, text.encode()) for file, text in texts.items()), reasons(codes)])
