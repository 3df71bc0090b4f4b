"""
The verbs of the service, one file each, and in ``ports`` what they need from outside.

A use case knows the domain and its ports, and nothing else: no HTTP, no SQL, no Polar.
It reads from top to bottom as the sentence of the house: gather facts, ask the policy,
write it down, answer.
"""
