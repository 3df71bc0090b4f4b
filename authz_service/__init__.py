"""
Inmetro's authorization service: who may open or delegate which process for which company.

The sentence to remember: parse at the door, gather facts, ask the policy, write it
down, answer. The rooms: ``domain`` (nouns), ``usecases`` (verbs and their ports), then
the outer rooms, each the only one to know its library: ``policy`` (oso), ``store``
(SQLAlchemy), ``web`` (Flask, marshmallow), ``metrics`` (prometheus_client), ``server`` (waitress,
granian), ``identity`` (GOV.BR's tokens); ``journal`` writes the decision log. ``listening`` has the
sockets and refuses those whom nobody takes in, ``workers`` has the processes side by side.
``bootstrap`` is the one place where they meet.
"""
