"""
The identity room: GOV.BR's tokens, keys and companies API. The only room that knows PyJWT.

``govbr`` verifies tokens, ``jwks`` keeps the keys that sign them, ``companies`` asks what a
person is in which company, and ``answers`` reads what it says. ``fetching`` is the one way out
to the network: a deadline that nothing outlasts, a bound on what is read; ``documents`` reads
what came. ``waiting`` bounds how
many requests wait for GOV.BR at once, so that its slowness never takes the threads that
decisions need.
"""
