"""What every page's frame needs: languages, contract, navigation, demo marks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from madoguchi.ground.kit import clock

from .navigation import account_navigation, staff_navigation


def shell(request: HttpRequest) -> dict[str, Any]:
    """Variables of the base templates; see the heads of ``ui/base_citizen.html`` and ``ui/base_staff.html``."""
    contract = getattr(request, "contract", None)
    found: dict[str, Any] = {
        "contract": contract,
        "demo": settings.DEMO,
        "demo_now": clock.now() if clock.offset() else None,
        "service_name": None,
        "travel_url": reverse("demo") if settings.DEMO else "",
    }
    if request.path_info.startswith(("/staff", "/accounts")):
        if contract is not None and hasattr(request, "assignment"):
            found.update(staff_navigation(request, contract))
        elif hasattr(request, "user") and request.user.is_authenticated:
            found.update(account_navigation(request))
        return found
    offered = contract.profile.languages if contract else [code for code, _ in settings.LANGUAGES]
    names = dict(settings.LANGUAGES)
    query = request.GET.copy()
    found["languages"] = []
    for code in offered:
        query["lang"] = code
        found["languages"].append((code, names[code], f"{request.path}?{query.urlencode()}"))
    if contract is not None:
        phone = contract.profile.channels.phone
        office = contract.profile.city.office
        number = contract.profile.phone_number
        found["home_url"] = reverse("citizen:start", args=[contract.code])
        found["call_centre"] = {
            "phone": number,
            "phone_href": f"tel:{number.replace('-', '')}" if number else "",
            "hours": "",
            "label": phone.label if phone else office.name,
        }
        from .footer import footer_links

        found["footer_links"] = footer_links(contract)
    return found
