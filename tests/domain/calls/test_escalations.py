"""The second line: every step timed, the city told at once and without personal data, nothing closed in silence."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.calls.enums import CallbackEnd, Line, StepKind, Topic
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Escalation, Step
from madoguchi.domain.calls.services import callbacks, escalations
from madoguchi.domain.calls.tasks import remind_callbacks, remind_second_line
from madoguchi.domain.notices.models import Message
from madoguchi.domain.notices.wording import compose
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.worklog.models import Fact

from .people import member
from .told import NINE

MINUTE = dt.timedelta(minutes=1)
SECRETS = ("山田", "太郎", "09012345678", "090-1234-5678", "態度が悪い", "折り返して説明")


def mails(contract: Contract, now: dt.datetime = NINE) -> list[tuple[str, str, str]]:
    """Kind, address and text of each mail that waits."""
    rows = Message.objects.filter(state="queued").order_by("pk")
    composed = [(row.kind, compose(contract, row, now=now)) for row in rows]
    found = [(kind, made[0], made[1]["Subject"] + made[1].get_content()) for kind, made in composed if made]
    assert not any(secret in text for _, _, text in found for secret in SECRETS)
    return found


@pytest.mark.req("CALL-04")
def test_from_the_operator_to_the_supervisor_to_the_city_and_back(contract: Contract) -> None:
    (operator, by), (leader, by_leader), (city, by_city) = (member(contract, r) for r in (Role.OPERATOR, Role.SUPERVISOR, Role.CITY))
    matter = escalations.hand_over(
        contract, topic=Topic.PICKUP, summary="折り返して説明してほしい", name="山田 太郎", number="090-1234-5678", call_back=True,
        user=operator, by=by, now=NINE,
    )  # fmt: skip
    assert (matter.line, matter.due_at, matter.owner, matter.complaint) == (Line.SUPERVISOR, NINE + 30 * MINUTE, None, False)
    assert mails(contract) == [], "the city is not concerned yet"
    escalations.take(contract, matter.pk, user=leader, by=by_leader, now=NINE + 10 * MINUTE)
    late = NINE + 45 * MINUTE
    passed = escalations.pass_on(contract, matter.pk, to=Line.CITY, text="規定の確認が必要", user=leader, by=by_leader, now=late)
    assert (passed.line, passed.owner, passed.due_at) == (Line.CITY, None, late + 120 * MINUTE)
    ((kind, to, text),) = mails(contract)
    assert (kind, to) == ("escalated", city.email)
    assert f"/staff/hatsukaichi/phone/second/{matter.pk}/" in text
    with pytest.raises(CallsRefused, match="すでに市が対応"):
        escalations.pass_on(contract, matter.pk, to=Line.CITY, text="もう一度", user=leader, by=by_leader, now=late)
    escalations.take(contract, matter.pk, user=city, by=by_city, now=late + MINUTE)
    with pytest.raises(CallsRefused, match="本人への連絡がまだ"):
        escalations.close(contract, matter.pk, text="説明した", user=city, by=by_city, now=late + MINUTE)
    called = escalations.write(contract, matter.pk, text="電話で説明", called=True, user=city, by=by_city, now=late + 5 * MINUTE)
    assert not called.call_back
    closed = escalations.close(contract, matter.pk, text="納得された", user=city, by=by_city, now=late + 6 * MINUTE)
    assert closed.closed_at == late + 6 * MINUTE
    steps = [(s.kind, s.line, s.late) for s in Step.objects.filter(escalation=matter)]
    assert steps == [
        (StepKind.OPENED, Line.SUPERVISOR, False), (StepKind.TAKEN, Line.SUPERVISOR, False), (StepKind.TO_CITY, Line.SUPERVISOR, True),
        (StepKind.TAKEN, Line.CITY, False), (StepKind.CALLED, Line.CITY, False), (StepKind.CLOSED, Line.CITY, False),
    ]  # fmt: skip
    opened, ended = Fact.objects.order_by("at")
    assert (opened.kind, opened.outcome, ended.kind, ended.outcome) == ("escalation.opened", "supervisor", "escalation.closed", "city")
    assert ended.wait_seconds == 51 * 60
    for row in (*Escalation.objects.values(), *Step.objects.values()):
        assert not any(secret in repr({k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()}) for secret in SECRETS)
    for deed in (escalations.close, escalations.write):
        with pytest.raises(CallsRefused, match="すでに完了"):
            deed(contract, matter.pk, text="もう一度", user=city, by=by_city, now=late)


@pytest.mark.req("CALL-05")
def test_a_complaint_reaches_every_official_at_once_whoever_acts(contract: Contract) -> None:
    (operator, by), (leader, by_leader) = member(contract, Role.OPERATOR), member(contract, Role.MANAGER)
    officials = [member(contract, Role.CITY)[0] for _ in range(2)]
    gone, _ = member(contract, Role.CITY)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    matter = escalations.hand_over(contract, topic=Topic.COMPLAINT, summary="態度が悪いとのこと", name="山田 太郎", user=operator, by=by, now=NINE)
    assert (matter.line, matter.complaint) == (Line.SUPERVISOR, True)
    assert [(kind, to) for kind, to, _ in mails(contract)] == [("complaint", user.email) for user in officials]
    assert Fact.objects.get().outcome == "complaint"
    escalations.pass_on(contract, matter.pk, to=Line.CITY, text="市の判断が必要", user=leader, by=by_leader, now=NINE)
    assert [kind for kind, _, _ in mails(contract)] == ["complaint", "complaint", "escalated", "escalated"]


@pytest.mark.req("CALL-04")
def test_a_matter_is_taken_from_somebody_only_knowingly(contract: Contract) -> None:
    (operator, by), (one, by_one), (two, by_two) = (member(contract, r) for r in (Role.OPERATOR, Role.SUPERVISOR, Role.SUPERVISOR))
    matter = escalations.hand_over(contract, topic=Topic.OTHER, summary="確認", user=operator, by=by, now=NINE)
    escalations.take(contract, matter.pk, user=one, by=by_one, now=NINE)
    escalations.take(contract, matter.pk, user=one, by=by_one, now=NINE)
    with pytest.raises(CallsRefused, match=f"{one.name}さんが担当"):
        escalations.take(contract, matter.pk, user=two, by=by_two, now=NINE)
    taken = escalations.take(contract, matter.pk, instead_of=one.pk, user=two, by=by_two, now=NINE)
    assert taken.owner == two
    with pytest.raises(CallsRefused, match=f"{two.name}さんが担当"):
        escalations.take(contract, matter.pk, instead_of=operator.pk, user=one, by=by_one, now=NINE)


@pytest.mark.req("CALL-04")
def test_what_cannot_be_handed_over_says_why(contract: Contract) -> None:
    operator, by = member(contract, Role.OPERATOR)

    def refused(why: str, **values: object) -> None:
        with pytest.raises(CallsRefused, match=why):
            escalations.hand_over(contract, **{"topic": Topic.OTHER, "summary": "確認", "user": operator, "by": by, "now": NINE, **values})  # type: ignore[arg-type]

    refused("内容を入力", summary="  ")
    refused("2,000文字まで", summary="あ" * 2001)
    refused("市外局番から", call_back=True)
    refused("市外局番から", call_back=True, number="123")
    matter = escalations.hand_over(contract, topic=Topic.OTHER, summary="確認", user=operator, by=by, now=NINE)
    for deed, why in (
        (lambda: escalations.pass_on(contract, matter.pk, to=Line.CITY, text=" ", user=operator, by=by, now=NINE), "理由を入力"),
        (lambda: escalations.write(contract, matter.pk, text="", user=operator, by=by, now=NINE), "内容を入力"),
        (lambda: escalations.write(contract, matter.pk, text="あ" * 2001, user=operator, by=by, now=NINE), "2,000文字まで"),
        (lambda: escalations.close(contract, matter.pk, text="", user=operator, by=by, now=NINE), "結果を入力"),
        (lambda: escalations.close(contract, 999, text="済", user=operator, by=by, now=NINE), "見つかりません"),
    ):
        with pytest.raises(CallsRefused, match=why):
            deed()
    assert Step.objects.count() == 1


@pytest.mark.req("CALL-04", "CALL-05")
def test_what_is_late_reminds_its_line_once_a_business_day(contract: Contract) -> None:
    (operator, by), (leader, _), (manager, _), (city, _) = (
        member(contract, r) for r in (Role.OPERATOR, Role.SUPERVISOR, Role.MANAGER, Role.CITY)
    )  # fmt: skip
    morning = dt.datetime(2026, 11, 5, 8, 45, tzinfo=NINE.tzinfo)
    escalations.hand_over(contract, topic=Topic.COMPLAINT, summary="態度が悪いとのこと", user=operator, by=by, now=NINE)
    Message.objects.update(state="sent")
    assert remind_second_line(NINE + 20 * MINUTE) == 0, "not late yet"
    assert remind_second_line(dt.datetime(2026, 11, 3, 8, 45, tzinfo=NINE.tzinfo)) == 0, "a holiday"
    assert remind_second_line(morning) == 2
    assert remind_second_line(morning + 5 * MINUTE) == 0
    found = mails(contract, morning)
    assert [(kind, to) for kind, to, _ in found] == [("second_late", leader.email), ("second_late", manager.email)]
    assert "1件（うち苦情・トラブル 1件、担当者なし 1件）" in found[0][2]
    assert "/staff/hatsukaichi/phone/second/" in found[0][2]
    escalations.hand_over(contract, topic=Topic.OTHER, summary="確認", line=Line.CITY, user=operator, by=by, now=morning)
    Message.objects.update(state="sent")
    assert remind_second_line(morning + dt.timedelta(days=1)) == 3
    assert {to for _, to, _ in mails(contract)} == {leader.email, manager.email, city.email}
    Escalation.objects.update(closed_at=morning)
    assert mails(contract) == [], "what was done meanwhile reminds nobody"


@pytest.mark.req("CALL-03", "CALL-06")
def test_a_call_back_beyond_its_time_reminds_the_leaders_once_a_business_day(contract: Contract) -> None:
    (_, by), (leader, _), (manager, _), _ = (member(contract, r) for r in (Role.OPERATOR, Role.SUPERVISOR, Role.MANAGER, Role.CITY))
    owed = callbacks.promise(contract, number="090-1234-5678", name="山田 太郎", by=by, now=NINE)
    morning = dt.datetime(2026, 11, 5, 8, 50, tzinfo=NINE.tzinfo)
    assert remind_callbacks(owed.due_at) == 0, "not late yet"
    assert remind_callbacks(dt.datetime(2026, 11, 3, 8, 50, tzinfo=NINE.tzinfo)) == 0, "a holiday"
    assert (remind_callbacks(morning), remind_callbacks(morning + 5 * MINUTE)) == (2, 0)
    found = mails(contract, morning)
    assert [(kind, to) for kind, to, _ in found] == [("back_late", leader.email), ("back_late", manager.email)]
    assert "1件（うち担当者なし 1件）" in found[0][2]
    assert "/staff/hatsukaichi/phone/callbacks/" in found[0][2]
    callbacks.end(contract, owed.pk, outcome=CallbackEnd.NEEDLESS, by=by, now=morning)
    assert mails(contract, morning) == [], "what was done meanwhile reminds nobody"
