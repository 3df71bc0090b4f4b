"""
A GOV.BR of our own, for machines without the real one.

The staging of the real one has no data of Receita Federal behind it, so nobody is a sócio
there. This program has made-up accounts and companies instead, signs people in by the code
flow, and answers as the companies API does, with the shapes and oddities that GOV.BR's
technical manual and those who integrated it tell of. It can also be slow, down, hostile, and
change its keys. It listens on this machine only, and knows nothing of the service.

``python -m tests.govbr`` runs it from the project's root; tests start a ``Simulator``.
"""
