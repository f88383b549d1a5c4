"""The demo's incidents: one that is over, one that is being worked on, one that nobody has acknowledged. Deterministic; all invented."""

from __future__ import annotations

import datetime as dt
from typing import Any

from madoguchi.domain.calls.models import Escalation
from madoguchi.domain.incidents.enums import Effect, Kind, LegalResult, Seriousness
from madoguchi.domain.incidents.models import Incident
from madoguchi.domain.incidents.services import (
    acknowledge,
    add_line,
    begin,
    call_on,
    check_effect,
    close,
    finish_prevention,
    prevent,
    report,
    report_complaint,
    settle_legal,
    state_cause,
    write_up,
)
from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.kit.clock import JST

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def fill(contract: Contract, now: dt.datetime) -> str:
    """Three incidents of a contract in different states; at a counter the open one is a leak, else a fault.

    Inside ``contract_scope``; before reports and obligations, which tell of them.
    """
    if Incident.objects.exists():
        return "事故等"
    people = {Role(one.role): one.user for one in Assignment.objects.filter(contract=contract).select_related("user")}
    _over(contract, people, _at(now - 40 * DAY, 14, 10), now)
    (_leak if "desk" in contract.profile.modules else _fault)(contract, people, _at(now - 6 * DAY, 16, 50))
    _new(contract, people, now - 20 * MINUTE)
    call_on(contract, now=now)
    return f"事故等 {Incident.objects.count()} 件"


def _at(moment: dt.datetime, hour: int, minute: int) -> dt.datetime:
    day = moment.astimezone(JST).date()
    while day.weekday() > 4:
        day -= DAY
    return dt.datetime.combine(day, dt.time(hour, minute), JST)


def _doer(people: dict[Role, User], role: Role, at: dt.datetime) -> dict[str, Any]:
    user = people[role]
    return {"user": user, "by": Actor(ACTOR_KIND_OF_ROLE[role], Channel.COUNTER, f"user:{user.pk}", str(user)), "now": at}


def _told(contract: Contract, people: dict[Role, User], role: Role, at: dt.datetime, kind: Kind, seriousness: Seriousness, what: str, first: str) -> int:
    return report(
        contract, kind=kind, seriousness=seriousness, happened_at=at - 15 * MINUTE, found_at=at - 8 * MINUTE, site=contract.profile.sites[0].code,
        what=what, first=first, **_doer(people, role, at),
    ).pk  # fmt: skip


def _known(contract: Contract, people: dict[Role, User], pk: int, at: dt.datetime) -> None:
    acknowledge(contract, pk, role=Role.MANAGER, **_doer(people, Role.MANAGER, at))
    acknowledge(contract, pk, role=Role.CITY, **_doer(people, Role.CITY, at + 2 * MINUTE))


def _over(contract: Contract, people: dict[Role, User], at: dt.datetime, now: dt.datetime) -> None:
    what = "持ち物の案内を誤り、来庁された方にもう一度お越しいただくことになりました。"
    pk = _told(contract, people, Role.OPERATOR, at, Kind.MISTAKE, Seriousness.SERIOUS, what, "おわびし、次の来庁の日時を優先してご案内しました。")
    _known(contract, people, pk, at + 2 * MINUTE)
    lead = _doer(people, Role.SUPERVISOR, at + 45 * MINUTE)
    begin(contract, pk, **lead)
    state_cause(contract, pk, cause="案内の表が古い版のままでした。", response="ご本人に電話でおわびし、正しい持ち物をお伝えしました。", **lead)
    plan = prevent(
        contract, pk, what="毎朝、案内の表の版を二人で確かめる。", owner=people[Role.SUPERVISOR].pk, due_on=at.date() + 3 * DAY, **lead
    )
    write_up(contract, pk, **_doer(people, Role.MANAGER, at + 58 * MINUTE))
    close(contract, pk, **_doer(people, Role.CITY, at + DAY))
    finish_prevention(contract, pk, plan.pk, check_on=at.date() + 33 * DAY, **_doer(people, Role.SUPERVISOR, at + 3 * DAY))
    looked = min(at + 33 * DAY, now)
    check_effect(contract, pk, plan.pk, effect=Effect.WORKS, text="1か月間、同じ誤りはありませんでした。", **_doer(people, Role.CITY, looked))


def _leak(contract: Contract, people: dict[Role, User], at: dt.datetime) -> None:
    what = "窓口で、別の方の控えを1枚、書類と一緒にお渡ししました。"
    first = "すぐに気づいて声をかけ、その場で回収しました。写しは取られていません。"
    pk = _told(contract, people, Role.COUNTER, at, Kind.PERSONAL_DATA, Seriousness.GRAVE, what, first)
    _known(contract, people, pk, at + MINUTE)
    begin(contract, pk, **_doer(people, Role.MANAGER, at + 12 * MINUTE))
    add_line(contract, pk, text="控えの束を、窓口の番号ごとの箱に分けました。", **_doer(people, Role.COUNTER, at + 30 * MINUTE))
    for code, role, minutes, evidence in (("contain", Role.MANAGER, 20, "その場で回収（1枚）"), ("tell_city", Role.MANAGER, 22, "市民課へ電話、経過の記録")):
        settle_legal(contract, pk, code, result=LegalResult.DONE, on=at.date(), evidence=evidence, **_doer(people, role, at + minutes * MINUTE))
    lead = _doer(people, Role.SUPERVISOR, at + 19 * 60 * MINUTE)
    response = "ご本人お二人に説明し、おわびしました。"
    state_cause(contract, pk, cause="同じ台で二人分の書類を並べていました。", response=response, **lead)
    prevent(contract, pk, what="一つの台に置くのは一人分だけとする。", owner=people[Role.SUPERVISOR].pk, due_on=at.date() + 4 * DAY, **lead)


def _fault(contract: Contract, people: dict[Role, User], at: dt.datetime) -> None:
    what = "回線が切れ、10分間、画面を開けませんでした。"
    pk = _told(contract, people, Role.OPERATOR, at, Kind.FAULT, Seriousness.SERIOUS, what, "紙の控えで受付を続け、復旧の後に入力しました。")
    _known(contract, people, pk, at + MINUTE)
    lead = _doer(people, Role.SUPERVISOR, at + 40 * MINUTE)
    state_cause(contract, pk, cause="建物の通信機器の再起動によるものでした。", response="予備の回線に切り替えました。", **lead)
    prevent(contract, pk, what="予備の回線への切り替えを、始業の点検に入れる。", owner=people[Role.SUPERVISOR].pk, due_on=at.date() + 14 * DAY, **lead)
    write_up(contract, pk, **_doer(people, Role.MANAGER, at + 52 * MINUTE))


def _new(contract: Contract, people: dict[Role, User], at: dt.datetime) -> None:
    matter = Escalation.objects.filter(complaint=True, opened_at__lte=at).order_by("-opened_at").first()
    if matter is not None:
        report_complaint(contract, origin=f"escalation:{matter.pk}", **_doer(people, Role.SUPERVISOR, at))
        return
    what, first = "窓口での待ち時間が長いと、強い口調の苦情を受けました。", "リーダーが代わってお話を伺いました。"
    _told(contract, people, Role.COUNTER, at, Kind.COMPLAINT, Seriousness.SERIOUS, what, first)
