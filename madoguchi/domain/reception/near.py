"""The mail to who wants to be told when nearly it is their turn: a sealed address on the ticket, used once, gone with the day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.sealing import keyring

from .enums import Stay
from .models import Ticket

ADDRESS = "reception.address"


def ticket_path(contract: Contract, ticket: Ticket) -> str:
    """Path of the page on which the visitor sees the place in the queue."""
    return f"/{contract.code}/ticket/{ticket.token}/"


def seal_address(contract: Contract, address: str) -> bytes:
    """The address as the ticket keeps it."""
    return keyring(contract).seal_json(ADDRESS, address)


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The address of a ticket that still waits; None when it was called or closed meanwhile, or its address is erased."""
    ticket = Ticket.objects.filter(pk=record_id, state=Stay.WAIT, address__isnull=False).select_related("site").first()
    if ticket is None or ticket.address is None:
        return None
    site = contract.profile.site(ticket.site.code)
    profile = contract.profile
    japanese = language.startswith("ja")
    context = {
        "city": profile.city.name if japanese else profile.city.name_en,
        "site": site.name if japanese else site.name_en or site.name,
        "number": ticket.shown,
        "link": f"{settings.PUBLIC_URL}{ticket_path(contract, ticket)}?lang={ticket.language}",
    }
    return Recipient(str(keyring(contract).unseal_json(ADDRESS, ticket.address)), context)
