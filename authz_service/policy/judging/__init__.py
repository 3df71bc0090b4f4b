"""
What a candidate goes through before it may decide, in a child process with limits.

``stages`` are compiling, exploring and testing; ``findings`` tells what an explored policy
shows that cannot be meant (``joint`` looks at several rules at once); ``sandbox`` is the child,
and ``checking`` is the whole for ``authz policy check``.
"""
