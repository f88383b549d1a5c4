"""Every form of every page, filled with what nobody should type: always an answer in words, never a 500, nothing forbidden kept."""

from __future__ import annotations

import itertools
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urljoin, urlsplit

import pytest
from django.core.cache import cache
from django.db import connection
from django.template import Template
from django.test import Client
from django.urls import resolve

from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import TUESDAY_10, SignIn, book, sign_in, site  # noqa: F401

pytestmark = [pytest.mark.slow]
NUMBER = "983205673214"
WIDE = "９８３２０５６７３２１４"
SAID = [
    "",
    " ",
    "\u3000\t",
    "x",
    "a" * 5000,
    "漢" * 2000,
    "😀👨‍👩‍👧‍👦🏳️‍🌈",
    "葛\U000e0100城 辻\U000e0101",
    "𠮷野家 髙橋",
    "\u202eabc\u202c אבג مرحبا",
    "e\u0301\u0327" * 40,
    "null\x00byte",
    "line\r\nSet-Cookie: a=b\r\n",
    "'; drop table booking_booking; --",
    '"><script>alert(1)</script>',
    "{{ 7*7 }}{% debug %}",
    "%s %(name)s {0} $(id) `id`",
    "../../../../etc/passwd",
    "-1",
    "0",
    "１２３",
    "99999999999999999999",
    "1e309",
    "NaN",
    "2026-13-45",
    "0001-01-01",
    "9999-12-31",
    "令和99年2月30日",
    "25:61",
    "2026-11-10T10:00:00",
    "2026-11-10T10:00:00+99:00",
    "a@b",
    "taro@example.jp\nbcc: x@example.jp",
    NUMBER,
    WIDE,
    "9832-0567-3214",
    "９８３２ ０５６７　３２１４",
    "カード 9832・0567・3214 です",
]
FULL = os.environ.get("MADOGUCHI_FUZZ") == "full"
"""Send every value to a form also as the second role that has it."""
BROKEN = [b"\xed\xa0\x80", b"\xff\xfe", b"%00", b"\xc0\xaf"]
"""Bytes that are no UTF-8: a lone surrogate, a byte-order mark of another encoding, an overlong slash."""


@dataclass
class Form:
    """A form of a page: where it goes, how, and its inputs: name → values that the page itself offers."""

    action: str
    method: str
    inputs: dict[str, list[str]] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)

    @property
    def kind(self) -> tuple[str, str, tuple[str, ...]]:
        """The same for forms of one view with the same inputs."""
        view = resolve(urlsplit(self.action).path).view_name
        return view, self.method, tuple(sorted({re.sub(r"\d+", "…", name) for name in self.inputs}))


class Page(HTMLParser):
    """Links and forms of a page."""

    def __init__(self, address: str, html: str) -> None:
        super().__init__()
        self.address, self.links, self.forms = address, [], []
        self.form: Form | None = None
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and found.get("href", "").startswith(("/", "?")):
            self.links.append(urljoin(self.address, found["href"]))
        if tag == "form":
            method = found.get("method", "get").lower()
            self.form = Form(urljoin(self.address, found.get("action") or self.address), method)
            self.forms.append(self.form)
        if self.form is None:
            return
        name = found.get("name", "")
        if tag in ("input", "textarea", "button") and name:
            self.form.inputs.setdefault(name, []).append(found.get("value", ""))
            if tag == "textarea" or (tag == "input" and found.get("type", "text") not in ("hidden", "radio", "checkbox")):
                self.form.typed.add(name)
        elif tag == "select":
            self.select = name
            self.form.inputs.setdefault(name, [])
        elif tag == "option" and self.select:
            self.form.inputs[self.select].append(found.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = ""


def crawl(client: Client, starts: list[str], *, most: int) -> Iterator[Form]:
    """Forms of all pages that links lead to, each kind once. A page that is a 500 ends the test."""
    seen: set[str] = set()
    kinds: set[Any] = set()
    waiting = list(starts)
    while waiting and len(seen) < most:
        address = waiting.pop(0)
        shape = re.sub(r"\d+|[A-Z0-9]{8}", "…", address)
        if shape in seen:
            continue
        seen.add(shape)
        answer = client.get(address, follow=True)
        assert answer.status_code < 500, f"{address}: {answer.status_code}"
        if "html" not in answer.get("Content-Type", "") or answer.streaming:
            continue
        here = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        page = Page(urljoin(address, here), answer.content.decode())
        waiting += [link for link in page.links if not re.search(r"/(export|logout|static|calendar\.ics)", link)]
        for form in page.forms:
            if form.method != "dialog" and "logout" not in form.action and form.kind not in kinds:
                kinds.add(form.kind)
                yield form


def send(client: Client, form: Form, values: list[tuple[str, str]]) -> Any:
    body: dict[str, list[str]] = {}
    for name, value in values:
        body.setdefault(name, []).append(value)
    path = form.action if form.method == "post" else urlsplit(form.action).path
    return client.post(path, body) if form.method == "post" else client.get(path, body)


def attack(client: Client, form: Form, dice: random.Random, said_here: list[str] = SAID) -> int:
    """Send a form with every bad value in every field at once, some in the typed or in one field only, and as broken bytes.

    What would be the same request again is not sent: of a form with one field, or of buttons alone.
    """
    sent: set[tuple[tuple[str, str], ...]] = set()
    names = [name for name in form.inputs if name != "csrfmiddlewaretoken"]
    usual = {name: (dice.choice(values) if values else "") for name, values in form.inputs.items()}
    turns = itertools.cycle(names or [""])
    for number, said in enumerate(said_here):
        for chosen in (set(names), *([form.typed] if number % 2 else []), *([{next(turns)}] if number % 4 == 0 else [])):
            values = [(name, said if name in chosen else usual[name]) for name in names]
            if tuple(values) in sent:
                continue
            sent.add(tuple(values))
            answer = send(client, form, values)
            assert answer.status_code < 500, f"{form.method} {form.action}: {answer.status_code} for {said[:60]!r} in {chosen}"
            if form.method == "post" and "".join(re.findall(r"\d", said.translate(str.maketrans("０１２３４５６７８９", "0123456789")))) == NUMBER:
                shown = answer.content.decode(errors="replace") if not answer.streaming else ""
                assert said not in shown, f"{form.action} shows an individual number again"
    for raw in BROKEN if names else []:
        body = "&".join(f"{name}={quote_from_bytes(raw)}" for name in names)
        if form.method == "post":
            answer = client.post(form.action, body, content_type="application/x-www-form-urlencoded")
        else:
            answer = client.get(f"{urlsplit(form.action).path}?{body}")
        assert answer.status_code < 500, f"{form.method} {form.action}: {answer.status_code} for {raw!r}"
    return len(sent)


def kept() -> list[str]:
    """Columns of text in which the number stands in plain, in any spelling."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
            " and data_type in ('text', 'character varying', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                f"select count(*) from \"{table}\" where translate(\"{column}\"::text, '０１２３４５６７８９', '0123456789')"
                f" ~ '9832[^0-9]{{0,2}}0567[^0-9]{{0,2}}3214'"
            )
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return found


@pytest.fixture(autouse=True)
def plain_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates draw as they do for people: the copies of every context that Django keeps for tests are a tenth of the time."""
    monkeypatch.setattr(Template, "_render", lambda self, context: self.nodelist.render(context))


@pytest.fixture(autouse=True)
def unlimited(settings: Any, db: None) -> None:
    """The limits per address would answer instead of the forms."""
    cache.clear()
    settings.RATE_LIMITS = {name: (10**9, seconds) for name, (_most, seconds) in settings.RATE_LIMITS.items()}


@pytest.mark.req("BOOK-07", "SEC-04")
def test_every_form_of_residents(site: Contract, now: Any) -> None:  # noqa: F811
    booked = book(site, now=now, email="taro@example.jp")
    from madoguchi.domain.booking.recipients import manage_path

    link = manage_path(site, booked.code)
    client = Client()
    day = TUESDAY_10.date().isoformat()
    held = client.post(
        "/hatsukaichi/book/hold/", {"p": "card_pickup", "site": "main", "date": day, "starts": TUESDAY_10.isoformat()}
    )
    starts = [
        "/hatsukaichi/", "/hatsukaichi/find/", "/hatsukaichi/book/", "/hatsukaichi/bring/?p=cert_renewal", "/hatsukaichi/which/",
        f"/hatsukaichi/book/day/?p=card_pickup&site=main&date={day}", link, f"{link}when/", f"{link}add/", f"{link}contact/",
        f"{link}cancel/", f"{link}day/?date={day}", *([held["Location"]] if held.status_code == 302 else []),
    ]  # fmt: skip
    dice = random.Random(7)
    forms = list(crawl(client, starts, most=70))
    assert len(forms) >= 8
    sent = sum(attack(client, form, dice) for form in forms)
    assert sent > 450
    with contract_scope(site):
        assert kept() == []


def forms_of_staff(contract: Contract, client: Client, code: str) -> list[Form]:
    staff = f"/staff/{contract.code}/"
    starts = [
        staff, f"{staff}desk/", f"{staff}desk/new/", f"{staff}bookings/{code}/", f"{staff}desk/{code}/", f"{staff}bring/",
        f"{staff}bring/pickup-notice/", f"{staff}slots/", f"{staff}calendar/", f"{staff}phone/staffing/",
    ]  # fmt: skip
    return list(crawl(client, starts, most=90))


@pytest.mark.req("BOOK-07", "SEC-04")
@pytest.mark.parametrize("role", [Role.CITY, Role.OPERATOR])
def test_every_form_of_staff(site: Contract, sign_in: SignIn, now: Any, role: Role) -> None:  # noqa: F811
    """The city with every value; an operator so too where the city has no such form, elsewhere with a third of them, by turns."""
    booked = book(site, now=now, email="taro@example.jp")
    client = sign_in(site, role)
    forms = forms_of_staff(site, client, booked.code)
    assert len(forms) >= 5
    attacked = set() if role is Role.CITY or FULL else {f.kind for f in forms_of_staff(site, sign_in(site, Role.CITY), booked.code)}
    dice = random.Random(role.value)
    for turn, form in enumerate(forms):
        attack(client, form, dice, SAID[turn % 3 :: 3] if form.kind in attacked else SAID)
    with contract_scope(site):
        assert kept() == []


def test_addresses_with_odd_queries(site: Contract) -> None:  # noqa: F811
    """Every query value of residents' addresses replaced by every bad value."""
    client = Client()
    addresses = [
        "/hatsukaichi/book/?p=card_pickup&flow=x", "/hatsukaichi/book/site/?p=card_pickup", "/hatsukaichi/which/?at=what&lang=en",
        "/hatsukaichi/book/when/?p=card_pickup&site=main&month=2026-11", "/hatsukaichi/book/day/?p=card_pickup&site=main&date=2026-11-10",
        "/hatsukaichi/calendar.json?site=main&procedure=card_pickup&from=2026-11-01&to=2026-11-30",
        "/hatsukaichi/bring/?p=pin_reset&who=self&age=15&s=lost",
    ]  # fmt: skip
    for address in addresses:
        parts = urlsplit(address)
        query = parse_qsl(parts.query)
        for name, _value in query:
            for said in SAID:
                answer = client.get(parts.path, {**dict(query), name: said})
                assert answer.status_code < 500, f"{address} with {name}={said[:60]!r}"
