"""Tests of the store: one contract for every store, and what only SQLite has to keep."""
