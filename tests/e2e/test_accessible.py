"""Every page that a link leads to keeps WCAG 2.2 A and AA by axe: a crawl of the residents' site and of what each role sees."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Error

from .journey import Installation, book_one, faults, sign_in

Visit = Callable[..., Any]
LINKS = "() => [...document.querySelectorAll('a[href]')].filter(a => !a.hasAttribute('download')).map(a => a.href)"
ANCHOR, HREF = re.compile(r"<a\s[^>]*>"), re.compile(r'\shref="([^"]+)"')
NOT_A_PAGE = ("ics", "snapshot", "audit_export", "openapi", "figures_csv", "figures_json", "visitors_csv", "_pdf")
MOST = 150


def route(url: str) -> str | None:
    """The name of the page at an address; None for what is no page of ours."""
    try:
        found = resolve(urlsplit(url).path)
    except Resolver404:
        return None
    name = found.view_name
    return name if name and not any(name.endswith(one) for one in NOT_A_PAGE) and "logout" not in name else None


def crawl(page: Any, installation: Installation, starts: list[str], within: str, known: frozenset[str] = frozenset()) -> set[str]:
    """Look at one example of every page that can be reached; their names. Fails with all that is wrong on any of them.

    Pages in ``known`` are only gone through, by their HTML alone.
    """
    found: list[str] = []
    waiting = deque(f"{installation.url}{start}" for start in starts)
    seen: set[str] = set()
    while waiting and len(seen) < MOST:
        url = waiting.popleft().split("#")[0]
        name = route(url)
        if name is None or name in seen or not url.startswith(installation.url) or not urlsplit(url).path.startswith(within):
            continue
        if name in known:
            passed = page.request.get(url)
            assert passed.status < 500, url
            if "text/html" in passed.headers.get("content-type", ""):
                seen.add(name)
                anchors = (a for a in ANCHOR.findall(passed.text()) if " download" not in a)
                waiting.extend(urljoin(passed.url, unescape(href)) for a in anchors for href in HREF.findall(a))
            continue
        try:
            answer = page.goto(url)
        except Error as error:
            if "Download is starting" not in error.message:
                raise
            continue
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        assert answer.status < 500, url
        seen.add(name)
        if name not in known:
            found += [f"{urlsplit(url).path}: {fault}" for fault in faults(page)]
        waiting.extend(page.evaluate(LINKS))
    assert found == []
    return seen


@pytest.mark.req("BOOK-04")
def test_every_page_of_the_residents_site(visit: Visit, installation: Installation) -> None:
    page = visit(320, bypass_csp=True)
    book_one(page, email="crawl@example.jp", day="2026-12-21", at="10:00")
    own = page.locator('main a[href$="calendar.ics"]').first.get_attribute("href").removesuffix("calendar.ics")
    starts = ["/", "/hatsukaichi/", own, "/hatsukaichi/bring/?p=card_pickup", "/hatsukaichi/which/?at=letter", "/izunokuni/"]
    seen = crawl(page, installation, starts, "/")
    assert {"citizen:start", "citizen:which", "citizen:bring", "citizen:manage", "citizen:earlier", "citizen:find"} <= seen


@pytest.mark.req("BOOK-04")
def test_every_page_of_the_staff(visit: Visit, installation: Installation) -> None:
    """All that a city's official sees, and of the other roles what she does not see."""
    known: frozenset[str] = frozenset()
    for who, city, at_least in (
        ("city.hatsukaichi", "hatsukaichi", 30),
        ("operator.hatsukaichi", "hatsukaichi", 12),
        ("manager.izunokuni", "izunokuni", 20),
        ("auditor.izumi", "izumi", 10),
    ):
        page = visit(1280, bypass_csp=True)
        sign_in(page, who)
        seen = crawl(page, installation, [f"/staff/{city}/", f"/staff/{city}/desk/new/"], f"/staff/{city}/", known)
        assert len(seen) >= at_least, (who, sorted(seen))
        known |= seen
