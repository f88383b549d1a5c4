"""The city's file: every month and number as people write them, and every mistake with its line and column."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.forecast.files import MOST_LINES, read_cohorts

pytestmark = pytest.mark.req("REP-08")


def faults(text: str) -> list[tuple[int, int]]:
    found = read_cohorts(text.encode("cp932"))
    assert found.faults == [] or all(one.reason.endswith("。") for one in found.faults)
    return [(one.line, one.column) for one in found.faults]


def test_months_kinds_and_numbers_as_people_write_them() -> None:
    text = '種類,月,備考,件数\nカード,2026-12,x,"1,840"\n電子証明書,令和9年1月,,２２０件\n証明書,2027/02,,0\nマイナンバーカード,2027年3月,,5\n'
    assert read_cohorts(text.encode()).counts == {
        ("card", dt.date(2026, 12, 1)): 1840, ("certificate", dt.date(2027, 1, 1)): 220, ("certificate", dt.date(2027, 2, 1)): 0,
        ("card", dt.date(2027, 3, 1)): 5,
    }  # fmt: skip


def test_each_mistake_has_its_place() -> None:
    assert faults("月,種類,件数\n2026-13,カード,1\n2026-12,免許,1\n2026-12,カード,-1\n,,\n2026-11,カード,十\n") == [
        (2, 1), (3, 2), (4, 3), (6, 3),
    ]  # fmt: skip
    assert faults("月,種類,件数\n2026-12,カード,1\n令和8年12月,カード,2\n") == [(3, 0)]
    assert faults("月,種類\n2026-12,カード\n") == [(1, 0)]
    assert faults("月,種類,件数\n") == [(1, 0)]
    assert faults("月,種類,件数\n2026-12,カード\n") == [(2, 3)]
    assert faults("月,種類,件数\n" + "2026-12,カード,1\n" * (MOST_LINES + 1)) == [(MOST_LINES + 2, 0)]
    assert read_cohorts(b"").faults
