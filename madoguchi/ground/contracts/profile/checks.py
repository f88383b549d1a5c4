"""Rules that hold between the parts of a profile. Each broken rule is one :class:`Problem`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import time
from itertools import pairwise
from typing import NamedTuple

from .booking import STANDARD_PROCEDURES
from .duties import Duty
from .fields import CHOSEN_FIELDS, STANDARD_FIELDS, FieldRule, matcher
from .hours import Hours
from .root import Profile
from .survey import STANDARD_QUESTIONS
from .values import clock_text


class Problem(NamedTuple):
    """One thing wrong: where, what was expected there, and what stands there (already readable)."""

    path: str
    expected: str
    got: str


def check(profile: Profile) -> list[Problem]:
    """All broken rules between the parts of ``profile``, in the order of the file's sections."""
    problems: list[Problem] = []
    for rule in (
        _codes,
        _term,
        _languages,
        _sites,
        _hours,
        _stops,
        _telephone,
        _cards,
        _reception,
        _booking,
        _pools,
        _people,
        _papers,
        _incidents,
        _payment,
        _work_lists,
        _premises,
        _survey,
        _forecast,
        _modules,
    ):
        problems.extend(rule(profile))
    return problems


def _quoted(values: Iterable[object]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _one_of(values: Iterable[object]) -> str:
    values = list(values)
    if not values:
        return "nothing, as none is defined"
    return _quoted(values) if len(values) == 1 else f"one of {_quoted(values)}"


def _unknown(path: str, values: Iterable[str], known: Iterable[str]) -> Iterator[Problem]:
    known = list(known)
    for index, value in enumerate(values):
        if value not in known:
            yield Problem(f"{path}[{index}]", _one_of(known), f'"{value}"')


def _twice(path: str, values: Iterable[object], what: str) -> Iterator[Problem]:
    seen: Counter[object] = Counter()
    for index, value in enumerate(values):
        seen[value] += 1
        if seen[value] == 2:
            shown = _quoted([value]) if isinstance(value, str) else str(value)
            yield Problem(f"{path}[{index}]", f"each {what} once", f"{shown} again")


def _work_lists(profile: Profile) -> Iterator[Problem]:
    yield from _twice("work_lists", (one.code for one in profile.work_lists), "code")
    for index, one in enumerate(profile.work_lists):
        yield from _twice(f"work_lists[{index}].results", (result.code for result in one.results), "code")
        yield from _twice(f"work_lists[{index}].reasons", (reason.code for reason in one.reasons), "code")


def _premises(profile: Profile) -> Iterator[Problem]:
    sites = [site.code for site in profile.sites]
    yield from _twice("checklists", (one.code for one in profile.checklists), "code")
    for index, one in enumerate(profile.checklists):
        path = f"checklists[{index}]"
        yield from _unknown(f"{path}.sites", one.sites, sites)
        yield from _twice(f"{path}.items", (item.code for item in one.items), "code")
        if not any(item.required for item in one.items):
            yield Problem(f"{path}.items", "at least one required item, or the list never ends", "none")
    if profile.shredding is not None:
        yearly = [duty.code for duty in profile.obligations if duty.due.rule == "times_a_year"]
        if profile.shredding.duty not in yearly:
            yield Problem("shredding.duty", f"a duty that is due times_a_year, {_one_of(yearly)}", f'"{profile.shredding.duty}"')
        yield from _twice("shredding.kinds", (kind.code for kind in profile.shredding.kinds), "code")
    if profile.photo is not None and (profile.photo.store == "s3") != bool(profile.photo.bucket):
        yield Problem("photo.bucket", "a bucket exactly if store is s3", f'"{profile.photo.bucket}"')


def _survey(profile: Profile) -> Iterator[Problem]:
    survey = profile.survey
    if survey is None:
        return
    if "surveys" not in profile.modules:
        yield Problem("survey", 'nothing unless modules has "surveys"', "a table")
    yield from _twice("survey.ways", survey.ways, "way")
    yield from _twice("survey.questions", (one.code for one in survey.questions), "code")
    yield from _twice("survey.groups", (one.code for one in survey.groups), "code")
    for index, one in enumerate(survey.questions):
        path = f"survey.questions[{index}]"
        kind, _text = STANDARD_QUESTIONS.get(one.code, (one.kind, ""))
        if not one.text and one.code not in STANDARD_QUESTIONS:
            yield Problem(f"{path}.text", f'a text, as "{one.code}" is not a standard code', "nothing")
        elif not one.text and one.kind != kind:
            yield Problem(f"{path}.kind", f'"{kind}", as the standard question has it, or a text of your own', f'"{one.kind}"')
        if one.choices and one.kind != "choice":
            yield Problem(f"{path}.choices", 'no choices unless kind is "choice"', f"{len(one.choices)} choices")
        if len(one.choices) == 1:
            yield Problem(f"{path}.choices", "none (yes and no), or at least two", "1 choice")
        yield from _twice(f"{path}.choices", (choice.code for choice in one.choices), "code")
        yield from _unknown(f"{path}.procedures", one.procedures, [item.code for item in profile.procedures])
        if one.begins is not None and one.ends is not None and one.ends < one.begins:
            yield Problem(f"{path}.ends", f"a date on or after begins {one.begins}", str(one.ends))


def _forecast(profile: Profile) -> Iterator[Problem]:
    cohorts = profile.forecast.cohorts
    known = [item.code for item in profile.procedures]
    yield from _twice("forecast.cohorts", (f"{one.kind} {one.procedure}" for one in cohorts), "kind and procedure")
    for index, one in enumerate(cohorts):
        if one.procedure not in known:
            yield Problem(f"forecast.cohorts[{index}].procedure", _one_of(known), f'"{one.procedure}"')
        if not 0 < sum(one.come) <= 1 + 1e-9:
            yield Problem(f"forecast.cohorts[{index}].come", "shares that add up to more than 0 and at most 1", f"{sum(one.come):g}")


def _codes(profile: Profile) -> Iterator[Problem]:
    for key in ("sites", "procedures", "stops", "pools", "reports", "obligations"):
        yield from _twice(key, (item.code for item in getattr(profile, key)), "code")
    for index, procedure in enumerate(profile.procedures):
        if procedure.name is None and procedure.code not in STANDARD_PROCEDURES:
            yield Problem(
                f"procedures[{index}].name", f'a name, as "{procedure.code}" is not a standard code', "nothing"
            )


def _term(profile: Profile) -> Iterator[Problem]:
    term = profile.term
    pairs = (
        ("contract_from", "contract_to"),
        ("preparation_from", "preparation_to"),
        ("service_from", "service_to"),
        ("contract_from", "service_from"),
        ("service_to", "contract_to"),
        ("preparation_to", "service_to"),
    )
    for first, last in pairs:
        begins, ends = getattr(term, first), getattr(term, last)
        if begins and ends and begins > ends:
            key, word, bound = (last, "or after", begins) if first.endswith("_from") else (first, "or before", ends)
            other = first if key == last else last
            yield Problem(f"term.{key}", f"a date on {word} {other} {bound}", str(getattr(term, key)))


def _languages(profile: Profile) -> Iterator[Problem]:
    yield from _twice("languages", profile.languages, "language")
    if profile.default_language not in profile.languages:
        yield Problem("default_language", _one_of(profile.languages), f'"{profile.default_language}"')


def _sites(profile: Profile) -> Iterator[Problem]:
    known = [procedure.code for procedure in profile.procedures]
    for index, site in enumerate(profile.sites):
        yield from _unknown(f"sites[{index}].services", site.services, known)


def _hours(profile: Profile) -> Iterator[Problem]:
    sites = [site.code for site in profile.sites]
    offered = profile.channels.offered()
    owner: dict[tuple[str, str], int] = {}
    for index, block in enumerate(profile.hours):
        path = f"hours[{index}]"
        yield from _unknown(f"{path}.sites", block.sites, sites)
        yield from _unknown(f"{path}.channels", block.channels, offered)
        for site in block.sites or sites:
            for channel in block.channels:
                first = owner.setdefault((site, channel), index)
                if first != index:
                    yield Problem(
                        path, f"each site and channel in one block, hours[{first}] has it", f'"{site}" "{channel}"'
                    )
        yield from _weekly(path, block)
        yield from _nth(path, block)
        yield from _designated(path, block)
    for channel in offered:
        if not any(channel in block.channels for block in profile.hours):
            yield Problem("hours", f'a block for the channel "{channel}"', "none")


def _last_reception(
    path: str, last: time | None, spans: tuple[tuple[time, time], ...], until: time | None = None
) -> Iterator[Problem]:
    begins, ends = spans[0][0], until or spans[-1][1]
    if last is not None and not begins <= last <= ends:
        expected = f"a time from {clock_text(begins)} to {clock_text(ends)}"
        yield Problem(f"{path}.last_reception", expected, clock_text(last))


def _weekly(path: str, block: Hours) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, weekly in enumerate(block.weekly):
        here = f"{path}.weekly[{index}]"
        for position, day in enumerate(weekly.days):
            if day in seen:
                yield Problem(f"{here}.days[{position}]", "each weekday once per block", f'"{day}" again')
            seen.add(day)
        end = weekly.open[-1][1]
        if weekly.extended_until is not None and weekly.extended_until <= end:
            yield Problem(
                f"{here}.extended_until", f"a time after {clock_text(end)}", clock_text(weekly.extended_until)
            )
        yield from _last_reception(here, weekly.last_reception, weekly.open, weekly.extended_until)


def _nth(path: str, block: Hours) -> Iterator[Problem]:
    weekly = {day: rule for rule in block.weekly for day in rule.days}
    seen: set[tuple[str, int]] = set()
    for index, rule in enumerate(block.nth):
        here = f"{path}.nth[{index}]"
        for position, number in enumerate(rule.nth):
            if (rule.weekday, number) in seen:
                yield Problem(f"{here}.nth[{position}]", f'each number once for "{rule.weekday}"', f"{number} again")
            seen.add((rule.weekday, number))
        if rule.open is not None and rule.extended_until is not None:
            yield Problem(here, "either open or extended_until", "both")
        elif rule.open is not None:
            yield from _last_reception(here, rule.last_reception, rule.open)
        elif rule.extended_until is None:
            yield Problem(here, "either open or extended_until", "neither")
        else:
            base = weekly.get(rule.weekday)
            if base is None:
                yield Problem(f"{here}.weekday", "a weekday with weekly hours to extend", f'"{rule.weekday}"')
            elif rule.extended_until <= base.open[-1][1]:
                expected = f"a time after {clock_text(base.open[-1][1])}"
                yield Problem(f"{here}.extended_until", expected, clock_text(rule.extended_until))
            else:
                yield from _last_reception(here, rule.last_reception, base.open, rule.extended_until)


def _designated(path: str, block: Hours) -> Iterator[Problem]:
    rule = block.designated
    if rule is None:
        return
    here = f"{path}.designated"
    if rule.per_month_min > rule.per_month_max:
        yield Problem(f"{here}.per_month_max", f"at least per_month_min {rule.per_month_min}", str(rule.per_month_max))
    yield from _twice(f"{here}.dates", rule.dates, "date")
    yield from _last_reception(here, rule.last_reception, rule.open)
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for index, day in enumerate(rule.dates):
        if names[day.weekday()] not in rule.weekdays:
            yield Problem(
                f"{here}.dates[{index}]",
                f"a day of the week in weekdays, {_one_of(rule.weekdays)}",
                f"{day}, {names[day.weekday()]}",
            )
    for month, days in sorted(Counter(f"{day:%Y-%m}" for day in set(rule.dates)).items()):
        if days > rule.per_month_max:
            yield Problem(f"{here}.dates", f"at most {rule.per_month_max} days a month", f"{days} in {month}")


def _stops(profile: Profile) -> Iterator[Problem]:
    for index, stop in enumerate(profile.stops):
        path = f"stops[{index}]"
        yield from _unknown(f"{path}.sites", stop.sites, [site.code for site in profile.sites])
        yield from _unknown(f"{path}.channels", stop.channels, profile.channels.offered())
        yield from _unknown(f"{path}.services", stop.services, [item.code for item in profile.procedures])
        if (stop.rule == "dates") != bool(stop.dates):
            expected = "at least one date" if stop.rule == "dates" else 'no dates unless rule is "dates"'
            yield Problem(f"{path}.dates", expected, f"{len(stop.dates)} dates")


def _telephone(profile: Profile) -> Iterator[Problem]:
    telephone = profile.telephone
    if telephone is None:
        return
    if profile.channels.phone is None:
        yield Problem("channels.phone", "a table, as there is a telephone", "nothing")
    if len([block for block in profile.hours if "phone" in block.channels]) > 1:
        yield Problem("hours", 'one block for the channel "phone", as one telephone answers for all sites', "several")
    yield from _twice("telephone.numbers", telephone.numbers, "number")
    yield from _twice("telephone.languages", telephone.languages, "language")
    yield from _twice("telephone.menu", (item.key for item in telephone.menu), "key")
    yield from _twice("telephone.menu", (item.code for item in telephone.menu), "code")
    yield from _twice("telephone.queues", (item.code for item in telephone.queues), "code")
    yield from _twice("telephone.definitions", (item.code for item in telephone.definitions), "code")
    queues = [queue.code for queue in telephone.queues]
    for index, item in enumerate(telephone.menu):
        if item.queue not in queues:
            yield Problem(f"telephone.menu[{index}].queue", _one_of(queues), f'"{item.queue}"')
        if item.language is not None and item.language not in telephone.languages:
            yield Problem(f"telephone.menu[{index}].language", _one_of(telephone.languages), f'"{item.language}"')
    if telephone.otherwise is not None and telephone.otherwise not in queues:
        yield Problem("telephone.otherwise", _one_of(queues), f'"{telephone.otherwise}"')
    for index, queue in enumerate(telephone.queues):
        if not queue.callback_key and profile.channels.web is None:
            expected = "a key, as a caller who waited too long could not reserve on the web either"
            yield Problem(f"telephone.queues[{index}].callback_key", expected, '""')


def _cards(profile: Profile) -> Iterator[Problem]:
    cards = profile.cards
    if (cards is None) == ("cards" in profile.modules):
        yield Problem("cards", *(("a table, as modules has \"cards\"", "nothing") if cards is None else ("nothing unless modules has \"cards\"", "a table")))
    if cards is None:
        return
    yield from _twice("cards.cabinets", (cabinet.code for cabinet in cards.cabinets), "code")
    try:
        matches = matcher(cards.number_pattern)
    except ValueError:
        expected = "a regular expression without look-around and back-references (Rust's regex)"
        yield Problem("cards.number_pattern", expected, _short_value(cards.number_pattern))
        return
    if cards.number_example and not matches(cards.number_example):
        yield Problem("cards.number_example", f"a number of the pattern {_short_value(cards.number_pattern)}", _short_value(cards.number_example))
    sites = [site.code for site in profile.sites]
    for index, cabinet in enumerate(cards.cabinets):
        path = f"cards.cabinets[{index}]"
        if cabinet.site not in sites:
            yield Problem(f"{path}.site", _one_of(sites), f'"{cabinet.site}"')
        if matches(f"{cabinet.label}-01"):
            expected = "a code whose labels a scanner cannot mix up with numbers of cards (cards.number_pattern)"
            yield Problem(f"{path}.code", expected, f'"{cabinet.code}"')


def _reception(profile: Profile) -> Iterator[Problem]:
    reception = profile.reception
    if reception is None:
        return
    if "desk" not in profile.modules:
        yield Problem("reception", 'nothing unless modules has "desk"', "a table")
    sites = {site.code: site for site in profile.sites}
    yield from _twice("reception.groups", [f"{group.site}.{group.code}" for group in reception.groups], "group")
    yield from _twice("reception.groups", [f"{group.site}.{group.letter}" for group in reception.groups], "letter of a site")
    for index, group in enumerate(reception.groups):
        path = f"reception.groups[{index}]"
        if group.site not in sites:
            yield Problem(f"{path}.site", _one_of(sites), f'"{group.site}"')
            continue
        yield from _unknown(f"{path}.procedures", group.procedures, sites[group.site].services)
        yield from _unknown(f"{path}.minutes", group.minutes, group.procedures)
    for index, site in enumerate(profile.sites):
        groups = reception.groups_at(site.code)
        received = {code for group in groups for code in group.procedures}
        for code in site.services:
            if groups and code not in received:
                yield Problem(f"sites[{index}].services", f'a group of reception that takes "{code}"', "none")


def _booking(profile: Profile) -> Iterator[Problem]:
    booking = profile.booking
    if booking.mode == "external" and booking.external is None:
        yield Problem("booking.external", 'a table with label and url, as mode is "external"', "nothing")
    codes = [field.code for field in booking.fields]
    yield from _twice("booking.fields", codes, "field")
    for index, field in enumerate(booking.fields):
        path = f"booking.fields[{index}]"
        if field.code not in STANDARD_FIELDS and not field.code.startswith("x_"):
            yield Problem(
                f"{path}.code", f'{_one_of(STANDARD_FIELDS)}, or a code that starts with "x_"', f'"{field.code}"'
            )
        elif field.own and not field.label:
            yield Problem(f"{path}.label", f'a label for the city\'s own field "{field.code}"', "nothing")
        yield from _field(path, field, profile)
    if not {"phone", "email"} & set(codes):
        yield Problem("booking.fields", 'a field "phone" or "email" to reach the resident', _quoted(codes) or "none")
    if booking.notice_check == "list" and not {"notice_number", "birth_date"} <= set(codes):
        expected = 'not "list" unless the fields "notice_number" and "birth_date" are asked for'
        yield Problem("booking.notice_check", expected, '"list"')


def _field(path: str, field: FieldRule, profile: Profile) -> Iterator[Problem]:
    known = [item.code for item in profile.procedures]
    yield from _unknown(f"{path}.procedures", field.procedures, known)
    yield from _unknown(f"{path}.required_for", field.required_for, field.procedures or known)
    if field.kind != "text" and not field.own:
        yield Problem(f"{path}.kind", f'nothing, as "{field.code}" is a standard field', f'"{field.kind}"')
    if field.kind == "choice" and len(field.options) < 2:
        yield Problem(f"{path}.options", 'at least two answers, as kind is "choice"', str(len(field.options)))
    elif field.kind != "choice" and field.options:
        yield Problem(f"{path}.options", 'nothing unless kind is "choice"', f"{len(field.options)} answers")
    yield from _twice(f"{path}.options", [option.code for option in field.options], "answer")
    typed = field.kind in ("text", "long") and field.code not in CHOSEN_FIELDS
    for key, value in (("max_length", field.max_length), ("pattern", field.pattern)):
        if value is not None and not typed:
            yield Problem(f"{path}.{key}", "nothing, as the field is not typed as text", _short_value(value))
    if field.pattern is not None and typed:
        try:
            matcher(field.pattern)
        except ValueError:
            expected = "a regular expression without look-around and back-references (Rust's regex)"
            yield Problem(f"{path}.pattern", expected, _short_value(field.pattern))
    for key, bound in (("minimum", field.minimum), ("maximum", field.maximum)):
        if bound is not None and field.kind == "date" and abs(bound) > 50_000:
            yield Problem(f"{path}.{key}", "days from today, at most 50000 either way", str(bound))
        if bound is not None and field.kind not in ("number", "date"):
            yield Problem(f"{path}.{key}", 'nothing unless kind is "number" or "date"', str(bound))
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        yield Problem(f"{path}.maximum", f"at least minimum {field.minimum}", str(field.maximum))
    general = profile.retention.resident_days_after_visit
    if field.retention_days is not None and field.retention_days >= general:
        expected = f"fewer days than retention.resident_days_after_visit {general}"
        yield Problem(f"{path}.retention_days", expected, str(field.retention_days))


def _short_value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _pools(profile: Profile) -> Iterator[Problem]:
    sites = {site.code: site for site in profile.sites}
    known = [procedure.code for procedure in profile.procedures]
    owner: dict[tuple[str, str], int] = {}
    for index, pool in enumerate(profile.pools):
        path = f"pools[{index}]"
        yield from _unknown(f"{path}.procedures", pool.procedures, known)
        if pool.site not in sites:
            yield Problem(f"{path}.site", _one_of(sites), f'"{pool.site}"')
            continue
        for position, code in enumerate(pool.procedures):
            if code in known and code not in sites[pool.site].services:
                expected = f'a procedure that sites "{pool.site}" offers, {_one_of(sites[pool.site].services)}'
                yield Problem(f"{path}.procedures[{position}]", expected, f'"{code}"')
            first = owner.setdefault((pool.site, code), index)
            if first != index:
                expected = f"each procedure in one pool per site, pools[{first}] has it"
                yield Problem(f"{path}.procedures[{position}]", expected, f'"{code}"')
        if profile.hours_for(pool.site, pool.channel) is None:
            yield Problem(f"{path}.channel", f'a channel with hours at "{pool.site}"', f'"{pool.channel}"')
        kept = sum(contingent.places for contingent in pool.contingents.parts().values())
        if kept > pool.capacity:
            yield Problem(f"{path}.contingents", f"at most {pool.capacity} in all", str(kept))
    for index, procedure in enumerate(profile.procedures):
        if procedure.bookable and not any(procedure.code in pool.procedures for pool in profile.pools):
            yield Problem(
                f"procedures[{index}].bookable", f'a pool with "{procedure.code}", or false', "true without a pool"
            )


def _people(profile: Profile) -> Iterator[Problem]:
    sites = [site.code for site in profile.sites]
    for index, rule in enumerate(profile.staffing):
        if rule.site is not None and rule.site not in sites:
            yield Problem(f"staffing[{index}].site", _one_of(sites), f'"{rule.site}"')
        if rule.maximum is not None and rule.maximum < rule.minimum:
            yield Problem(f"staffing[{index}].maximum", f"at least minimum {rule.minimum}", str(rule.maximum))
        if rule.channel is not None and rule.channel not in profile.channels.offered():
            yield Problem(f"staffing[{index}].channel", _one_of(profile.channels.offered()), f'"{rule.channel}"')


_NEEDS = {
    "day_of_next_month": "day",
    "before_service": "days",
    "before_change": "days",
    "on_change": "days",
    "times_a_year": "times",
    "yearly": "times",
    "with_report": "report",
    "keep_years": "years",
    "on_dates": "dates",
}


_REPORT_DRAFTS = frozenset({"figures", "opening", "incidents", "by_hand"})
_PAPER_DRAFTS = frozenset({"figures", "by_hand", "outline", "structure", "staffing", "duties", "trainings", "delivered", "breaches"})


def _papers(profile: Profile) -> Iterator[Problem]:
    reports = {report.code: report for report in profile.reports}
    lists: tuple[tuple[str, tuple[Duty, ...]], ...] = (("reports", profile.reports), ("obligations", profile.obligations))
    for index, item in enumerate(profile.obligations):
        if item.code in reports:
            yield Problem(f"obligations[{index}].code", "a code that no report has", f'"{item.code}"')
    for key, items in lists:
        for index, item in enumerate(items):
            path, due = f"{key}[{index}]", item.due
            needed = _NEEDS.get(due.rule)
            if needed and getattr(due, needed) in (None, ()):
                yield Problem(f"{path}.due.{needed}", f'a value, as rule is "{due.rule}"', "nothing")
            if due.times is not None and 12 % due.times:
                yield Problem(f"{path}.due.times", "a number that divides 12", str(due.times))
            if due.report is not None and due.report not in reports:
                yield Problem(f"{path}.due.report", _one_of(reports), f'"{due.report}"')
            elif due.report is not None and reports[due.report].due.rule == "with_report":
                yield Problem(f"{path}.due.report", "a report with a date of its own", f'"{due.report}"')
            if (item.threshold is None) == (due.rule == "month_end"):
                yield Problem(f"{path}.due.rule", '"month_end" with a threshold, and nowhere else', f'"{due.rule}"')
            if (item.proof.kind == "fact") != (item.proof.fact is not None):
                yield Problem(f"{path}.proof.fact", 'a kind of fact if kind is "fact"', f'"{item.proof.fact or "nothing"}"')
    for index, report in enumerate(profile.reports):
        if (report.period is None) == bool(report.sections):
            expected = "tables, as period is given" if report.period else "nothing unless period is given"
            yield Problem(f"reports[{index}].sections", expected, "nothing" if report.period else f"{len(report.sections)} tables")
        for place, passage in enumerate(report.passages):
            if passage.draft not in (_REPORT_DRAFTS if report.period else _PAPER_DRAFTS):
                expected = f"a draft of {'daily and monthly reports' if report.period else 'papers without a period'}"
                yield Problem(f"reports[{index}].passages[{place}].draft", expected, f'"{passage.draft}"')
        yield from _twice(f"reports[{index}].passages", [one.code for one in report.passages], "passage")


def _incidents(profile: Profile) -> Iterator[Problem]:
    terms = profile.incidents
    minutes = [one.after_minutes for one in terms.calls]
    if minutes[0] != 0:
        yield Problem("incidents.calls[0].after_minutes", "0, as the first are told with the report", str(minutes[0]))
    for index, (before, after) in enumerate(pairwise(minutes), 1):
        if after <= before:
            yield Problem(f"incidents.calls[{index}].after_minutes", f"more than {before}", str(after))
    yield from _twice("incidents.legal", [one.code for one in terms.legal], "code")
    duties = {one.code: one for one in (*profile.reports, *profile.obligations)}
    for index, one in enumerate(terms.duties):
        found = duties.get(one.duty)
        if found is None or found.due.rule not in ("at_once", "on_change"):
            yield Problem(f"incidents.duties[{index}].duty", 'a duty whose rule is "at_once" or "on_change"', f'"{one.duty}"')


def _payment(profile: Profile) -> Iterator[Problem]:
    payment = profile.payment
    units = {charge.unit for charge in payment.charges}
    wanted = {
        "monthly_fixed": {"month"},
        "monthly_and_daily": {"month", "day"},
        "daily": {"day"},
        "quarterly_fixed": {"quarter"},
        "instalments": {"instalment", "final"},
    }[payment.kind]
    if units != wanted:
        expected = f'charges of the units {_quoted(sorted(wanted))}, as kind is "{payment.kind}"'
        yield Problem("payment.charges", expected, _quoted(sorted(units)))
    if (payment.kind == "instalments") != (payment.instalments is not None):
        expected = (
            "the number of part payments" if payment.kind == "instalments" else 'nothing unless kind is "instalments"'
        )
        yield Problem("payment.instalments", expected, str(payment.instalments or "nothing"))
    first, last = profile.term.service_from, profile.term.service_to
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if payment.instalments is not None and payment.instalments >= months:
        yield Problem("payment.instalments", f"fewer than the {months} months of service", str(payment.instalments))
    reports = [report.code for report in profile.reports]
    for index, code in enumerate(payment.inspected_reports):
        if code not in reports:
            yield Problem(f"payment.inspected_reports[{index}]", _one_of(reports), f'"{code}"')
    days = [change.first for change in payment.tax_changes]
    if days != sorted(set(days)):
        yield Problem("payment.tax_changes", "days in order, each once", _quoted([day.isoformat() for day in days]))
    yield from _charges(profile)


def _charges(profile: Profile) -> Iterator[Problem]:
    yield from _twice("payment.charges", [charge.code for charge in profile.payment.charges], "code")
    roles = [rule.role for rule in profile.staffing]
    for index, charge in enumerate(profile.payment.charges):
        if charge.unit == "final" and charge.unit_price is not None:
            yield Problem(f"payment.charges[{index}].unit_price", "nothing: the final payment is what is left", str(charge.unit_price))
        if charge.role is not None and charge.role not in roles:
            yield Problem(f"payment.charges[{index}].role", _one_of(roles), f'"{charge.role}"')


def _modules(profile: Profile) -> Iterator[Problem]:
    yield from _twice("modules", profile.modules, "module")
    offered = profile.channels.offered()
    for module, channel in (("calls", "phone"), ("online", "online"), ("desk", "counter")):
        if module in profile.modules and channel not in offered:
            yield Problem(f"channels.{channel}", f'a table, as modules has "{module}"', "nothing")
