"""
What would turn a denial into an allow, and what of it is told to whom.

``changes`` is the catalogue of what can differ in life, made of ``moves`` and
``sign_in_moves`` over ``changing`` facts; ``nearest`` finds the smallest sets of them. ``advising``
says what a person who is denied may hear: ``veils`` hide what is others', and ``likeness`` knows
which situations are the same.
"""
