"""Tests of the identity room: real keys, real HTTP, nothing of PyJWT replaced."""
