"""The programming interface. Every function takes a plain request and needs none of the middleware of pages."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError
from pydantic_core import to_json

from madoguchi.domain.booking import availability, rules
from madoguchi.domain.booking.batch import Busy, Unsure
from madoguchi.domain.booking.cards import refusals
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.errors import ImportRefused, Refused
from madoguchi.domain.booking.external import Names, Visit, read_visit
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.party import (
    CONTACT,
    PERSON,
    Contact,
    Person,
    clean_contact,
    clean_person,
    missing_of_contact,
)
from madoguchi.domain.booking.queries import external
from madoguchi.domain.booking.queries.desk import unseal_contact
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import change, reserve
from madoguchi.domain.booking.services.external import import_visits
from madoguchi.domain.notices.queries import stop_now
from madoguchi.ground.accounts.keys import Key, find_key, seconds_to_wait
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import contract_by_code
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.guard import REFUSAL, may_hold_number, scan_json
from madoguchi.ground.privacy.sealing import keyring

from .schema import ChangeBody, ContactBody, PersonBody, ReservationBody, VisitsBody, openapi

log = logging.getLogger(__name__)
_PATH = re.compile(r"/api/v1/([a-z0-9-]+)/reservations(?:/([A-Za-z0-9-]{1,20}))?/?")
_VISITS = re.compile(r"/api/v1/([a-z0-9-]+)/visits/?")
_KEY = re.compile(r"[A-Za-z0-9._:-]{8,48}")
_LAST_DAYS = 62
TITLES = {
    400: "Bad request",
    401: "A valid key is needed",
    403: "The key lacks the scope",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible",
    413: "Too large",
    415: "Unsupported media type",
    422: "Please correct the input",
    429: "Too many requests",
    500: "Internal error",
    503: "Busy, please retry",
}


class Failure(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        errors: list[dict[str, str]] | None = None,
        retry: int = 0,
        allow: str = "",
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.retry, self.allow = status, detail, errors or [], retry, allow


def problem_body(status: int, detail: str = "", errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """RFC 9457 problem details."""
    return {"title": TITLES[status], "status": status, "detail": detail, "errors": errors or []}


def _json(status: int, body: Any, *, media: str = "application/json", **headers: str) -> HttpResponse:
    response = HttpResponse(to_json(body, fallback=str), status=status, content_type=media)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def _problem(failure: Failure) -> HttpResponse:
    body = problem_body(failure.status, failure.detail, failure.errors)
    response = _json(failure.status, body, media="application/problem+json")
    if failure.retry:
        response.headers["Retry-After"] = str(failure.retry)
    if failure.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if failure.allow:
        response.headers["Allow"] = failure.allow
    return response


@csrf_exempt
def entry(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Any path under ``/api/v1/``: finds the deed, turns every failure into a problem document."""
    try:
        return _dispatch(request)
    except Failure as failure:
        return _problem(failure)
    except Refused as refused:
        status = (
            422 if refused.reason in (Refusal.TOO_MANY_PEOPLE, Refusal.NO_PEOPLE, Refusal.UNKNOWN_PROCEDURE) else 409
        )
        return _problem(Failure(status, refused.message, [{"field": "", "message": refused.reason}]))
    except availability.Unknown as unknown:
        return _problem(Failure(422, str(unknown)))
    except ImportRefused as refused:
        return _problem(Failure(409, str(refused)))
    except (Busy, Unsure):
        return _problem(
            Failure(
                503,
                "混み合っています。同じ Idempotency-Key でもう一度送ってください。二重に予約されることはありません。",
                retry=2,
            )
        )
    except (InterfaceError, DatabaseError) as error:
        log.warning("api: %s", error)
        if not connection.in_atomic_block:
            connection.close()
        return _problem(Failure(503, "データベースに一時的に接続できません。もう一度送ってください。", retry=3))


def _dispatch(request: HttpRequest) -> HttpResponse:
    path = request.path_info
    if path == "/api/v1/openapi.json":
        _need(request, "GET")
        return _json(200, openapi())
    if path.endswith("/availability"):
        _need(request, "GET")
        status, etag, body = snapshot(path, request.META.get("QUERY_STRING", ""))
        if request.META.get("HTTP_IF_NONE_MATCH") == etag and etag:
            response = HttpResponse(status=304)
        else:
            media = "application/json" if etag else "application/problem+json"
            response = HttpResponse(body, status=int(status[:3]), content_type=media)
        if etag:
            response.headers["ETag"] = etag
        return response
    if found := _VISITS.fullmatch(path):
        contract = _contract(found[1])
        _running(contract)
        _need(request, "GET", "POST")
        return _visits(request, contract) if request.method == "GET" else _take_visits(request, contract)
    found = _PATH.fullmatch(path)
    if not found:
        raise Failure(404, "このアドレスはありません。/api/v1/openapi.json を見てください。")
    contract = _contract(found[1])
    _running(contract)
    if found[2] is None:
        _need(request, "POST")
        return _post(request, contract)
    code = rules.read_code(found[2])
    _need(request, "GET", "PATCH", "DELETE")
    deed: Callable[[HttpRequest, Contract, str], HttpResponse] = {"GET": _get, "PATCH": _patch, "DELETE": _delete}[
        request.method or ""
    ]
    return deed(request, contract, code)


def _need(request: HttpRequest, *methods: str) -> None:
    if request.method not in methods:
        allow = ", ".join(methods)
        raise Failure(405, f"使えるのは {allow} です。", allow=allow)


def _running(contract: Contract) -> None:
    now = clock.now()
    stop = stop_now(contract, now)
    if stop is not None:
        wait = max(1, int((stop.ends_at - now).total_seconds()))
        raise Failure(503, f"{stop.ends_at.astimezone(JST):%Y-%m-%d %H:%M} まで計画停止中です。", retry=wait)


def _contract(code: str) -> Contract:
    try:
        return contract_by_code(code)
    except Contract.DoesNotExist:
        raise Failure(404, f"契約 {code} はありません。") from None


def _key(request: HttpRequest, contract: Contract, scope: str) -> Key:
    kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    key = find_key(contract, secret.strip()) if kind.lower() == "bearer" and secret else None
    if key is None:
        raise Failure(401, "Authorization: Bearer <APIキー> を付けてください。")
    if scope not in key.scopes:
        raise Failure(403, f"このキーには {scope} の権限がありません。")
    wait = seconds_to_wait(key)
    if wait:
        raise Failure(429, f"1分あたり{key.per_minute}回までです。", retry=int(wait) + 1)
    return key


def _actor(key: Key, channel: str) -> Actor:
    return Actor(ActorKind.API, Channel(channel), ref=f"key:{key.id}", label=key.name)


def _body(request: HttpRequest, model: Any) -> Any:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > 100_000:
        raise Failure(413, "本文は100KBまでです。")
    try:
        body = model.model_validate_json(request.body)
    except ValidationError as wrong:
        errors = [
            {"field": ".".join(str(p) for p in e["loc"]), "message": e["msg"]} for e in wrong.errors(include_url=False)
        ]
        raise Failure(422 if errors[0]["field"] else 400, "入力を確かめてください。", errors) from None
    held = may_hold_number(request.body.decode()) and scan_json(body.model_dump(exclude_none=True, mode="json"))
    if held:
        raise Failure(422, str(REFUSAL), [{"field": path.removeprefix("$."), "message": str(REFUSAL)} for path in held])
    return body


def _people(
    contract: Contract, people: list[PersonBody], default: str | None, today: dt.date, before: Person | None = None
) -> list[tuple[str, Person]]:
    known = {p.code for p in contract.profile.procedures}
    cleaned, errors = [], []
    for i, body in enumerate(people):
        procedure = body.procedure or default
        if procedure not in known:
            errors.append(
                {
                    "field": f"people.{i}.procedure",
                    "message": f"手続きのコードを指定してください（{'、'.join(sorted(known))}）。",
                }
            )
            continue
        result = clean_person(contract.profile, procedure, body.model_dump(exclude={"id", "procedure"}), today=today)
        errors += [{"field": f"people.{i}.{field}", "message": message} for field, message in result.errors.items()]
        cleaned.append((procedure, Person(result.values)))
    if not errors:
        wrong = refusals(contract, [(person, before) for _code, person in cleaned], today=today)
        errors += [{"field": f"people.{i}.{f}", "message": text} for i, told in wrong.items() for f, text in told.items()]
    if errors:
        raise Failure(422, "入力を確かめてください。", errors)
    return cleaned


def _contact(contract: Contract, procedures: list[str], body: ContactBody, today: dt.date) -> Contact:
    told = body.model_dump()
    result = clean_contact(contract.profile, procedures, told, today=today)
    unknown = [code for code in body.own if contract.profile.booking.field(code) is None]
    errors = {**result.errors, **dict.fromkeys(unknown, "この契約では聞いていない項目です。")}
    if errors:
        raise Failure(
            422, "入力を確かめてください。", [{"field": f"contact.{f}", "message": m} for f, m in errors.items()]
        )
    return Contact(result.values)


def _post(request: HttpRequest, contract: Contract) -> HttpResponse:
    key = _key(request, contract, "reservations:write")
    idempotency = request.META.get("HTTP_IDEMPOTENCY_KEY", "")
    if not _KEY.fullmatch(idempotency):
        raise Failure(400, "Idempotency-Key（8〜48字の英数字と . _ : -）を付けてください。")
    body: ReservationBody = _body(request, ReservationBody)
    now = clock.now()
    people = _people(contract, body.people, body.procedure, now.date())
    wanted = reserve.Reservation(
        site=body.site,
        starts_at=body.starts_at.astimezone(JST),
        people=people,
        contact=_contact(contract, [code for code, _person in people], body.contact, now.date()),
        language=body.language,
        key=f"k{key.id}.{idempotency}",
    )
    made = reserve.reserve(contract, wanted, by=_actor(key, body.channel), now=now)
    shown = {
        "code": rules.show_code(made.code),
        "starts_at": made.starts_at.isoformat(),
        "manage_url": manage_path(contract, made.code),
    }
    return _json(200 if made.replayed else 201, shown, Location=f"/api/v1/{contract.code}/reservations/{made.code}")


def _find(contract: Contract, code: str) -> Booking:
    booking = Booking.objects.select_related("site").filter(code=code).exclude(state=State.HELD).first()
    if booking is None:
        raise Failure(404, "この予約番号の予約はありません。")
    return booking


def _shown(contract: Contract, booking: Booking) -> dict[str, Any]:
    ring = keyring(contract)
    attendees = Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position")
    return {
        "code": rules.show_code(booking.code),
        "state": booking.state,
        "site": booking.site.code,
        "starts_at": booking.starts_at.astimezone(JST).isoformat(),
        "ends_at": booking.ends_at.astimezone(JST).isoformat(),
        "language": booking.language,
        "channel": booking.channel,
        "version": booking.version,
        "people": [
            {
                "id": a.pk,
                "procedure": a.procedure.code,
                "starts_at": a.starts_at.astimezone(JST).isoformat(),
                "ends_at": a.ends_at.astimezone(JST).isoformat(),
                **(ring.unseal_json(PERSON, a.person) if a.person else {}),
            }
            for a in attendees
        ],
        "contact": ring.unseal_json(CONTACT, booking.contact) if booking.contact else {},
    }


def _get(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    key = _key(request, contract, "reservations:read")
    now = clock.now()
    with contract_scope(contract):
        booking = _find(contract, code)
        shown = _shown(contract, booking)
        audit.record(contract, "booking.viewed", f"booking:{booking.pk}", by=_actor(key, "web"), now=now)
    return _json(200, shown)


def _patch(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    key = _key(request, contract, "reservations:write")
    body: ChangeBody = _body(request, ChangeBody)
    now = clock.now()
    by = _actor(key, body.channel)
    with contract_scope(contract):
        booking = _find(contract, code)
        if body.version is not None and reserve.lock_booking(code).version != body.version:
            raise Refused(Refusal.STALE)
        version = body.version
        if body.contact is not None:
            contact = _contact(contract, _procedures(booking, body), body.contact, now.date())
            edited = change.edit_contact(contract, code, contact=contact, by=by, now=now)
            version = edited.version if version is not None else None
        elif body.people is not None:
            _still_answered(contract, booking, body)
        if body.starts_at is not None or body.people is not None:
            members = _members(contract, booking, body, now.date())
            starts = body.starts_at.astimezone(JST) if body.starts_at else booking.starts_at
            change.revise(contract, code, members=members, starts_at=starts, by=by, now=now, version=version)
        return _json(200, _shown(contract, _find(contract, code)))


def _still_answered(contract: Contract, booking: Booking, body: ChangeBody) -> None:
    """A party that comes for something else may have to answer more than it has. Raises :class:`Failure`."""
    contact = unseal_contact(keyring(contract), booking)
    before = missing_of_contact(contract.profile, list(_came_for(booking).values()), contact)
    after = missing_of_contact(contract.profile, _procedures(booking, body), contact)
    if new := [code for code in after if code not in before]:
        errors = [{"field": f"contact.{code}", "message": "この手続きでは入力が必要です。"} for code in new]
        raise Failure(422, "手続きが変わるため、contact に足りない項目があります。contact も送ってください。", errors)


def _came_for(booking: Booking) -> dict[int, str]:
    return dict(Attendee.objects.filter(booking=booking).values_list("pk", "procedure__code"))


def _procedures(booking: Booking, body: ChangeBody) -> list[str]:
    """What the party comes for after the change."""
    before = _came_for(booking)
    if body.people is None:
        return list(before.values())
    return [person.procedure or before.get(person.id or 0, "") for person in body.people]


def _members(contract: Contract, booking: Booking, body: ChangeBody, today: dt.date) -> list[change.Member]:
    there = list(Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position"))
    before = {a.pk: a.procedure.code for a in there}
    if body.people is None:
        return [change.Member(pk, code) for pk, code in before.items()]
    ring = keyring(contract)
    kept = {a.pk: Person(ring.unseal_json(PERSON, a.person)) for a in there if a.person}
    members = []
    for person in body.people:
        told = person.model_dump(exclude={"id", "procedure"}, exclude_none=True)
        if person.id is not None and person.id not in before:
            raise Failure(422, f"この予約に {person.id} の人はいません。")
        default = before.get(person.id) if person.id is not None else None
        if person.id is not None and not told:
            members.append(change.Member(person.id, person.procedure or default or ""))
        else:
            code, cleaned = _people(contract, [person], default, today, kept.get(person.id or 0))[0]
            members.append(change.Member(person.id, code, cleaned))
    return members


def _delete(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    key = _key(request, contract, "reservations:write")
    now = clock.now()
    with contract_scope(contract):
        booking = _find(contract, code)
        change.cancel(contract, booking.code, by=_actor(key, "web"), now=now)
        return _json(200, _shown(contract, _find(contract, code)))


def _visits(request: HttpRequest, contract: Contract) -> HttpResponse:
    _key(request, contract, "visits:read")
    if contract.profile.booking.mode != "external":
        raise ImportRefused("この契約の予約は、このシステムで受け付けています。")
    first, last = _days({name: found[-1] for name, found in parse_qs(request.META.get("QUERY_STRING", "")).items()})
    with contract_scope(contract, read_only=True):
        found = list(external.as_visits(external.visits(first, last, state="all")))
    return _json(200, {"visits": [_visit_shown(visit) for visit in found]})


def _visit_shown(visit: Visit) -> dict[str, Any]:
    shown = asdict(visit) | {"starts_at": visit.starts_at.isoformat()}
    return shown | {"actor": visit.actor or None, "channel": visit.channel or None}


def _take_visits(request: HttpRequest, contract: Contract) -> HttpResponse:
    key = _key(request, contract, "visits:write")
    body: VisitsBody = _body(request, VisitsBody)
    if contract.profile.booking.mode != "external":
        raise ImportRefused("この契約の予約は、このシステムで受け付けています。")
    names = Names.of(contract.profile)
    visits, errors = [], []
    seen: set[str] = set()
    for i, one in enumerate(body.visits):
        date, _, time = _in_japan(one.starts_at).partition(" ")
        texts = one.model_dump(exclude={"starts_at"}, exclude_none=True)
        values = {field: str(value) for field, value in texts.items()}
        visit, wrong = read_visit(values | {"date": date, "time": time}, names)
        if visit is not None and visit.reference in seen:
            wrong = {"reference": "同じ番号が2回出てきます。1つの予約は1回だけ送ってください。"}
        fields = {"date": "starts_at", "time": "starts_at"}
        errors += [{"field": f"visits.{i}.{fields.get(name, name)}", "message": text} for name, text in wrong.items()]
        if visit is not None:
            seen.add(visit.reference)
            visits.append(visit)
    if errors:
        raise Failure(422, "入力を確かめてください。何も取り込んでいません。", errors)
    if body.check:
        with contract_scope(contract, read_only=True):
            found = external.compare(visits)
    else:
        found = import_visits(contract, visits, by=_actor(key, "web"), now=clock.now())
    counts = {"added": len(found.added), "changed": len(found.changed), "unchanged": found.unchanged}
    return _json(200, counts | {"checked_only": body.check})


def _in_japan(moment: dt.datetime) -> str:
    """``2026-12-01 09:30``; a moment at the end of the years that Python knows stays as it was given."""
    try:
        return f"{moment.astimezone(JST):%Y-%m-%d %H:%M}"
    except OverflowError:
        return f"{moment:%Y-%m-%d %H:%M}"


def snapshot(path: str, query: str) -> tuple[str, str, bytes]:
    """(status line, strong ETag, body) of a calendar address; problems come back as their document with an empty ETag."""
    try:
        contract_code, wanted = _asked(path, query)
        contract = _contract(contract_code)
        etag, body = availability.snapshot(contract, *wanted, by=CITIZEN_WEB)
    except Failure as failure:
        status = f"{failure.status} {TITLES[failure.status]}"
        return status, "", json.dumps(problem_body(failure.status, failure.detail), ensure_ascii=False).encode()
    except availability.Unknown as unknown:
        return "404 Not Found", "", json.dumps(problem_body(404, str(unknown)), ensure_ascii=False).encode()
    return "200 OK", etag, body


@lru_cache(maxsize=4096)
def _asked(path: str, query: str) -> tuple[str, tuple[str, tuple[str, ...], dt.date, dt.date]]:
    parts = path.strip("/").split("/")
    code = parts[2] if parts[:2] == ["api", "v1"] and len(parts) == 4 else parts[0]
    if len(parts) not in (2, 4):
        raise Failure(404, "このアドレスはありません。")
    values = {name: found[-1] for name, found in parse_qs(query).items()}
    try:
        procedures = tuple(p for p in values["procedure"].split(",") if p)
        people = int(values.get("people", "1"))
        site = values["site"]
    except (KeyError, ValueError):
        raise Failure(400, "procedure, site, from, to（YYYY-MM-DD）、people を指定してください。") from None
    if len(procedures) == 1:
        procedures = procedures * max(1, min(people, 20))
    if not procedures or len(procedures) > 20:
        raise Failure(400, "people は1から20までです。")
    return code, (site, tuple(sorted(procedures)), *_days(values))


def _days(values: dict[str, str]) -> tuple[dt.date, dt.date]:
    try:
        first, last = dt.date.fromisoformat(values["from"]), dt.date.fromisoformat(values["to"])
    except (KeyError, ValueError):
        raise Failure(400, "from, to（YYYY-MM-DD）を指定してください。") from None
    if last > dt.date(2100, 1, 1) or not dt.date(2020, 1, 1) <= first <= last <= first + dt.timedelta(days=_LAST_DAYS):
        raise Failure(400, f"to は from 以後、{_LAST_DAYS}日以内にしてください。")
    return first, last
