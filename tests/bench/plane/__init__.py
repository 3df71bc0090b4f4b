"""
The data plane over HTTP, measured beside Cerbos and beside a bare answer of the same server.

``python -m tests.bench http`` runs it. ``world`` has the people and companies, ``mixes`` what is
asked about them, ``seeding`` puts them into a database, ``servers`` starts who answers, ``wrk``
and ``arrivals`` ask; ``throughput``, ``stages``, ``scale`` and ``starting`` are what is measured,
``report`` and ``plots`` what is written of it.
"""
