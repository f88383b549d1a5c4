"""How long a card and its certificates are valid, and from which day they can be renewed.

Sources: the Ordinance for the Individual Number Act as municipalities explain it (会津若松市, 島本町, 豊川市: change of the age on
2022-04-01; 大口町, 湖南市, 春日井市: birthdays; 対馬市: the day of issue does not count; 練馬区, たつの市, 宇都宮市: first day of the
renewal; 松戸市, 東海市: period of stay). How people born on 29 February are counted was found nowhere, so such answers say that they
are not sure.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

RENEWAL_MONTHS = 3
AGE_RULE_CHANGED = dt.date(2022, 4, 1)


@dataclass(frozen=True)
class Expiry:
    """The last day of validity. ``sure`` is False where the rule is not confirmed and the city must be asked."""

    date: dt.date
    sure: bool = True


def renewal_opens(expires: dt.date) -> dt.date:
    """First day on which a card or certificate valid until ``expires`` can be renewed: less than three months are left.

    It is the day after the same day three months before; where that day does not exist, the first of the next month.
    """
    month = expires.month - RENEWAL_MONTHS
    year, month = (expires.year, month) if month > 0 else (expires.year - 1, month + 12)
    if expires.day > calendar.monthrange(year, month)[1]:
        return _first_of_next(year, month)
    return dt.date(year, month, expires.day) + dt.timedelta(days=1)


def card_expires(issued: dt.date, born: dt.date, *, stay_until: dt.date | None = None) -> Expiry:
    """Last day of a card: the tenth birthday after the issue for adults, the fifth for minors; never after the period of stay.

    The age that counts is 18 on the day of issue (20 before 2022-04-01). A birthday on the day of issue is not counted.
    """
    grown = 18 if issued >= AGE_RULE_CHANGED else 20
    return _earlier(_birthday_after(issued, born, 10 if age_on(issued, born) >= grown else 5), stay_until)


def certificate_expires(issued: dt.date, born: dt.date, card_until: dt.date) -> Expiry:
    """Last day of the electronic certificates: the fifth birthday after their issue, never after the card."""
    return _earlier(_birthday_after(issued, born, 5), card_until)


def age_on(day: dt.date, born: dt.date) -> int:
    """Age in whole years on ``day`` (a birthday on 29 February counts from 1 March in other years)."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _birthday_after(issued: dt.date, born: dt.date, count: int) -> Expiry:
    this_year = _birthday(born, issued.year)
    first = issued.year if this_year > issued else issued.year + 1
    return Expiry(_birthday(born, first + count - 1), sure=(born.month, born.day) != (2, 29))


def _birthday(born: dt.date, year: int) -> dt.date:
    if (born.month, born.day) == (2, 29) and not calendar.isleap(year):
        return dt.date(year, 2, 28)
    return born.replace(year=year)


def _earlier(found: Expiry, limit: dt.date | None) -> Expiry:
    return Expiry(limit) if limit is not None and limit < found.date else found


def _first_of_next(year: int, month: int) -> dt.date:
    return dt.date(year + month // 12, month % 12 + 1, 1)
