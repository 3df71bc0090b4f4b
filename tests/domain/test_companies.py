"""Foreign companies as Inmetro's team registers them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from authz_service.domain.companies import MOST_REPRESENTATIVES, ForeignCompany, Validation
from authz_service.domain.errors import InvalidInput
from authz_service.domain.identifiers import Login
from tests.domain.document import ABROAD, COLLEAGUE_ABROAD, MEMBER, REPRESENTATIVE_ABROAD
from tests.fakes.clock import NOON

COMPANY = ForeignCompany(ABROAD, "Prüfwerk GmbH", "DE", (REPRESENTATIVE_ABROAD,), NOON)
NAIVE = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 - the missing zone is what is tested


def test_a_company_is_pending_until_somebody_has_looked() -> None:
    """Registering alone allows nothing."""
    assert (Validation.PENDING, None) == (COMPANY.validation, COMPANY.validated_at)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x"},
        {"name": "測" * 200},
        {"name": " O'Neill & Söhne 2000 S.à r.l. "},
        {"country": "AA"},
        {"country": "ZZ"},
        {"representatives": ()},
        {"representatives": tuple(Login(f"l{it}") for it in range(MOST_REPRESENTATIVES))},
        {"representatives": (Login("a"), Login("A"))},
        {"validation": Validation.WITHDRAWN},
        {"validation": Validation.VALIDATED, "validated_at": NOON},
    ],
)
def test_what_a_form_may_say_is_taken(changes: dict[str, Any]) -> None:
    """Any visible name, any country but Brazil, nobody to twenty logins."""
    for name, value in changes.items():
        assert value == getattr(replace(COMPANY, **changes), name)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \u00a0 "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": f"Empresa de {MEMBER.digits}"}, "name"),
        ({"country": "BR"}, "country"),
        ({"country": "de"}, "country"),
        ({"country": "DEU"}, "country"),
        ({"country": ""}, "country"),
        ({"country": "D1"}, "country"),
        ({"country": "DE\n"}, "country"),
        (
            {"representatives": tuple(Login(f"l{it}") for it in range(MOST_REPRESENTATIVES + 1))},
            "representatives",
        ),
        ({"representatives": (COLLEAGUE_ABROAD, COLLEAGUE_ABROAD)}, "representatives"),
        ({"registered_at": NAIVE}, "registered_at"),
        ({"validation": Validation.VALIDATED, "validated_at": NAIVE}, "validated_at"),
        ({"validation": Validation.VALIDATED}, "validated_at"),
        ({"validated_at": NOON}, "validated_at"),
        ({"validation": Validation.WITHDRAWN, "validated_at": NOON}, "validated_at"),
    ],
)
def test_what_cannot_be_of_a_company_is_refused(changes: dict[str, Any], field: str) -> None:
    """The error names the member, and repeats nothing of it."""
    with pytest.raises(InvalidInput) as caught:
        replace(COMPANY, **changes)
    assert field == caught.value.field
    assert MEMBER.digits not in str(caught.value)


def test_a_company_does_not_show_its_representatives() -> None:
    """Logins are personal data, wherever the company is printed."""
    assert REPRESENTATIVE_ABROAD.value not in repr(COMPANY)
