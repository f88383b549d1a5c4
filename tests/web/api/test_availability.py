"""The month calendar before Django: bytes with a strong ETag, at most a moment old."""

from __future__ import annotations

import re
import time

import pytest

from .conftest import Answer, Caller
from .test_reservations import PATH, make

ASK = "site=main&procedure=card_pickup&from=2026-11-09&to=2026-11-13"


@pytest.mark.req("BOOK-03")
@pytest.mark.parametrize("path", ["/api/v1/hatsukaichi/availability", "/hatsukaichi/calendar.json"])
def test_days_and_times_are_shown_without_a_key(anyone: Caller, path: str) -> None:
    answer = anyone("GET", f"{path}?{ASK}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r'"[^"]+"', answer.headers["etag"]), "a strong tag"
    shown = answer.json
    assert (shown["site"], shown["procedures"], shown["people"]) == ("main", ["card_pickup"], 1)
    assert [day["date"] for day in shown["days"]] == [f"2026-11-{n:02}" for n in range(9, 14)]
    tuesday = shown["days"][1]
    assert tuesday["mark"] == "o"
    assert tuesday["left"] == sum(slot["left"] for slot in tuesday["slots"])
    assert tuesday["slots"][0]["starts_at"].startswith("2026-11-10T")


def within_a_second(call: Caller, address: str, tag: str) -> Answer:
    """The answer as soon as it is another than ``tag``; it has to be within a second."""
    until = time.monotonic() + 1
    while (answer := call("GET", address, if_none_match=tag)).status == 304 and time.monotonic() < until:
        time.sleep(0.02)
    assert answer.status == 200
    return answer


@pytest.mark.req("BOOK-03")
def test_the_tag_changes_with_a_booking_and_not_without(call: Caller) -> None:
    address = f"/api/v1/hatsukaichi/availability?{ASK}"
    first = call("GET", address)
    same = call("GET", address, if_none_match=first.headers["etag"])
    assert (same.status, same.raw) == (304, b"")
    assert same.headers["etag"] == first.headers["etag"]
    code = make(call)["code"]
    after = within_a_second(call, address, first.headers["etag"])
    assert after.headers["etag"] != first.headers["etag"]
    left = [day["left"] for day in first.json["days"]]
    assert [day["left"] for day in after.json["days"]] == [left[0], left[1] - 1, *left[2:]]
    call("DELETE", f"{PATH}/{code}")
    back = within_a_second(call, address, after.headers["etag"])
    assert [day["left"] for day in back.json["days"]] == left


@pytest.mark.parametrize(
    "query",
    [
        "",
        "site=main&procedure=card_pickup&from=2026-11-09",
        "site=main&procedure=card_pickup&from=2026-11-09&to=tomorrow",
        "site=main&procedure=card_pickup&from=2026-11-13&to=2026-11-09",
        "site=main&procedure=card_pickup&from=2026-11-01&to=2027-01-03",
        "site=main&procedure=card_pickup&from=0001-01-01&to=0001-01-02",
        "site=main&procedure=card_pickup&people=two&from=2026-11-09&to=2026-11-13",
        "site=main&procedure=,&from=2026-11-09&to=2026-11-13",
    ],
)
def test_a_question_that_cannot_be_read_is_a_bad_request(anyone: Caller, query: str) -> None:
    answer = anyone("GET", f"/api/v1/hatsukaichi/availability?{query}")
    assert answer.status == 400
    assert answer.json["status"] == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "etag" not in answer.headers


@pytest.mark.parametrize(
    "address",
    [
        f"/api/v1/nowhere/availability?{ASK}",
        f"/api/v1/hatsukaichi/availability?{ASK.replace('main', 'moon')}",
        f"/api/v1/hatsukaichi/availability?{ASK.replace('card_pickup', 'fly')}",
    ],
)
def test_what_does_not_exist_is_not_found(anyone: Caller, address: str) -> None:
    answer = anyone("GET", address)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
