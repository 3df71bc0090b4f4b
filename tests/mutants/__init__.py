"""
Proof that the checks are tested: disable one at a time and see a test fail.

``finding`` finds the checks of a source by its syntax, ``running`` tries each mutant in a copy
of the tree, and ``python -m tests.mutants`` does so for the modules that guard something.
"""
