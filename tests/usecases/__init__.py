"""Tests of the verbs, on a store in memory, a clock that stands still and scripted policies."""
