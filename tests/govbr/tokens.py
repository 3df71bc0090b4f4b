"""
The claims of GOV.BR's tokens, with the oddities of the manual and of those who integrated it.

``aud`` is a string, ``scope`` and ``amr`` are arrays; the id_token writes ``sub`` with a hyphen,
booleans as strings, the key's name as a claim, and lives a minute; ``cnpj`` is punctuated and
stands there only after a sign-in with a company's certificate; a power of attorney leaves
``sub`` with the agent.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.govbr.people import Account
from tests.govbr.ways import Way

ACCESS_SECONDS = 3600
ID_SECONDS = 60
BRASILIA = timezone(timedelta(hours=-3))
_PROFILE = "https://servicos.staging.acesso.gov.br/"
# Seals of the manual's catalogue: Ouro with a certificate, Prata by a bank, Bronze at a counter.
_SEALS = {"gold": "801", "silver": "602", "bronze": "201"}


@dataclass(frozen=True)
class Grant:
    """
    What a person let a client have.

    Attributes:
        account: who signed in.
        way: how.
        scopes: what for.
        nonce: the client's, for the id_token.
        issuer: who signs.
        audience: the client.
    """

    account: Account
    way: Way
    scopes: tuple[str, ...]
    nonce: str
    issuer: str
    audience: str


def access_claims(grant: Grant, now: int) -> dict[str, Any]:
    """Give the claims of the access_token; *now* in seconds since 1970."""
    return {
        "aud": grant.audience,
        "sub": grant.account.cpf,
        "scope": list(grant.scopes),
        "amr": list(grant.way.amr),
        "iss": grant.issuer,
        "exp": now + ACCESS_SECONDS,
        "iat": now,
        "preferred_username": grant.account.cpf,
        "jti": str(uuid.uuid4()),
        **_company(grant),
        **_agent(grant),
    }


def id_claims(grant: Grant, now: int, kid: str) -> dict[str, Any]:
    """Give the claims of the id_token; *now* in seconds since 1970."""
    account = grant.account
    claims: dict[str, Any] = {
        "sub": f"{account.cpf[:9]}-{account.cpf[9:]}",
        "preferred_username": account.cpf,
        "amr": list(grant.way.amr),
        "kid": kid,
        "iss": grant.issuer,
        "aud": grant.audience,
        "nonce": grant.nonce,
        "auth_time": now - account.session,
        "scope": list(grant.scopes),
        "exp": now + ID_SECONDS,
        "iat": now,
        "jti": str(uuid.uuid4()),
        **_about(account, grant.scopes, {True: "true", False: "false"}),
        **_company(grant),
        **_agent(grant),
    }
    if "cnpj" in claims:
        claims["cnpj_certificate_name"] = account.certificate_name
    if "govbr_confiabilidades_idtoken" in grant.scopes:
        seal = {"id": _SEALS[account.level], "updatedAt": written(datetime.now(BRASILIA))}
        claims["reliability_info"] = {"level": account.level, "reliabilities": [seal]}
    return claims


def userinfo(grant: Grant) -> dict[str, Any]:
    """Give what ``/userinfo`` tells: booleans are booleans, and there is no ``cnpj``."""
    told = _about(grant.account, grant.scopes, {True: True, False: False})
    return {"sub": grant.account.cpf, **told}


def written(moment: datetime) -> str:
    """Write an instant as GOV.BR's examples do: milliseconds, and an offset without colon."""
    there = moment.astimezone(BRASILIA)
    return f"{there:%Y-%m-%dT%H:%M:%S}.{there.microsecond // 1000:03}-0300"


def _about(
    account: Account, scopes: tuple[str, ...], truth: Mapping[bool, object]
) -> dict[str, Any]:
    """Give name and contacts; an address that is not verified is left out."""
    about: dict[str, Any] = {}
    if "profile" in scopes:
        about |= {"name": account.full_name, "profile": _PROFILE}
        about["picture"] = f"{_PROFILE}userinfo/picture"
        if account.social_name is not None:
            about["social_name"] = account.social_name
    if "email" in scopes:
        about["email_verified"] = truth[account.email is not None]
        if account.email is not None:
            about["email"] = account.email
    if "phone" in scopes:
        about["phone_number_verified"] = truth[account.phone is not None]
        if account.phone is not None:
            about["phone_number"] = account.phone
    return about


def _company(grant: Grant) -> dict[str, str]:
    raw = grant.account.certificate
    if not grant.way.company or raw is None:
        return {}
    return {"cnpj": f"{raw[:2]}.{raw[2:5]}.{raw[5:8]}/{raw[8:12]}-{raw[12:]}"}


def _agent(grant: Grant) -> dict[str, Any]:
    if not grant.way.agent:
        return {}
    return {"agent": True, "grantor_account": grant.account.grantor}
