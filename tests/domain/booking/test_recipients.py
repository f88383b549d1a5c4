"""Who a notice goes to and what it says, opened at the moment of sending."""

from __future__ import annotations

import pytest

from madoguchi.domain.booking import erasers
from madoguchi.domain.booking.recipients import manage_path, resolve
from madoguchi.domain.notices.models import Kind
from madoguchi.ground.privacy.sealing import keyring

from .desk import Desk, at

pytestmark = pytest.mark.req("BOOK-08")


def test_a_notice_carries_what_the_resident_needs(desk: Desk) -> None:
    done = desk.reserve(at(10), ["card_pickup", "pin_reset"])
    found = resolve(desk.contract, done.id, "ja", Kind.CREATED)
    assert found is not None
    assert found.address == "taro1@example.jp"
    told = found.context
    assert told["city"] == "廿日市市"
    assert told["code"] == f"{done.code[:4]}-{done.code[4:]}"
    assert told["when"].endswith("10:00") and "11月4日" in told["when"]
    assert (told["site"], told["people"]) == ("廿日市市役所", "2")
    assert told["procedures"].count("・") >= 2
    assert told["phone"] == "0120-000-000"
    assert told["link"].endswith(manage_path(desk.contract, done.code))
    assert told["hours"] == "08:30〜17:00"


@pytest.mark.parametrize("language", ["ja", "ja-easy", "en", "zh-hans", "ko", "vi", "pt", "fil", "ne", "es"])
def test_legal_names_stand_beside_translated_ones(desk: Desk, language: str) -> None:
    done = desk.reserve(at(10), ["card_pickup"])
    found = resolve(desk.contract, done.id, language, Kind.CREATED)
    assert found is not None
    assert "マイナンバーカード" in found.context["procedures"]
    assert "　" not in found.context["when"]


def test_a_notice_whose_reason_is_gone_goes_to_nobody(desk: Desk) -> None:
    done = desk.reserve(at(10))
    assert resolve(desk.contract, done.id, "ja", Kind.CANCELLED) is None
    desk.cancel(done.code)
    for kind in (Kind.CREATED, Kind.CHANGED, Kind.REMINDER, Kind.AFFECTED):
        assert resolve(desk.contract, done.id, "ja", kind) is None
    found = resolve(desk.contract, done.id, "ja", Kind.CANCELLED)
    assert found is not None and found.address == "taro1@example.jp"


def test_nobody_is_told_without_an_address_after_erasure_or_of_nothing(desk: Desk) -> None:
    silent = desk.reserve(at(10), 1, email=False)
    assert resolve(desk.contract, silent.id, "ja", Kind.CREATED) is None
    held = desk.reserve(at(11), 1, hold=True)
    assert resolve(desk.contract, held.id, "ja", Kind.CREATED) is None
    done = desk.reserve(at(12))
    erasers.erase_people(desk.contract, at(12).replace(year=2027))
    assert resolve(desk.contract, done.id, "ja", Kind.CREATED) is None
    assert resolve(desk.contract, 1 << 40, "ja", Kind.CREATED) is None


@pytest.mark.req("SEC-05")
def test_the_link_holds_a_token_that_fits_one_booking_only(desk: Desk) -> None:
    one, two = desk.reserve(at(10)), desk.reserve(at(11))
    ring = keyring(desk.contract)
    token = manage_path(desk.contract, one.code).rstrip("/").rpartition("/")[2]
    assert token == ring.token("booking", one.code)
    assert token != ring.token("booking", two.code)
    assert len(token) >= 20
