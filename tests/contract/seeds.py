"""Persons and companies that the service under test knows; all numbers are made up."""

from __future__ import annotations

CLIENT = "schemathesis"
"""The client that asks."""
REPRESENTATIVE, MEMBER = "72268402517", "18762794604"
PEOPLE = (REPRESENTATIVE, MEMBER)
COMPANY = "52420282000180"
COMPANIES = (COMPANY, "52420282000260")
"""A matriz and a number that a filial of it could have."""
FOREIGN = ("EX00001230",)
TOKENS = "CONTRACT_TOKENS"
"""The environment variable with tokens of GOV.BR, a JSON list of texts."""
