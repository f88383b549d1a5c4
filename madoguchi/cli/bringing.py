"""Verbs about what residents need: ``bring``, ``renewal``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from .complaint import Complaint, say, set_up_django
from .contracts import date_argument, find_contract

WHO = {
    "self": "self",
    "legal": "legal",
    "legal_representative": "legal",
    "parent": "legal",
    "guardian": "legal",
    "proxy": "proxy",
    "agent": "proxy",
}
def add(verbs: Any) -> None:
    bring = verbs.add_parser(
        "bring",
        help="what a resident brings to a procedure, does and minds; with the source of each line",
        epilog="Lines with `if` count only for those of whom it is true. Nothing else is assumed: without --age or --situation, every"
        " line that may count is there with its condition.",
    )
    bring.add_argument("contract", metavar="CONTRACT")
    bring.add_argument("--procedure", required=True, help="code, e.g. card_pickup, cert_renewal, pin_reset")
    bring.add_argument(
        "--who",
        default="self",
        choices=sorted(WHO),
        metavar="WHO",
        help="who stands at the counter: self, legal (parent of a child under 15, guardian of an adult ward), proxy",
    )
    bring.add_argument("--age", type=_age, help="age of the card's owner in whole years on that day")
    bring.add_argument("--on", type=date_argument, metavar="YYYY-MM-DD", help="day of the visit; today when left out")
    bring.add_argument(
        "--situation",
        action="append",
        default=[],
        metavar="S",
        type=_situation,
        help="what holds, may be repeated (pin_unknown, expired, lost …; a wrong one lists all); not:S when it is known not to hold",
    )
    bring.add_argument("--language", default="ja", help="language of the texts, e.g. ja, ja-easy, en")
    bring.add_argument("--json", action="store_true", help="print JSON")
    bring.set_defaults(do=_bring)

    renewal = verbs.add_parser("renewal", help="first day on which a card or certificate can be renewed")
    renewal.add_argument(
        "--expires", required=True, type=date_argument, metavar="YYYY-MM-DD", help="last day of validity as printed"
    )
    renewal.add_argument("--json", action="store_true", help="print JSON")
    renewal.set_defaults(do=_renewal)


def _situation(text: str) -> str:
    from madoguchi.domain.procedures.enums import Situation

    if text.removeprefix("not:") not in Situation.values:
        raise argparse.ArgumentTypeError(f"{text!r} is no situation; there are: {', '.join(Situation.values)}")
    return text


def _age(text: str) -> int:
    if not text.isdigit() or int(text) > 150:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; write whole years from 0 to 150")
    return int(text)


def _bring(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.domain.procedures.enums import Situation, Who
    from madoguchi.domain.procedures.models import BringRule, Procedure
    from madoguchi.domain.procedures.queries import bring_rows
    from madoguchi.domain.procedures.rules import bring as rules
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.kit import clock

    contract = find_contract(arguments.contract)
    on: dt.date = arguments.on or clock.now().date()
    flags: list[str] = arguments.situation
    no = frozenset(Situation(one.removeprefix("not:")) for one in flags if one.startswith("not:"))
    yes = frozenset(Situation(one) for one in flags if not one.startswith("not:"))
    if yes & no:
        raise Complaint(f"--situation {min(yes & no)}: it holds and it does not; give one of them", 2)
    with contract_scope(contract):
        own = set(Procedure.objects.values_list("code", flat=True))
        known = own | set(BringRule.objects.exclude(procedure="").values_list("procedure", flat=True))
        if arguments.procedure not in known:
            raise Complaint(f"no procedure {arguments.procedure!r}; there are: {', '.join(sorted(known))}", 2)
        rows = bring_rows(on, [arguments.procedure])
    visitor = rules.Visitor(arguments.procedure, Who(WHO[arguments.who]), arguments.age, yes, no)
    found = rules.answer(rows, visitor, on)
    call = contract.profile.phone_number
    if arguments.json:
        answer = {
            "contract": contract.code,
            "procedure": arguments.procedure,
            "offered": arguments.procedure in own,
            "who": WHO[arguments.who],
            "age": arguments.age,
            "on": on.isoformat(),
            "documents": _lines(found.documents, arguments.language),
            "steps": _lines(found.steps, arguments.language),
            "warnings": _lines(found.warnings, arguments.language),
            "ask_city": _lines(found.asks, arguments.language),
            "references": _lines(found.references, arguments.language),
            "call": call if found.silent or found.asks else None,
            "confirmed_by_city": found.confirmed,
        }
        say(json.dumps(answer, ensure_ascii=False))
        return 0
    for title, lines in (
        ("documents", found.documents),
        ("steps", found.steps),
        ("warnings", found.warnings),
        ("ask the city", found.asks),
        ("lists", found.references),
    ):
        for line in _lines(lines, arguments.language):
            condition = f" [if {', '.join(line['if'])}]" if line["if"] else ""
            mark = "" if not line["city_must_confirm"] else " (city must confirm)"
            say(f"{title}: {line['text']}{condition}{mark} <{line['source']}>")
    if found.silent:
        say(f"the table does not say what to bring: ask the city{f' ({call})' if call else ''}")
    return 0


def _lines(lines: Iterable[Any], language: str) -> list[dict[str, Any]]:
    shown = []
    for line in lines:
        text, found = line.row.text(language)
        shown.append(
            {
                "code": line.row.code,
                "text": text,
                "language": found,
                "if": [_condition(one) for one in line.conditions],
                "source": line.row.source,
                "city_must_confirm": not line.row.confirmed,
            }
        )
    return shown


def _condition(condition: Any) -> str:
    return str(condition.situation) if condition.situation else f"age {condition.ages[0]}-{condition.ages[1]}"


def _renewal(arguments: argparse.Namespace) -> int:
    from madoguchi.domain.procedures.rules.validity import renewal_opens

    opens = renewal_opens(arguments.expires)
    say(json.dumps({"expires": arguments.expires.isoformat(), "opens": opens.isoformat()}) if arguments.json else opens.isoformat())
    return 0
