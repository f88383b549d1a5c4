"""Who a notice about a booking goes to, and what it says: opened only at the moment of sending."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from madoguchi.domain.notices.models import Kind, Medium
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.domain.procedures.queries import Shown, shown_procedures
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from . import rules
from .enums import State
from .models import Affected, Attendee, Booking, Offer, Receipt
from .party import CONTACT, LINE, PERSON, Person
from .queries.bringing import together


def manage_path(contract: Contract, code: str) -> str:
    """Path of the page on which the holder of the link sees, changes or cancels the booking."""
    return f"/{contract.code}/r/{code}/{keyring(contract).token('booking', code)}/"


def resolve(
    contract: Contract,
    record_id: int,
    language: str,
    kind: str,
    *,
    medium: str = Medium.MAIL,
    detail: Mapping[str, Any] | None = None,
) -> Recipient | None:
    """Recipient of a notice about a booking; None when it is erased, has no address, or the notice makes no sense any more.

    A short message or LINE goes only to a party that is still told that way; a mail also to one that LINE did not reach.
    """
    booking = Booking.objects.filter(pk=record_id).select_related("site").first()
    if booking is None or booking.contact is None:
        return None
    if kind == Kind.CANCELLED:
        if booking.state != State.CANCELLED:
            return None
    elif booking.state != State.BOOKED:
        return None
    offer = Offer.objects.filter(waiting__booking=booking, answered_at=None).first() if kind == Kind.OFFER else None
    if medium not in (booking.medium, booking.second_medium) or (kind == Kind.OFFER and offer is None):
        return None
    address = _address(contract, booking, medium)
    if not address:
        return None
    attendees = list(Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position"))
    codes = [attendee.procedure.code for attendee in attendees]
    shown = {p.code: p for p in shown_procedures(language)}
    visit = booking.starts_at.astimezone(JST)
    with translation.override(language):
        lines = []
        for code in codes:
            procedure = shown[code]
            beside = f"（{procedure.legal_name}）" if procedure.needs_legal_name else ""
            lines.append(f"・{procedure.name}{beside}")
        bring = _bringing(contract, attendees, shown, visit.date(), language)
        context = {
            "city": contract.profile.city.name,
            "code": rules.show_code(booking.code),
            "when": _moment(visit, language),
            "site": booking.site.name,
            "people": str(len(codes)),
            "procedures": "\n".join(lines),
            "bring": "\n".join(bring),
            "link": f"{settings.PUBLIC_URL}{manage_path(contract, booking.code)}",
            "phone": contract.profile.phone_number,
            "hours": _usual_phone_hours(contract, booking),
            "offer": _moment(offer.starts_at, language) if offer else "",
            "until": _moment(offer.expires_at, language) if offer else "",
            "reason": _reason(booking) if kind == Kind.AFFECTED else "",
        }
    return Recipient(address, context)


def _address(contract: Contract, booking: Booking, medium: str) -> str:
    ring = keyring(contract)
    if medium == Medium.LINE:
        return ring.unseal(LINE, booking.line or b"").decode()
    contact = ring.unseal_json(CONTACT, booking.contact or b"")
    return str(contact.get("email" if medium == Medium.MAIL else "phone", ""))


def _moment(moment: dt.datetime, language: str) -> str:
    local = moment.astimezone(JST)
    return f"{dates.show_for(local.date(), language)} {local:%H:%M}"


def _reason(booking: Booking) -> str:
    """Why the city cannot keep the time, as staff wrote it; the language is active."""
    given = Affected.objects.filter(booking=booking).order_by("-pk").values_list("reason", flat=True).first()
    return _("理由：%(reason)s") % {"reason": given} if given else ""


def _bringing(
    contract: Contract, attendees: list[Attendee], shown: dict[str, Shown], on: dt.date, language: str
) -> list[str]:
    """Lines of what each person brings; people who bring the same stand together. The language is active."""
    ring = keyring(contract)
    people = [
        (a.position, a.procedure.code, Person(ring.unseal_json(PERSON, bytes(a.person))) if a.person else None)
        for a in attendees
    ]
    lines = []
    for one in together(people, on, language):
        briefing = one.briefing
        whose = _("・").join(_("%(n)s人目") % {"n": n} for n in one.positions) if len(attendees) > 1 else ""
        lines.append(f"■ {shown[one.procedure].name}{f'（{whose}）' if whose else ''}")
        lines += [f"・{item.text}" for item in (*briefing.steps, *briefing.documents)]
        lines += [f"※ {item.text}" for item in (*briefing.warnings, *briefing.asks)]
        lines += [f"・【{item.only_for}】{item.text}" for item in briefing.perhaps]
        lines += [f"　{item.text}" for item in briefing.references]
        if not briefing.confirmed:
            lines.append(_("※ 詳しくは市にご確認ください。"))
        lines.append("")
    return lines[:-1]


def _usual_phone_hours(contract: Contract, booking: Booking) -> str:
    from madoguchi.ground.contracts.queries import calendar_of

    channel = "phone" if contract.profile.channels.phone else "counter"
    day = booking.created_at.astimezone(JST).date()
    hours = calendar_of(contract, day, day).usual_hours(booking.site.code, channel, day)
    return "、".join(f"{a:%H:%M}〜{b:%H:%M}" for a, b in hours)


def resolve_receipt(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """Recipient of the notice that a list is there; None when the file is erased or the person left the contract.

    The mail leads to the page behind the sign-in and holds nothing of the list but its name.
    """
    receipt = Receipt.objects.filter(pk=record_id).select_related("delivery__order", "user").first()
    if receipt is None or receipt.delivery.erased_at or receipt.user not in people_in_role(contract, Role.CITY):
        return None
    delivery = receipt.delivery
    due, until = delivery.due_at.astimezone(JST), delivery.erase_at.astimezone(JST)
    context = {
        "city": contract.profile.city.name,
        "title": delivery.title,
        "due": f"{dates.show(due.date())} {due:%H:%M}",
        "form": delivery.order.get_form_display(),
        "until": dates.show(until.date()),
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/deliveries/",
    }
    return Recipient(receipt.user.email, context)
