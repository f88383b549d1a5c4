"""Verbs about contracts: ``profile check``, ``calendar``, ``api-key``, ``invite``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import Any

from .complaint import Complaint, say, set_up_django


def add(verbs: Any) -> None:
    profile = verbs.add_parser("profile", help="check contract profiles")
    kinds = profile.add_subparsers(dest="what", required=True, metavar="check")
    check = kinds.add_parser(
        "check", help="check profile files; every problem is one line `file: key: expected … (got …)`"
    )
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.set_defaults(do=_check)

    calendar = verbs.add_parser("calendar", help="opening hours of a contract day by day")
    calendar.add_argument("contract", metavar="CONTRACT")
    calendar.add_argument("--site", required=True, help="site code, e.g. main")
    calendar.add_argument("--channel", required=True, choices=["web", "phone", "counter", "online"])
    calendar.add_argument("--from", dest="first", required=True, type=date_argument, metavar="YYYY-MM-DD")
    calendar.add_argument("--to", dest="last", required=True, type=date_argument, metavar="YYYY-MM-DD")
    calendar.add_argument("--json", action="store_true", help="print JSON")
    calendar.add_argument(
        "--plain", action="store_true", help="the profile alone, without one-day changes by staff; needs no database"
    )
    calendar.set_defaults(do=_calendar)

    key = verbs.add_parser("api-key", help="make a key of the programming interface and print it once")
    key.add_argument("contract", metavar="CONTRACT")
    key.add_argument(
        "--scopes", required=True, help="with commas: availability:read,reservations:read,reservations:write"
    )
    key.add_argument("--name", default="command line", help="what it is for")
    key.add_argument("--per-minute", type=int, default=600, help="requests per minute and process; 0: no limit")
    key.add_argument(
        "--from", dest="sources", default="", metavar="NETWORK", help="holds from these addresses only, with commas: 203.0.113.0/24"
    )
    key.set_defaults(do=_api_key)

    invite = verbs.add_parser("invite", help="invite a person by mail: the way to the first account of an installation")
    invite.add_argument("contract", metavar="CONTRACT")
    invite.add_argument("--email", required=True)
    invite.add_argument("--name", required=True)
    invite.add_argument(
        "--role", required=True, choices=["auditor", "operator", "counter", "supervisor", "manager", "city"]
    )
    invite.add_argument("--organisation", default="")
    invite.set_defaults(do=_invite)


def date_argument(text: str) -> dt.date:
    """A day for argparse; the complaint shows the form."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD") from None


def _check(arguments: argparse.Namespace) -> int:
    from madoguchi.ground.contracts.profile import ProfileError, load_profile

    wrong = 0
    for path in arguments.files:
        try:
            profile = load_profile(path)
        except ProfileError as error:
            say(str(error))
            wrong += 1
        except OSError as error:
            say(f"{path}: cannot be read: {error.strerror}")
            wrong += 1
        else:
            say(
                f"{path}: good ({profile.city.name}, {len(profile.sites)} site(s), {len(profile.procedures)} procedures)"
            )
    return 1 if wrong else 0


def _calendar(arguments: argparse.Namespace) -> int:
    from config import env
    from madoguchi.ground.contracts.calendar import BusinessCalendar, CalendarError, day_as_json
    from madoguchi.ground.contracts.profile import ProfileError, load_profile

    path = env.path("MADOGUCHI_PROFILES", env.BASE / "profiles") / f"{arguments.contract}.toml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml")))
        raise Complaint(f"no contract {arguments.contract!r}; there are: {known}", 2)
    try:
        profile = load_profile(path)
    except ProfileError as error:
        raise Complaint(str(error), 2) from None
    calendar = BusinessCalendar(profile)
    if not arguments.plain:
        calendar = _with_changes(arguments)
    try:
        days = calendar.days(arguments.site, arguments.channel, arguments.first, arguments.last)
    except CalendarError as error:
        raise Complaint(str(error), 2) from None
    if arguments.json:
        say(json.dumps([day_as_json(day) for day in days], ensure_ascii=False))
        return 0
    for day in days:
        shown = day_as_json(day)
        hours = ", ".join("–".join(span) for span in shown["open"]) or "—"
        say(f"{shown['date']}  {hours:<24} {shown['last_reception'] or '':<6} {shown['reason']}")
    return 0


def _with_changes(arguments: argparse.Namespace) -> Any:
    set_up_django()
    from madoguchi.ground.contracts.queries import calendar_of
    from madoguchi.ground.contracts.tenancy import contract_scope

    contract = find_contract(arguments.contract)
    with contract_scope(contract):
        return calendar_of(contract, arguments.first, arguments.last)


def find_contract(code: str) -> Any:
    """The contract of a code, or a complaint that says which there are."""
    from django.db import ProgrammingError

    from madoguchi.ground.contracts.models import Contract

    try:
        found = {contract.code: contract for contract in Contract.objects.all()}
    except ProgrammingError:
        raise Complaint("the database is empty: run `madoguchi migrate` first", 2) from None
    if code not in found:
        raise Complaint(
            f"no contract {code!r} in the database; there are: {', '.join(found) or 'none: run `madoguchi migrate`'}", 2
        )
    return found[code]


def _api_key(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.ground.accounts.keys import ADDRESSED, BadSource, UnknownScope, make_key, read_sources
    from madoguchi.ground.kit import clock
    from madoguchi.ground.kit.actors import SYSTEM

    scopes = [scope.strip() for scope in arguments.scopes.split(",") if scope.strip()]
    if ADDRESSED in scopes and not arguments.sources:
        raise Complaint(f"a key of {ADDRESSED} stands in an address: name the networks it may come from with --from", 2)
    try:
        secret = make_key(
            find_contract(arguments.contract),
            name=arguments.name,
            scopes=scopes,
            per_minute=arguments.per_minute,
            sources=read_sources(arguments.sources),
            by=SYSTEM,
            now=clock.now(),
        )
    except (UnknownScope, BadSource) as error:
        raise Complaint(str(error), 2) from None
    say(secret)
    return 0


def _invite(arguments: argparse.Namespace) -> int:
    set_up_django()
    from django.core.exceptions import ValidationError

    from madoguchi.ground.accounts.models import Role
    from madoguchi.ground.accounts.services import invite
    from madoguchi.ground.kit import clock

    try:
        invite(
            find_contract(arguments.contract),
            email=arguments.email,
            name=arguments.name,
            organisation=arguments.organisation,
            role=Role(arguments.role),
            by=None,
            now=clock.now(),
        )
    except ValidationError as error:
        raise Complaint(" ".join(error.messages)) from None
    say(f"invited {arguments.email} as {arguments.role} of {arguments.contract}; the link is valid for 72 hours")
    return 0
