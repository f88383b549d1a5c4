"""A deed that meets a deadlock is done again; a database that is away becomes a page that says so."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.web.ui.middleware import (
    CONTENT_SECURITY_POLICY,
    ContractScope,
    IndividualNumberNet,
    SecurityHeaders,
    with_softphone,
)


def scope(view: Any, method: str = "POST") -> HttpResponse | None:
    request = getattr(RequestFactory(), method.lower())("/hatsukaichi/")
    return ContractScope(lambda r: HttpResponse()).process_view(request, view, (), {"contract": "hatsukaichi"})


@pytest.mark.req("BOOK-02")
@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_done_again_and_never_shown(contracts: dict[str, Contract]) -> None:
    calls: list[int] = []

    def view(request: HttpRequest, contract: Contract) -> HttpResponse:
        calls.append(Site.objects.count())
        if len(calls) < 3:
            with connection.cursor() as cursor:
                cursor.execute("do $$ begin raise exception 'as if' using errcode = '40P01'; end $$")
        return HttpResponse("done")

    response = scope(view)
    assert response is not None
    assert (response.status_code, response.content, calls) == (200, b"done", [1, 1, 1])


@pytest.mark.django_db(transaction=True)
def test_other_database_errors_are_not_repeated(contracts: dict[str, Contract]) -> None:
    calls = []

    def view(request: HttpRequest, contract: Contract) -> HttpResponse:
        calls.append(1)
        raise OperationalError from psycopg.errors.DiskFull("as if")

    with pytest.raises(OperationalError):
        scope(view)
    assert calls == [1]


@pytest.mark.django_db(transaction=True)
def test_get_cannot_write(contracts: dict[str, Contract]) -> None:
    def view(request: HttpRequest, contract: Contract) -> HttpResponse:
        Site.objects.update(name="x")
        return HttpResponse()

    with pytest.raises(Exception, match="read-only transaction"):
        scope(view, "GET")


@pytest.mark.req("SEC-04")
def test_a_post_with_an_individual_number_reaches_no_view() -> None:
    request = RequestFactory().post("/hatsukaichi/", {"memo": "番号は 9832 0567 3214 です"})
    request.contract = None  # type: ignore[attr-defined]
    answer = IndividualNumberNet(lambda r: HttpResponse()).process_view(
        request, lambda r: HttpResponse("reached"), (), {}
    )
    assert answer is not None
    assert answer.status_code == 422
    assert "9832" not in answer.content.decode()


@pytest.mark.req("CALL-03")
def test_only_pages_with_the_telephone_may_use_the_microphone(settings: Any) -> None:
    settings.VOICE_DOOR_URL = "wss://denwa.example.jp/"
    request = RequestFactory().get("/staff/hatsukaichi/calls/")
    plain = SecurityHeaders(lambda r: HttpResponse())(request).headers
    marked = SecurityHeaders(with_softphone(lambda r: HttpResponse()))(request).headers
    assert plain["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "microphone=()" in plain["Permissions-Policy"]
    assert "connect-src 'self' wss://denwa.example.jp/;" in marked["Content-Security-Policy"]
    assert "microphone=(self)" in marked["Permissions-Policy"]
    assert "camera=()" in marked["Permissions-Policy"]
