"""The five profiles carry the figures of their specifications, and the models decide small things."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest
from pydantic import ValidationError

from madoguchi.ground.contracts.calendar import JST
from madoguchi.ground.contracts.profile import Cutoff, FewLeft, load_all, parse_profile

FOLDER = Path(__file__).parents[3] / "profiles"
ALL = load_all(FOLDER)


@pytest.mark.req("CON-01")
def test_the_five_contracts():
    assert {code: [site.code for site in p.sites] for code, p in ALL.items()} == {
        "hatsukaichi": ["main"],
        "izumi": ["honkan", "plaza"],
        "izunokuni": ["main"],
        "nagaoka": ["main"],
        "urasoe": ["main"],
    }
    assert {code: p.channels.offered() for code, p in ALL.items()} == {
        "hatsukaichi": ("web", "phone", "counter"),
        "izumi": ("web", "phone", "counter"),
        "izunokuni": ("web", "phone", "counter", "online"),
        "nagaoka": ("web", "phone", "counter"),
        "urasoe": ("web", "phone", "counter", "online"),
    }
    for profile in ALL.values():
        assert profile.languages == ("ja", "ja-easy", "en", "zh-hans", "ko", "vi", "pt", "fil", "ne", "es")
        assert profile.default_language == "ja"


@pytest.mark.req("CON-01")
@pytest.mark.parametrize(
    ("code", "begins", "ends", "contract_ends"),
    [
        ("izunokuni", date(2026, 4, 1), date(2027, 3, 31), date(2027, 3, 31)),
        ("hatsukaichi", date(2026, 7, 1), date(2028, 6, 30), date(2028, 6, 30)),
        ("izumi", date(2026, 7, 1), date(2027, 3, 31), date(2027, 3, 31)),
        ("nagaoka", date(2026, 2, 2), date(2027, 1, 31), date(2027, 1, 31)),
        ("urasoe", date(2025, 7, 1), date(2026, 3, 31), date(2026, 3, 31)),
    ],
)
def test_terms(code, begins, ends, contract_ends):
    term = ALL[code].term
    assert (term.service_from, term.service_to, term.contract_to) == (begins, ends, contract_ends)


@pytest.mark.req("CON-01", "CALL-01")
def test_lines_windows_and_thresholds():
    assert ALL["hatsukaichi"].kpis.answer_rate == 0.8
    assert ALL["hatsukaichi"].kpis.calls_per_month == 1500
    units = {
        (code, channel): getattr(p.channels, channel).units
        for code, p in ALL.items()
        for channel in ("phone", "online")
        if getattr(p.channels, channel)
    }
    assert units == {
        ("hatsukaichi", "phone"): 2,
        ("izunokuni", "phone"): 2,
        ("izunokuni", "online"): 1,
        ("urasoe", "online"): 2,
        ("izumi", "phone"): None,
        ("nagaoka", "phone"): None,
        ("urasoe", "phone"): None,
    }


@pytest.mark.req("STAFF-02")
def test_staffing_minima():
    def minima(code):
        return {(s.role, s.site): (s.minimum, s.maximum) for s in ALL[code].staffing}

    izumi = minima("izumi")
    assert izumi["staff_total", None] == (13, None)
    assert izumi["staff_honkan", "honkan"] == (10, None)
    assert izumi["guide_application", "plaza"] == (3, None)
    assert izumi["guide", "honkan"] == (1, 2)
    assert izumi["application", "honkan"] == (3, 5)
    assert izumi["setup", "honkan"] == (2, 3)
    supporter = next(s for s in ALL["urasoe"].staffing if s.role == "supporter")
    assert (supporter.minimum, supporter.per, supporter.except_spans) == (1, "day", ((time(12), time(13)),))


@pytest.mark.req("BILL-01")
def test_payment():
    def terms(code):
        p = ALL[code].payment
        return p.kind, p.instalments, p.days_to_pay, [c.unit for c in p.charges]

    assert terms("hatsukaichi") == ("monthly_fixed", None, 30, ["month"])
    assert terms("izumi") == ("monthly_fixed", None, 30, ["month"])
    assert terms("nagaoka") == ("instalments", 11, 30, ["instalment", "final"])
    assert terms("urasoe") == ("monthly_and_daily", None, 30, ["month", "day"])
    assert ALL["urasoe"].payment.partial_day == "full"


@pytest.mark.req("REP-02", "CON-03")
def test_due_rules():
    def due(code, name):
        return next(d for d in (*ALL[code].reports, *ALL[code].obligations) if d.code == name).due

    monthly = due("izumi", "monthly")
    assert (monthly.rule, monthly.day) == ("day_of_next_month", 10)
    assert [(e.period, e.date) for e in monthly.exceptions] == [("2027-03", date(2027, 3, 31))]
    assert due("izumi", "implementation_plan").days == 7
    assert due("izumi", "roster_change").days == 14
    assert due("izumi", "shredding").times == 4
    assert due("urasoe", "maintenance_check").rule == "weekly"
    assert due("urasoe", "maintenance_records").report == "monthly"
    assert due("hatsukaichi", "training_privacy").times == 1
    assert ALL["nagaoka"].retention.books_years == 5


@pytest.mark.req("REP-08")
def test_expected_volumes():
    assert {v.item: (v.count, v.per) for v in ALL["izumi"].kpis.volumes} == {
        "card_pickup": (14000, "term"),
        "visit_at_issuance": (12000, "term"),
        "visit_at_application_honkan": (800, "term"),
        "visit_at_application_plaza": (1200, "term"),
        "cert_renewal": (22000, "term"),
    }
    assert [v.count for v in ALL["nagaoka"].kpis.volumes] == [1085, 1097, 942, 301, 27, 248, 207, 73]


@pytest.mark.req("BOOK-01")
def test_the_five_kinds_of_booking():
    hatsukaichi = ALL["hatsukaichi"]
    assert [p.code for p in hatsukaichi.procedures_at("main", bookable_only=True)] == [
        "card_pickup",
        "cert_renewal",
        "pin_reset",
        "card_application",
        "other",
    ]
    assert hatsukaichi.procedure("cert_renewal").title == "電子証明書の更新・新規発行"
    assert hatsukaichi.pool_for("main", "other").code == "application"


@pytest.mark.req("BOOK-01")
def test_cards_are_not_issued_at_the_branch():
    izumi = ALL["izumi"]
    assert "card_pickup" in izumi.site("honkan").services
    assert "card_pickup" not in izumi.site("plaza").services
    assert izumi.pool_for("plaza", "card_pickup") is None
    assert izumi.channels_at("plaza") == ("web", "counter")


@pytest.mark.req("BOOK-14")
def test_our_own_reservation_is_one_line_away():
    text = (FOLDER / "izunokuni.toml").read_text()
    assert ALL["izunokuni"].booking.mode == "external"
    assert text.count('mode = "external"') == 1
    assert parse_profile(text.replace('mode = "external"', 'mode = "own"'), name="izunokuni.toml").booking.mode == "own"


@pytest.mark.req("CON-01")
def test_each_hour_price_and_capacity_says_where_it_comes_from():
    """A line with hours, dates of the term, capacities, minima or due rules names the section or is an assumption."""
    keys = (
        "open",
        "extended_until",
        "capacity",
        "minimum",
        "due",
        "service_from",
        "service_to",
        "kind",
        "units",
        "minutes",
    )
    unsourced = [
        f"{path.name}:{number}: {line}"
        for path in sorted(FOLDER.glob("*.toml"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if line.split(" = ")[0] in keys
        and not any(word in line for word in ("# spec", "# assumption", "# annex"))
        and "other" not in path.read_text().splitlines()[number - 2]
    ]
    assert unsourced == []


@pytest.mark.req("CON-01")
def test_a_profile_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        ALL["izumi"].title = "別の業務"


@pytest.mark.req("CON-01")
def test_unknown_codes_are_key_errors():
    for ask in (ALL["izumi"].site, ALL["izumi"].procedure, ALL["izumi"].pool):
        with pytest.raises(KeyError):
            ask("none")


@pytest.mark.req("BOOK-16")
@pytest.mark.parametrize(
    ("cutoff", "latest"),
    [
        (Cutoff(), datetime(2026, 7, 1, 17, 0, tzinfo=JST)),
        (Cutoff(days_before=0, at="09:00"), datetime(2026, 7, 2, 9, 0, tzinfo=JST)),
        (Cutoff(days_before=0, at="17:00"), datetime(2026, 7, 2, 10, 0, tzinfo=JST)),
        (Cutoff(days_before=3, at="24:00"), datetime(2026, 6, 29, 23, 59, 59, 999999, tzinfo=JST)),
        (Cutoff(minutes_before=0), datetime(2026, 7, 2, 10, 0, tzinfo=JST)),
        (Cutoff(minutes_before=90), datetime(2026, 7, 2, 8, 30, tzinfo=JST)),
    ],
)
def test_cutoffs(cutoff, latest):
    assert cutoff.latest(datetime(2026, 7, 2, 10, 0, tzinfo=JST)) == latest


@pytest.mark.req("BOOK-03")
@pytest.mark.parametrize(
    ("left", "capacity", "few"),
    [
        (0, 10, False),
        (2, 10, True),
        (3, 10, False),
        (4, 20, True),
        (5, 20, False),
        (1, 1, False),
        (2, 2, False),
        (1, 2, True),
    ],
)
def test_few_left(left, capacity, few):
    assert FewLeft(count=2, share=0.2).applies(left, capacity) is few
