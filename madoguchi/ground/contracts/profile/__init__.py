"""Contract profiles: what was agreed with a city, read from ``profiles/<code>.toml``.

Words: a *profile* is the whole file; a *site* is a place residents come to; a *channel* is a way in (web, phone,
counter, online); *hours* tell when a channel of a site is open; a *pool* is a set of procedures that share seats; a
*duty* is something the contractor owes by a date.

Invariants: a loaded profile is frozen and consistent in itself (:func:`check` finds nothing); no module here knows a
city's name, Django or the clock. Cities differ only in what these models can say.
"""

from .booking import (
    STANDARD_PROCEDURES,
    Booking,
    Contingent,
    Contingents,
    Cutoff,
    External,
    FewLeft,
    Notices,
    Pool,
    Procedure,
    Reminder,
    Waiting,
    Window,
)
from .cards import Cabinet, Cards
from .checks import Problem, check
from .duties import Charge, Due, DueException, Duty, Kpis, Payment, Retention, Staffing, Volume
from .fields import STANDARD_FIELDS, FieldOption, FieldRule
from .hours import Designated, Hours, NthWeekday, StopRule, Weekly, YearEnd
from .loading import ProfileError, load_all, load_profile, parse_profile
from .parties import Channels, ChannelTerms, City, Contractor, Fiscal, Office, Outreach, Site, Term
from .reception import Reception, WindowGroup
from .root import Profile
from .telephone import AnswerRate, MenuKey, QueueTerms, SecondLine, Telephone
from .values import (
    CHANNELS,
    END_OF_DAY,
    LANGUAGES,
    WEEKDAYS,
    Channel,
    Language,
    Weekday,
    clock_of,
    clock_text,
    minute_of,
    parse_clock,
    parse_span,
)
from .worklists import DeferReason, ItemResult, WorkList

__all__ = [
    "CHANNELS",
    "END_OF_DAY",
    "LANGUAGES",
    "STANDARD_FIELDS",
    "STANDARD_PROCEDURES",
    "WEEKDAYS",
    "AnswerRate",
    "Booking",
    "Cabinet",
    "Cards",
    "Channel",
    "ChannelTerms",
    "Channels",
    "Charge",
    "City",
    "Contingent",
    "Contingents",
    "Contractor",
    "Cutoff",
    "DeferReason",
    "Designated",
    "Due",
    "DueException",
    "Duty",
    "External",
    "FewLeft",
    "FieldOption",
    "FieldRule",
    "Fiscal",
    "Hours",
    "ItemResult",
    "Kpis",
    "Language",
    "MenuKey",
    "Notices",
    "NthWeekday",
    "Office",
    "Outreach",
    "Payment",
    "Pool",
    "Problem",
    "Procedure",
    "Profile",
    "ProfileError",
    "QueueTerms",
    "Reception",
    "Reminder",
    "Retention",
    "SecondLine",
    "Site",
    "Staffing",
    "StopRule",
    "Telephone",
    "Term",
    "Volume",
    "Waiting",
    "Weekday",
    "Weekly",
    "Window",
    "WindowGroup",
    "WorkList",
    "YearEnd",
    "check",
    "clock_of",
    "clock_text",
    "load_all",
    "load_profile",
    "minute_of",
    "parse_clock",
    "parse_profile",
    "parse_span",
]
