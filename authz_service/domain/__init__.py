"""
The nouns of the service: frozen, right by construction, standard library only.

Nothing here knows HTTP, SQL or Polar. A value that cannot exist cannot be built,
time has a zone, and a civil day is a day of Brasília.
"""
