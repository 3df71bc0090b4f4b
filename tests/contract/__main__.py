"""Write the published contract into ``schemas/``, as a service with default settings has it."""

from __future__ import annotations

from tests.contract.published import PATH, written

if __name__ == "__main__":
    PATH.write_text(written(), "utf-8")
