"""
The web room: HTTP in, HTTP out; the only room that knows Flask and marshmallow.

A route reads as: who calls (``guards``), what was sent (``body``, ``fields``), one use
case, one answer. Whatever goes wrong leaves in one shape (``problems``).
"""
