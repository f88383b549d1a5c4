"""Pages about the site itself: personal data, accessibility."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi.domain.notices import line
from madoguchi.ground.contracts.models import Contract

from .. import forms, showing


def privacy(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What is asked for, why, how long it is kept: from the profile."""
    profile = contract.profile
    context = {
        **showing.frame(request, contract),
        "fields": [(forms.label_of(rule), rule.retention_days) for rule in profile.booking.fields],
        "days": profile.retention.resident_days_after_visit,
        "line": line.offered(contract),
        "office": profile.city.office.name,
    }
    return render(request, "citizen/privacy.html", context)


def accessibility(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What the site aims at, and where to turn when something does not work."""
    return render(request, "citizen/accessibility.html", showing.frame(request, contract))
