""""Next, please" before Django: the same answer, the same checks, and Django for all that is not as usual."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.reception.models import Ticket
from madoguchi.domain.reception.services import tickets, windows
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import Actor, ActorKind
from madoguchi.ground.kit.actors import Channel as Way
from madoguchi.web.counter import calls
from tests.web.staff_site import SignIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
BY = Actor(ActorKind.COUNTER, Way.COUNTER, "user:1")
WINDOW = "/staff/hatsukaichi/counter/main/windows/1/"
NEXT = f"{WINDOW}next/"


class Browser:
    """A browser that talks WSGI with the whole program, keeps its cookies, and counts what reached Django."""

    def __init__(self, client: Client) -> None:
        self.cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        self.to_django = 0
        django = WSGIHandler()

        def counted(environ: dict[str, object], start: Callable[..., object]) -> object:
            self.to_django += 1
            return django(environ, start)  # type: ignore[arg-type]

        self.application = calls.wrap(counted)  # type: ignore[arg-type]

    def send(self, method: str, path: str, body: str = "", **headers: str) -> tuple[str, dict[str, str], str]:
        data, told = body.encode(), []
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "testserver", "SERVER_PORT": "80", "SCRIPT_NAME": "",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "testserver", "HTTP_USER_AGENT": "tests", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(data),
            "wsgi.errors": io.StringIO(), "wsgi.multiprocess": True, "wsgi.multithread": True, "CONTENT_LENGTH": str(len(data)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_COOKIE": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **headers,
        }  # fmt: skip
        answer = self.application(environ, lambda status, given, *_: told.extend((status, given)))
        page = b"".join(answer).decode()
        if hasattr(answer, "close"):
            answer.close()
        status, given = told
        for name, value in given:
            if name.lower() == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    self.cookies.pop(key, None)
                    if str(morsel["max-age"]) != "0":
                        self.cookies[key] = morsel.value
        return status, {name.lower(): value for name, value in given}, page

    def look(self) -> str:
        status, _, page = self.send("GET", WINDOW)
        assert status.startswith("200"), status
        return page

    def form(self) -> dict[str, str]:
        """The fields of the button 次の方を呼び出す, as they stand in the page."""
        found = re.search(r'action="[^"]*/next/">.*?name="csrfmiddlewaretoken" value="(\w+)".*?name="key" value="(\w+)"', self.look(), re.S)
        assert found
        return {"csrfmiddlewaretoken": found[1], "key": found[2]}

    def call(self, **headers: str) -> tuple[str, dict[str, str], str]:
        return self.send("POST", NEXT, urlencode(self.form()), **headers)


@pytest.fixture
def counter(contracts: dict[str, Contract], now: dt.datetime, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    """廿日市市 at ten o'clock with five parties; calls are committed in groups."""
    settings.GROUP_COMMIT = True
    contract, at = contracts["hatsukaichi"], now + dt.timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: at)
    availability.forget()
    calls._known.clear()
    set_up(contract, now=now)
    for n in range(5):
        tickets.issue(contract, site="main", parts={"card_pickup": 1}, key=f"party{n}", by=BY, now=now + dt.timedelta(seconds=n))
    yield contract
    calls._known.clear()
    availability.forget()


@pytest.fixture
def browser(counter: Contract, sign_in: SignIn) -> Browser:
    """Somebody at window 1, whose first call has gone through Django."""
    made = Browser(sign_in(counter, Role.COUNTER))
    windows.open_window(counter, site="main", number=1, groups=["card"], user=User.objects.get(), key="open", by=BY, now=clock.now())
    made.first = made.call()  # type: ignore[attr-defined]
    leave(counter)
    made.look()
    made.to_django = 0
    return made


def leave(contract: Contract) -> None:
    """Who was called goes, so that the window is free."""
    with contract_scope(contract), connection.cursor() as cursor:
        cursor.execute("update reception_period set ended_at = started_at where ended_at is null and kind = 'walk'")
        cursor.execute("update reception_ticket set state = '', closed_at = now(), outcome = 'left' where state = 'walk'")


def called(contract: Contract) -> list[tuple[int, int]]:
    """Number of the audit's lane and of the ticket, in order."""
    with contract_scope(contract):
        numbers = {f"ticket:{one.pk}": one.number for one in Ticket.objects.all()}
        return [(entry.lane, numbers[entry.target]) for entry in Entry.objects.filter(action="ticket.called").order_by("id")]


@pytest.mark.req("DESK-01")
def test_the_second_call_of_a_person_is_answered_before_django(counter: Contract, browser: Browser) -> None:
    form = browser.form()
    browser.to_django = 0
    status, headers, body = browser.send("POST", NEXT, urlencode(form))
    assert (status, headers["location"], body, browser.to_django) == ("302 Found", WINDOW, "", 0)
    first_status, first_headers, _ = browser.first  # type: ignore[attr-defined]
    own = {"set-cookie"}
    assert first_status == status
    assert {k: v for k, v in headers.items() if k not in own} == {k: v for k, v in first_headers.items() if k not in own}
    (zero, one), (lane, two) = called(counter)
    assert (zero, one, two) == (0, 1, 2)
    assert lane > 0
    assert "002 を呼び出しました。" in browser.look()
    assert "を呼び出しました。" not in browser.look(), "said once"


@pytest.mark.req("DESK-01")
def test_the_same_form_sent_twice_calls_one_party(counter: Contract, browser: Browser) -> None:
    form = urlencode(browser.form())
    first, again = (browser.send("POST", NEXT, form) for _ in range(2))
    assert (first[0], again[0], again[1]["location"]) == ("302 Found", "302 Found", WINDOW)
    assert [number for _, number in called(counter)] == [1, 2]
    assert browser.look().count("002 を呼び出しました。") == 2, "both were answered with the same number"


@pytest.mark.req("SEC-05")
@pytest.mark.parametrize("forged", ["token", "no cookie", "origin"])
def test_a_forged_form_is_refused_as_by_django(counter: Contract, browser: Browser, forged: str) -> None:
    form, headers = browser.form(), {}
    if forged == "token":
        form["csrfmiddlewaretoken"] = "x" * 64
    elif forged == "no cookie":
        del browser.cookies["csrftoken"]
    else:
        headers["HTTP_ORIGIN"] = "https://elsewhere.example"
    status, _, _ = browser.send("POST", NEXT, urlencode(form), **headers)
    assert status.startswith("403")
    assert len(called(counter)) == 1


@pytest.mark.req("SEC-01")
def test_who_was_locked_out_in_the_meantime_does_not_call(counter: Contract, browser: Browser) -> None:
    form = urlencode(browser.form())
    Assignment.objects.update(role=Role.AUDITOR)
    assert browser.send("POST", NEXT, form)[0].startswith("403")
    User.objects.update(is_active=False)
    status, headers, _ = browser.send("POST", NEXT, form)
    assert (status, "/accounts/login/" in headers["location"]) == ("302 Found", True)
    assert len(called(counter)) == 1


@pytest.mark.req("SEC-05")
@pytest.mark.parametrize("other", ["host", "browser", "address", "site", "htmx", "query", "message", "field", "long", "charset", "cookies"])
def test_whatever_is_not_as_usual_goes_through_django(counter: Contract, browser: Browser, settings: LazySettings, other: str) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    form, path = browser.form(), NEXT
    headers = {
        "host": {"HTTP_HOST": "other.example"}, "browser": {"HTTP_USER_AGENT": "another"}, "address": {"REMOTE_ADDR": "127.0.0.2"},
        "htmx": {"HTTP_HX_REQUEST": "true"}, "query": {"QUERY_STRING": "a=b"},
        "charset": {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"},
        "cookies": {"HTTP_COOKIE": "; ".join(f"{k}={v}" for k, v in browser.cookies.items()) + f"; {settings.SESSION_COOKIE_NAME}=nobody"},
    }.get(other, {})  # fmt: skip
    if other == "site":
        path = path.replace("/main/", "/elsewhere/")
    elif other == "message":
        browser.cookies["messages"] = "something"
    elif other == "field":
        form["more"] = "1"
    elif other == "long":
        form["more"] = "1" * 2000
    browser.to_django = 0
    status, _, _ = browser.send("POST", path, urlencode(form), **headers)
    assert browser.to_django == 1
    assert status[:3] == ("404" if other == "site" else "302")
    assert len(called(counter)) == (1 if other in ("site", "cookies") else 2)


@pytest.mark.req("DESK-01")
def test_an_empty_queue_and_a_busy_window_are_told_as_ever(counter: Contract, browser: Browser) -> None:
    form = browser.form()
    browser.send("POST", NEXT, urlencode(form))
    browser.look()
    browser.send("POST", NEXT, urlencode({**form, "key": "f" * 32}))
    assert "呼び出し中・応対中の方がいます" in browser.look()
    leave(counter)
    with contract_scope(counter):
        Ticket.objects.filter(state="wait").update(state="hold")
    browser.call()
    assert "お待ちの方はいません。" in browser.look()


@pytest.mark.req("DESK-01")
def test_a_database_that_lost_the_connection_costs_nobody_the_call(counter: Contract, browser: Browser) -> None:
    browser.call()
    leave(counter)
    browser.look()
    form = urlencode(browser.form())
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert browser.send("POST", NEXT, form)[0] == "302 Found"
    assert [number for _, number in called(counter)] == [1, 2, 3]


@pytest.mark.req("SEC-01")
def test_somebody_who_may_only_look_is_never_known_here(counter: Contract, sign_in: SignIn) -> None:
    auditor = Browser(sign_in(counter, Role.AUDITOR))
    auditor.send("GET", WINDOW)
    body = urlencode({"csrfmiddlewaretoken": auditor.cookies.get("csrftoken", "x" * 32), "key": "a" * 32})
    for _ in range(2):
        assert auditor.send("POST", NEXT, body)[0].startswith("403")
    assert calls._known == {}
