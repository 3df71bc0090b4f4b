"""
From the bytes of policy files to rules, with everything that reading can find wrong in them.

``text`` gives the text of a file in which nothing is hidden, ``syntax`` reads the accepted
subset of Polar rule by rule (``polar.lark``), ``heads`` and ``refusals`` say where a rule
leaves it, ``types`` and ``clashes`` find what cannot be meant, ``together`` and ``steps`` look
at what rules make of each other, ``reasons`` reads what they say to people, ``toml_places``
knows where in a TOML file something stands. ``examining`` does all of it at once, ``telling``
puts it into words, ``constants`` gives the fixed values that make a difference to the rules.
Nothing in here asks oso.
"""
