"""
The guarded border between Python and Polar: the only room that touches oso while it runs.

``host`` hands facts over and takes comparisons back, by the one table of ``comparison``;
``probes`` are what a rule can look at there, and how facts answer. ``query`` is oso's event loop
with every door guarded or shut; ``runner`` loads rules and asks one to the end.
"""
