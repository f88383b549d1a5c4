"""Bodies of the programming interface, and its OpenAPI 3.1 description made from them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

import madoguchi
from madoguchi.ground.accounts.keys import SCOPES

Language = Literal["ja", "ja-easy", "en", "zh-hans", "ko", "vi", "pt", "fil", "ne", "es"]
Channel = Literal["web", "phone", "counter", "online"]


OWN_FIELD = r"^x_[a-z0-9_]{1,38}$"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=400)


class PersonBody(Body):
    """One person. Which fields are required is the contract's (the fields its profile asks for)."""

    id: int | None = Field(None, description="Only in PATCH: an attendee that stays")
    procedure: str | None = Field(None, description="Code of the procedure; default: the reservation's")
    name: str | None = None
    kana: str | None = Field(None, description="Reading; any kana, stored as katakana")
    birth_date: str | None = Field(None, description="ISO date, or as people write it (昭和55年1月2日)")
    notice_number: str | None = None
    who: str | None = Field(None, description="Who comes: self, legal (representative) or proxy; decides what to bring")
    situations: str | None = Field(None, description="What holds, codes with commas: pin_unknown, expired, lost, …")


class ContactBody(Body):
    """How the party is reached, what it needs, and the answers to the city's own questions (`x_…`, as its profile has them)."""

    model_config = ConfigDict(
        extra="allow",
        str_max_length=400,
        json_schema_extra={"additionalProperties": False, "patternProperties": {OWN_FIELD: {"type": "string"}}},
    )
    __pydantic_extra__: dict[str, str]

    phone: str | None = None
    email: str | None = None
    postal_code: str | None = None
    address: str | None = None
    needs: str | None = None
    language: str | None = None
    memo: str | None = None

    @property
    def own(self) -> dict[str, str]:
        """Answers to the city's own questions."""
        return self.__pydantic_extra__

    @model_validator(mode="after")
    def _no_other(self) -> ContactBody:
        for name in self.own:
            if not re.fullmatch(OWN_FIELD, name):
                raise ValueError(f"{name!r} is not a field")
        return self


class ReservationBody(Body):
    """A new reservation: a party at one time, all or nothing."""

    site: str
    procedure: str | None = None
    starts_at: AwareDatetime
    people: list[PersonBody] = Field(min_length=1, max_length=20)
    contact: ContactBody = ContactBody()
    language: Language = "ja"
    channel: Channel = "web"


class ChangeBody(Body):
    """What shall change; what is left out stays. `people` is the whole party as it shall be."""

    starts_at: AwareDatetime | None = None
    people: list[PersonBody] | None = Field(None, min_length=1, max_length=20)
    contact: ContactBody | None = None
    version: int | None = Field(None, description="What you saw; 409 when the reservation changed meanwhile")
    channel: Channel = "web"


class VisitBody(Body):
    """One booking of the city's own site. No personal data."""

    reference: str = Field(
        min_length=1, max_length=40, description="The city's number, which tells bookings apart: letters, digits, - _ . /"
    )
    starts_at: AwareDatetime
    procedure: str
    site: str | None = Field(None, description="May be left out where the contract has one site")
    people: int = Field(1, ge=1, le=50)
    state: Literal["booked", "arrived", "no_show", "cancelled"] = "booked"
    actor: Literal["citizen", "call_centre", "city", "counter", "api", "system"] | None = None
    channel: Channel | None = None


class VisitsBody(Body):
    """Bookings to take in, all or nothing; those that are not named stay as they are."""

    visits: list[VisitBody] = Field(min_length=1, max_length=500)
    check: bool = Field(False, description="Only say what would be done")


class VisitsTaken(BaseModel):
    """What was done, or would be."""

    added: int
    changed: int
    unchanged: int
    checked_only: bool


class VisitShown(BaseModel):
    reference: str
    starts_at: dt.datetime
    procedure: str
    site: str
    people: int
    state: Literal["booked", "arrived", "no_show", "cancelled"]
    actor: str | None
    channel: str | None


class VisitsShown(BaseModel):
    """Bookings of the city's own site, by time, cancelled ones too."""

    visits: list[VisitShown]


class Made(BaseModel):
    """Answer to a new reservation."""

    code: str
    starts_at: dt.datetime
    manage_url: str


class AttendeeShown(BaseModel):
    id: int
    procedure: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    name: str | None = None
    kana: str | None = None
    birth_date: str | None = None
    notice_number: str | None = None
    who: str | None = None
    situations: str | None = None


class ReservationShown(BaseModel):
    """A reservation."""

    code: str
    state: Literal["held", "booked", "cancelled", "expired"]
    site: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    language: str
    channel: str
    version: int
    people: list[AttendeeShown]
    contact: dict[str, str]


class FieldProblem(BaseModel):
    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class SlotShown(BaseModel):
    starts_at: dt.datetime
    mark: Literal["o", "t", "x"]
    left: int


class DayShown(BaseModel):
    date: dt.date
    mark: Literal["o", "t", "x", "-"] = Field(description="o many, t few, x full, - nothing on that day")
    left: int
    slots: list[SlotShown]


class AvailabilityShown(BaseModel):
    site: str
    procedures: list[str]
    people: int
    days: list[DayShown]


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _answer(text: str, model: type[BaseModel] | None = None, media: str = "application/json") -> dict[str, Any]:
    return {"description": text, **({"content": {media: {"schema": _ref(model)}}} if model else {})}


def _problems(*codes: int) -> dict[str, Any]:
    texts = {
        400: "The request cannot be read",
        401: "No valid key",
        403: "The key lacks the scope",
        404: "Not there",
        405: "Not allowed here",
        409: "The time is full, the reservation changed meanwhile, or not how this contract takes reservations",
        413: "The body is too large",
        422: "Something is missing or wrong; see errors",
        429: "Too many requests; see Retry-After",
        503: "Busy; nothing was written, or send again with the same key; see Retry-After",
    }
    return {str(code): _answer(texts[code], Problem, "application/problem+json") for code in codes}


def _query(name: str, schema: dict[str, Any], description: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def openapi() -> dict[str, Any]:
    """The description of the interface, version 3.1."""
    from pydantic.json_schema import models_json_schema

    shown = [
        ReservationBody, ChangeBody, Made, ReservationShown, Problem, AvailabilityShown, VisitsBody, VisitsTaken, VisitsShown,
    ]  # fmt: skip
    _, schemas = models_json_schema([(m, "validation") for m in shown], ref_template="#/components/schemas/{model}")
    contract = {
        "name": "contract",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "example": "hatsukaichi",
    }
    code = {"name": "code", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Z0-9-]{8,9}$"}}
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Any text unique to this reservation; the same key never books twice",
        "schema": {"type": "string", "minLength": 8, "maxLength": 48, "pattern": "^[A-Za-z0-9._:-]+$"},
    }
    body = {"required": True, "content": {"application/json": {"schema": _ref(ReservationBody)}}}
    taken_in = {"required": True, "content": {"application/json": {"schema": _ref(VisitsBody)}}}
    change = {"required": True, "content": {"application/json": {"schema": _ref(ChangeBody)}}}
    query = [
        _query("procedure", {"type": "string"}, "Code, or codes with commas for a mixed party"),
        _query("site", {"type": "string"}, "Site code"),
        _query("people", {"type": "integer", "minimum": 1, "maximum": 20, "default": 1}, "How many", required=False),
        _query("from", {"type": "string", "format": "date"}, "First day"),
        _query("to", {"type": "string", "format": "date"}, "Last day, at most 62 days after the first"),
    ]
    scoped = [{"key": []}]
    shown_answer = {"200": _answer("The reservation", ReservationShown)}
    reservations = "/api/v1/{contract}/reservations"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Madoguchi",
            "version": madoguchi.__version__,
            "description": "Scopes: " + ", ".join(f"`{scope}`" for scope in SCOPES),
        },
        "paths": {
            "/api/v1/{contract}/availability": {
                "get": {
                    "operationId": "availability",
                    "summary": "Free places by day and time, at most a second old; strong ETag",
                    "parameters": [contract, *query],
                    "responses": {
                        "200": _answer("Availability", AvailabilityShown),
                        "304": {"description": "Unchanged"},
                        **_problems(400, 404, 405, 503),
                    },
                }
            },
            reservations: {
                "post": {
                    "operationId": "reserve",
                    "summary": "Reserve for a party, all or nothing",
                    "security": scoped,
                    "parameters": [contract, key],
                    "requestBody": body,
                    "responses": {
                        "201": _answer("Reserved", Made),
                        "200": _answer("Was reserved before with this key", Made),
                        **_problems(400, 401, 403, 404, 405, 409, 413, 422, 429, 503),
                    },
                }
            },
            "/api/v1/{contract}/visits": {
                "get": {
                    "operationId": "visits",
                    "summary": "Bookings of the city's own site that were taken in",
                    "security": scoped,
                    "parameters": [contract, *query[-2:]],
                    "responses": {"200": _answer("Bookings", VisitsShown), **_problems(400, 401, 403, 404, 405, 409, 429, 503)},
                },
                "post": {
                    "operationId": "take_visits",
                    "summary": "Take in bookings of the city's own site, all or nothing; the same ones again change nothing",
                    "security": scoped,
                    "parameters": [contract],
                    "requestBody": taken_in,
                    "responses": {
                        "200": _answer("Taken in, or checked", VisitsTaken),
                        **_problems(400, 401, 403, 404, 405, 409, 413, 422, 429, 503),
                    },
                },
            },
            reservations + "/{code}": {
                "get": {
                    "operationId": "show",
                    "summary": "One reservation",
                    "security": scoped,
                    "parameters": [contract, code],
                    "responses": {**shown_answer, **_problems(401, 403, 404, 405, 429, 503)},
                },
                "patch": {
                    "operationId": "change",
                    "summary": "Move, add, remove, edit",
                    "security": scoped,
                    "parameters": [contract, code],
                    "requestBody": change,
                    "responses": {**shown_answer, **_problems(400, 401, 403, 404, 405, 409, 413, 422, 429, 503)},
                },
                "delete": {
                    "operationId": "cancel",
                    "summary": "Cancel",
                    "security": scoped,
                    "parameters": [contract, code],
                    "responses": {**shown_answer, **_problems(401, 403, 404, 405, 409, 429, 503)},
                },
            },
        },
        "components": {"schemas": schemas["$defs"], "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }
