"""Which GOV.BR is believed, out of four settings that have to be of one environment."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from authz_service.settings.reading import whole


@dataclass(frozen=True, slots=True)
class GovBrSettings:
    """
    The one GOV.BR whose tokens are believed.

    Attributes:
        issuer: the exact ``iss``.
        audience: the ``aud`` that tokens have to be for.
        jwks_url: where the keys are.
        api_url: where the companies API is, without a slash at the end, or None.
        keys_hours: how long the last good keys serve while no new ones come.
    """

    issuer: str
    audience: str
    jwks_url: str
    api_url: str | None
    keys_hours: int


class _Environment(StrEnum):
    PRODUCTION = "production"
    STAGING = "staging"
    OWN = "of its own"


# GOV.BR's issuers and API hosts (technical manual, "Passo 3" and "Cadastro de Pessoas Jurídicas").
_ISSUERS = {
    _Environment.PRODUCTION: "https://sso.acesso.gov.br/",
    _Environment.STAGING: "https://sso.staging.acesso.gov.br/",
}
_APIS = {
    _Environment.PRODUCTION: "https://api.acesso.gov.br",
    _Environment.STAGING: "https://api.staging.acesso.gov.br",
}
_ADDRESSES = ("AUTHZ_GOVBR_ISSUER", "AUTHZ_GOVBR_JWKS_URL", "AUTHZ_GOVBR_API_URL")


def govbr_of(texts: Mapping[str, str], problems: list[str]) -> GovBrSettings | None:
    """Give the GOV.BR that the settings name; what is wrong with it goes to *problems*."""
    hours = whole(texts["AUTHZ_GOVBR_KEYS_HOURS"], 1, 720)
    if hours is None:
        problems.append("AUTHZ_GOVBR_KEYS_HOURS: must be a whole number from 1 to 720")
    issuer, audience = texts["AUTHZ_GOVBR_ISSUER"], texts["AUTHZ_GOVBR_AUDIENCE"]
    given = {name: texts[name] for name in _ADDRESSES if texts[name]}
    if not given and not audience:
        return None
    if not issuer:
        problems.append("AUTHZ_GOVBR_ISSUER: is needed, since sign-in is configured in part")
    if not audience:
        problems.append("AUTHZ_GOVBR_AUDIENCE: is needed, since sign-in is configured in part")
    found: dict[str, _Environment] = {}
    for name, url in given.items():
        host = _host(url)
        if host is None:
            problems.append(f"{name}: must be an https address, without user, query or fragment")
        else:
            found[name] = _environment(host)
    environments = set(found.values())
    if len(environments) > 1:
        told = ", ".join(f"{name} is {environment}" for name, environment in found.items())
        problems.append(f"AUTHZ_GOVBR_*: must be of one environment, but {told}")
    environment = found.get("AUTHZ_GOVBR_ISSUER", _Environment.OWN)
    if issuer != _ISSUERS.get(environment, issuer):
        problems.append(f"AUTHZ_GOVBR_ISSUER: must be `{_ISSUERS[environment]}`, with its slash")
    return GovBrSettings(
        issuer=issuer,
        audience=audience,
        jwks_url=texts["AUTHZ_GOVBR_JWKS_URL"] or f"{issuer.rstrip('/')}/jwk",
        api_url=texts["AUTHZ_GOVBR_API_URL"].rstrip("/") or _APIS.get(environment),
        keys_hours=hours or 0,
    )


def _host(url: str) -> str | None:
    """Give the host of an address that may be asked, or None."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    # An empty query or fragment leaves its sign behind only in the text.
    plain = url.isascii() and url.isprintable() and not set(" ?#@%\\") & set(url)
    if not host or not plain:
        return None
    if parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host)):
        return host
    return None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _environment(host: str) -> _Environment:
    domain = f".{host}".rstrip(".")
    if domain.endswith(".staging.acesso.gov.br"):
        return _Environment.STAGING
    if domain.endswith(".acesso.gov.br"):
        return _Environment.PRODUCTION
    return _Environment.OWN
