"""Tests of the nouns: what can be built, and what it says about itself at one moment."""
