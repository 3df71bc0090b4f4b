"""
What is held in memory of the store, and never a moment longer than it is true.

``Held`` answers out of memory and looks first, each time, whether anything was committed:
the pulse of the database tells in microseconds, ``pulse`` and ``file`` for a file of SQLite,
``server`` for PostgreSQL. What was committed stands in the table ``changes``, and what its rows
name is dropped. So when a call that writes has returned, whichever process it was made in, no
answer contradicts it that is asked for afterwards.

``questions`` has the shelf on which facts stand, with what they depend on, ``reading`` fills it
in one statement, which sees one state.
"""
