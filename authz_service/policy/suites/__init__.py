"""
The tests that stand beside the policies.

``tables`` reads them member by member, ``world`` and ``signing_in`` what they describe,
``cases`` what they ask; ``suite`` runs them, ``differing`` explains what came out otherwise,
``coverage`` counts what they reach.
"""
