"""Writes the table of the edits into its page."""

from __future__ import annotations

from tests.policy.edits import BEGIN, EDITS, END, PAGE, caught, table

if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    written = table((edit, caught(edit)) for edit in EDITS)
    PAGE.write_text(f"{before}{BEGIN}{written}{END}{after}", encoding="utf-8")
