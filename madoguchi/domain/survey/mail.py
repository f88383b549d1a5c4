"""The mail after a visit: its link is made at the moment of sending and stands in the mail only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.party import CONTACT
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from .links import once_path


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The party of a booking that came; None when its address is gone, or the contract asks by mail no more."""
    survey = contract.profile.survey
    booking = Booking.objects.filter(pk=record_id, state=State.BOOKED, arrived_at__isnull=False, contact__isnull=False).first()
    if booking is None or survey is None or "mail" not in survey.ways:
        return None
    assert booking.arrived_at is not None
    sent_on = booking.arrived_at.astimezone(JST).date() + dt.timedelta(days=1)
    address = str(keyring(contract).unseal_json(CONTACT, booking.contact).get("email", ""))
    city = contract.profile.city
    context = {
        "city": city.name if language.startswith("ja") else city.name_en or city.name,
        "link": f"{settings.PUBLIC_URL}{once_path(contract, sent_on)}?lang={booking.language}",
        "days": str(survey.mail_valid_days),
    }
    return Recipient(address, context) if address else None
