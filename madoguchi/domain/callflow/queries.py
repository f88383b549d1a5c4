"""Reads of the call flow used by its deeds and its page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from madoguchi.ground.accounts.access import ANSWER_CALLS, CALL_SUPERVISION
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts import registry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.voice import flow as voice

from . import building, speech
from .models import PURPOSE, Audio, FlowVersion, Prompt, Reading, Telephone
from .texts import Remark


@dataclass(frozen=True)
class Draft:
    """A flow as it would be published: what is said, the files, the content, and what is wrong with it."""

    said: building.Sayings
    joined: list[building.Joined]
    content: dict[str, Any]
    remarks: list[Remark]

    @property
    def errors(self) -> list[Remark]:
        """What stops the publishing."""
        return building.errors(self.remarks)


def prompts_on(on: dt.date, *, released: bool) -> dict[tuple[str, str], building.Row]:
    """(prompt, language) → the saved prompt that counts on a day, in the scope; with ``released`` without what is not published."""
    rows: Iterable[Prompt] = Prompt.objects.defer("recording__content").select_related("recording").order_by("number")
    return building.in_force([row for row in rows if row.released_at or not released], on)


def own_readings() -> dict[str, str]:
    """Registered pronunciations of the contract in scope."""
    return dict(Reading.objects.values_list("surface", "kana"))


def draft(contract: Contract, *, on: dt.date, released: bool = False) -> Draft:
    """The flow of a day, with or without what is not published yet (in the scope). Raises ``ValueError`` without a telephone."""
    profile = contract.profile
    said = building.sayings(profile, prompts_on(on, released=released), own_readings())
    prompts, joined = building.files(said, profile)
    open_days = sum(1 for day in days_of(contract, on).values() if day.hours)
    names = [one.audio for by_language in said.values() for one in by_language.values() if one.audio]
    lengths = dict(Audio.objects.filter(name__in=names).values_list("name", "milliseconds"))
    remarks = building.remarks(profile, said, open_days=open_days, taken=_taken(contract), lengths=lengths)
    return Draft(said, joined, building.content(profile, said, prompts), remarks)


def days_of(contract: Contract, first: dt.date, count: int = building.DAYS_AHEAD) -> dict[dt.date, voice.Day]:
    """The telephone's days with the one-day changes of staff (in the scope)."""
    return building.days(calendar_of(contract, first, first + dt.timedelta(days=count)), first, count)


def audio_in_use(contract: Contract, now: dt.datetime) -> set[str]:
    """Names of the sound that a version, the flow as it stands, or any saved wording uses, as it would be spoken now (in the scope)."""
    found: set[str] = set()
    for content in FlowVersion.objects.values_list("content", flat=True):
        found |= {name for by_language in content["prompts"].values() for name in by_language.values()}
        found |= {one["audio"] for by_language in content["said"].values() for one in by_language.values() if one["audio"]}
        found |= {name for names in content.get("digits", {}).values() for name in names}
    rows = list(Prompt.objects.select_related("recording").defer("recording__content"))
    found |= {row.recording.name for row in rows if row.recording}
    if contract.profile.telephone is None:
        return found
    pronounced = own_readings()
    for released in (False, True):
        said = draft(contract, on=now.date(), released=released).said
        prompts, joined = building.files(said, contract.profile)
        found |= {speech.name_of(words) for words in building.to_speak(said, contract.profile)}
        found |= {name for by_language in prompts.values() for name in by_language.values()}
        found |= {part for one in joined for part in (one.name, *one.parts)}
    for row in rows:
        shown = building.sayings(contract.profile, {(row.prompt, row.language): row}, pronounced).get(row.prompt, {}).get(row.language)
        if shown is not None and shown.audio:
            found.add(shown.audio)
    return found


def latest_version() -> FlowVersion | None:
    """The version in force in the scope."""
    return FlowVersion.objects.order_by("-number").first()


def published_flow(contract: Contract, now: dt.datetime) -> voice.Flow | None:
    """The flow file as it should be now; ``None`` before the first publishing (in the scope)."""
    version = latest_version()
    if version is None:
        return None
    # From the day before: the exchange may ask with a clock that is a little behind.
    days = days_of(contract, now.date() - dt.timedelta(days=1), building.DAYS_AHEAD + 1)
    return building.flow(contract.code, version.number, version.content, days, phones_of(contract, now))


def seated_today(row: Telephone, now: dt.datetime) -> bool:
    """Whether somebody sits at it on the day of ``now``."""
    return row.operator_id is not None and row.seated_at is not None and row.seated_at.astimezone(JST).date() == now.astimezone(JST).date()


def telephone_of(user: User, now: dt.datetime) -> Telephone | None:
    """The telephone at which somebody sits today, in the scope."""
    row = Telephone.objects.filter(operator=user, secret__isnull=False).first()
    return row if row is not None and seated_today(row, now) else None


def phones_of(contract: Contract, now: dt.datetime) -> tuple[voice.Phone, ...]:
    """The telephones in service as the exchange knows them, in the scope. Who may answer no calls of the contract any more sits nowhere."""
    rows = list(Telephone.objects.filter(secret__isnull=False))
    sitting = {row.operator_id for row in rows if seated_today(row, now)}
    mine: dict[int, list[Assignment]] = {}
    if sitting:
        allowed = Assignment.objects.filter(user__in=sitting, user__is_active=True, contract__active=True, role__in=ANSWER_CALLS)
        for one in allowed.select_related("contract").order_by("contract_id"):
            mine.setdefault(one.user_id, []).append(one)
    ring = keyring(contract) if rows else None
    found = []
    for row in rows:
        assert ring is not None
        here = mine.get(row.operator_id or 0, []) if row.operator_id in sitting else []
        seated = any(one.contract_id == contract.pk for one in here)
        found.append(
            voice.Phone(
                user=row.user, ha1=ring.unseal(PURPOSE, row.secret).decode(), operator=f"user:{row.operator_id}" if seated else "",
                contracts=tuple(one.contract.code for one in here if "calls" in one.contract.profile.modules) if seated else (),
                supervisor=seated and any(Role(one.role) in CALL_SUPERVISION for one in here),
            )
        )  # fmt: skip
    return tuple(found)


def _taken(contract: Contract) -> dict[str, str]:
    """Telephone numbers of the other contracts of this installation → the city."""
    found = {}
    for other in Contract.objects.filter(active=True).exclude(pk=contract.pk):
        try:
            telephone = registry.profile(other.code).telephone
        except KeyError:
            continue
        for number in telephone.numbers if telephone else ():
            found[number] = other.name
    return found
