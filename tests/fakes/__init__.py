"""Fakes behind the ports: classes with a contract, not mocks."""
