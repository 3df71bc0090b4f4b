"""Reads single values out of settings."""

from __future__ import annotations


def read_port(text: str) -> int | None:
    """Give the port that *text* names, 1 to 65535 in plain digits, or None."""
    return whole(text, 1, 65535)


def whole(text: str, least: int, most: int) -> int | None:
    """Give the number that *text* names in plain digits, if it is from *least* to *most*."""
    if text.isascii() and text.isdigit() and len(text) <= 7 and least <= int(text) <= most:
        return int(text)
    return None
