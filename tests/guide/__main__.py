"""Writes the guide anew, with what comes out now."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.guide import PAGE
from tests.guide.reading import Reader

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home, Reader(Path(home)) as reader:
        PAGE.write_text(reader.read(PAGE.read_text("utf-8")), "utf-8")
