"""A resident who follows links and sends forms as a browser without JavaScript would."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client

from madoguchi.domain.booking.models import Attendee, Booking, Claim
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope

TUESDAY_10 = "2026-11-10T10:00:00+09:00"
TUESDAY_11 = "2026-11-10T11:00:00+09:00"
TARO = {"name": "山田　太郎", "kana": "やまだ　たろう"}
HANAKO = {"name": "山田　花子", "kana": "ﾔﾏﾀﾞ ﾊﾅｺ"}


class Forms(HTMLParser):
    """Hidden fields of every form of a page, by the form's action."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.found.append({"action": values.get("action") or "", "method": values.get("method"), "hidden": {}})
        elif tag == "input" and values.get("type") == "hidden" and self.found:
            self.found[-1]["hidden"][values["name"]] = values.get("value") or ""


def hidden(response: HttpResponse, method: str = "post") -> dict[str, str]:
    """Hidden fields of the first form of that method in the page."""
    fields: dict[str, str] = next(f["hidden"] for f in Forms(response.content.decode()).found if f["method"] == method)
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def text_of(response: HttpResponse) -> str:
    """The page as text."""
    return re.sub(r"[ \t\r\n]+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@dataclass
class Resident:
    """``site`` is the contract visited."""

    site: Contract
    client: Client

    def url(self, path: str) -> str:
        return f"/{self.site.code}/{path}"

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.client.get(path if path.startswith("/") else self.url(path), **kwargs)

    def post(self, path: str, data: dict[str, Any]) -> Any:
        return self.client.post(path if path.startswith("/") else self.url(path), data)

    def day(self, party: str = "card_pickup", date: str = "2026-11-10", **more: str) -> Any:
        query = "".join(f"&{k}={v}" for k, v in more.items())
        return self.get(f"book/day/?p={party}&site={self.site.profile.sites[0].code}&date={date}{query}")

    def hold(self, party: str = "card_pickup", starts: str = TUESDAY_10, **fields: str) -> Any:
        """Choose a time; the answer is the redirect to the details."""
        sent = {**hidden(self.day(party)), **fields, "starts": starts}
        return self.post("book/hold/", sent)

    def details(
        self, page: str, *people: dict[str, str], phone: str = "０９０−１２３４−５６７８", **contact: str
    ) -> Any:
        """Send the details page at ``page``."""
        sent = {f"person{n}-{k}": v for n, person in enumerate(people or (TARO,), start=1) for k, v in person.items()}
        sent |= {"contact-phone": phone} | {f"contact-{k}": v for k, v in contact.items()}
        return self.post(page, sent)

    def book(
        self, party: str = "card_pickup", *people: dict[str, str], starts: str = TUESDAY_10, **contact: str
    ) -> str:
        """From the day to the end; the address of the last page."""
        page = self.hold(party, starts)["Location"]
        check = self.details(page, *people, **contact)["Location"]
        return str(self.post(check, {})["Location"])

    def link(self, done: str) -> str:
        """Path of the booking's own page, from the page shown at the end."""
        match = re.search(rf'href="(/{self.site.code}/r/[0-9A-Z]+/[0-9a-f]+/)"', self.get(done).content.decode())
        assert match
        return match[1]

    def bookings(self, **filters: Any) -> list[Booking]:
        with contract_scope(self.site):
            return list(Booking.objects.filter(**filters).order_by("pk"))

    def attendees(self, code: str) -> list[tuple[str, str]]:
        """(procedure, local time) of the people of a booking."""
        with contract_scope(self.site):
            rows = Attendee.objects.filter(booking__code=code).select_related("procedure").order_by("position")
            return [(row.procedure.code, f"{row.starts_at.astimezone():%H:%M}") for row in rows]

    def claims(self) -> int:
        with contract_scope(self.site):
            return int(Claim.objects.count())
