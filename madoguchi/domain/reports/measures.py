"""The measures: each figure that is reported of the work, defined once. To add one is to add an entry to :data:`MEASURES`.

What the five specifications ask to be reported (reservations by channel, telephone and answer rate, enquiries, visitors, processing and
waiting times, cards, cases, work lists) is here as far as facts hold it. Rates that a contract has defined otherwise are on the telephone's
own page; the measure here is the plain one, and its sentence says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from madoguchi.domain.booking.enums import WalkInOutcome
from madoguchi.domain.calls.enums import CallbackEnd, Line, Outcome, Result
from madoguchi.domain.cards.enums import Fault, Reason
from madoguchi.domain.cases.enums import End
from madoguchi.domain.incidents.enums import Kind as IncidentKind
from madoguchi.domain.notices.models import Kind, StaffKind, TicketKind
from madoguchi.domain.reception.enums import Outcome as VisitOutcome
from madoguchi.domain.survey.enums import Way

from .rules import Column, Facts, Percentile, Term

DIMENSIONS: dict[str, str] = {
    "day": "日", "month": "月", "weekday": "曜日", "hour": "時間帯", "site": "場所", "channel": "受付の経路", "procedure": "手続き",
    "language": "ことば", "outcome": "結果", "booked": "予約の有無", "actor": "行った人", "kind": "種類",
}  # fmt: skip
"""What a figure may be split by: code → what people call it. ``queries.py`` says how each is read."""

TIME = ("day", "month", "weekday", "hour")
NOT_BY_HOUR = frozenset({"actor", "language"})
"""Never together with the hour: counts by hour leave them out, so that they stay few."""

GROUPS: dict[str, str] = {
    "booking": "予約", "phone": "電話", "counter": "窓口", "cases": "案件", "cards": "カード", "lists": "作業リスト", "rooms": "点検・廃棄・出張・写真",
    "notices": "お知らせ・受け渡し", "incidents": "事故・障害・苦情", "survey": "アンケート",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure.

    ``words`` define it in a sentence for officials. It is ``top``, or ``top`` divided by ``bottom``, or a percentile (``top`` only). ``unit``:
    件, 人, 枚, 個, 点 (a mean, shown with two places), 秒 (shown as a time) or % (the value is
    a share of 1). ``by``: the dimensions beside time that make sense for it.
    ``outcomes``: what its outcomes are called.
    """

    code: str
    group: str
    title: str
    words: str
    unit: str
    top: Term | Percentile
    bottom: Term | None = None
    by: tuple[str, ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """All it may be split by."""
        return (*TIME, *self.by)

    @property
    def facts(self) -> Facts:
        """The facts behind the figure: of a ratio those that it is divided by, and those it divides where they are of another kind."""
        if self.bottom is None:
            return self.top.facts
        whole, apart = self.bottom.facts, [kind for kind in self.top.facts.kinds if kind not in self.bottom.facts.kinds]
        return replace(whole, kinds=(*whole.kinds, *apart)) if apart else whole

    @property
    def additive(self) -> bool:
        """Whether the figures of parts add up to that of the whole."""
        return isinstance(self.top, Term) and self.bottom is None


def _named(*choices: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(code), str(label)) for one in choices for code, label in one.choices)


def _count(facts: Facts, column: Column = Column.RECORDS) -> dict[str, Any]:
    return {"top": Term(facts, column)}


def _mean_wait(facts: Facts) -> dict[str, Any]:
    return {"unit": "秒", "top": Term(facts, Column.WAIT), "bottom": Term(facts, Column.WAITED)}


def _mean_handle(facts: Facts) -> dict[str, Any]:
    return {"unit": "秒", "top": Term(facts, Column.HANDLE), "bottom": Term(facts, Column.HANDLED)}


def _share(part: Facts, whole: Facts) -> dict[str, Any]:
    return {"unit": "%", "top": Term(part), "bottom": Term(whole)}


_BOOKING = ("channel", "actor", "site", "procedure", "language")
_EXTERNAL = ("procedure", "actor")
_VISIT = ("site", "procedure", "language")
_BOOKED = (("booked", "予約あり"), ("walk_in", "予約なし"))
_CALL = ("language", "outcome")
_CASE = ("site", "procedure", "channel", "language")
_CARD = ("site", "actor")
_INCIDENT = ("site", "outcome", "actor")

_CREATED = Facts(("booking.created",))
_ATTENDED, _NO_SHOW = Facts(("booking.attended",)), Facts(("booking.no_show",))
_DUE = Facts(("booking.attended", "booking.no_show"))
_WALK_IN = Facts(("visit.walk_in",))

_CALLS = Facts(("call.ended",))
_IN_HOURS = Facts(("call.ended",), without=frozenset({Outcome.CLOSED}))
_ANSWERED = Facts(("call.ended",), outcomes=frozenset({Outcome.ANSWERED}))
_ABANDONED = Facts(("call.ended",), outcomes=frozenset({Outcome.ABANDONED, Outcome.ABANDONED_MENU}))
_OVERFLOWED = Facts(("call.ended",), outcomes=frozenset({Outcome.OVERFLOWED}))
_WISHED = Facts(("call.ended",), outcomes=frozenset({Outcome.CALLBACK}))
_CLOSED = Facts(("call.ended",), outcomes=frozenset({Outcome.CLOSED}))
_BACK = Facts(("callback.ended",))
_BACK_CLOSED = Facts(("callback.closed",))
_CONTACTS = Facts(("contact.recorded",))
_PASSED = Facts(("escalation.opened",))
_PASSED_DONE = Facts(("escalation.closed",))

_TICKETS, _SERVED, _OVERRUN = Facts(("reception.ticket",)), Facts(("reception.served",)), Facts(("reception.overrun",))
_OPENED, _EXAMINED, _ENDED = Facts(("case.opened",)), Facts(("case.examined",)), Facts(("case.ended",))
_DONE = Facts(("case.ended",), outcomes=frozenset({End.DONE}))
_LISTS = Facts(("worklist.*",))
_CHECKLISTS = Facts(("premises.opening", "premises.closing", "premises.weekly"))
_SENT = Facts(("notice.sent",))
_ACKNOWLEDGED, _INCIDENTS_CLOSED = Facts(("incident.acknowledged",)), Facts(("incident.closed",))
_REPLIED, _SCORED = Facts(("survey.answered",)), Facts(("survey.scored",))
_CAME = Facts(("booking.attended", "visit.walk_in"))
_LINES = (("complaint", "苦情"), *_named(Line))

MEASURES: dict[str, Measure] = {
    one.code: one
    for one in (
        # Reservations
        Measure(
            "bookings_made", "booking", "予約の受付", "新しく入った予約の人数。お一人が1つの手続きを予約すると1人と数えます。", "人",
            by=_BOOKING, **_count(_CREATED, Column.QUANTITY),
        ),
        Measure(
            "bookings_changed", "booking", "予約の変更", "日時や内容が変わった予約の、変わった後の人数。同じ予約が2回変われば2回数えます。", "人",
            by=_BOOKING, **_count(Facts(("booking.changed",)), Column.QUANTITY),
        ),
        Measure(
            "bookings_cancelled", "booking", "予約の取消し", "取り消された予約の人数。", "人",
            by=_BOOKING, **_count(Facts(("booking.cancelled",)), Column.QUANTITY),
        ),
        Measure(
            "bookings_attended", "booking", "予約した人の来庁", "予約のとおりに来庁した人数。", "人",
            by=_BOOKING, **_count(_ATTENDED, Column.QUANTITY),
        ),
        Measure(
            "bookings_no_show", "booking", "来庁なし", "予約の日時に来庁がなかった人数。", "人", by=_BOOKING, **_count(_NO_SHOW, Column.QUANTITY),
        ),
        Measure(
            "no_show_rate", "booking", "来庁なしの割合", "来庁なし÷（予約した人の来庁＋来庁なし）。予約の人数で数えます。", "%",
            top=Term(_NO_SHOW, Column.QUANTITY), bottom=Term(_DUE, Column.QUANTITY), by=_BOOKING,
        ),
        Measure(
            "walk_ins", "booking", "予約なしの来庁", "予約をせずに来庁した人数。手続きごとに数え、取り消した記録は引きます。", "人",
            by=("site", "procedure", "language", "outcome", "actor"), outcomes=_named(WalkInOutcome), **_count(_WALK_IN, Column.QUANTITY),
        ),
        Measure(
            "external_made", "booking", "市の予約サイトでの代行（予約）", "市の予約サイトで、住民に代わって入れた予約の人数。", "人",
            by=_EXTERNAL, **_count(Facts(("booking.external_created",)), Column.QUANTITY),
        ),
        Measure(
            "external_changed", "booking", "市の予約サイトでの代行（変更）", "市の予約サイトで、住民に代わって変更した予約の人数。", "人",
            by=_EXTERNAL, **_count(Facts(("booking.external_changed",)), Column.QUANTITY),
        ),
        Measure(
            "external_cancelled", "booking", "市の予約サイトでの代行（取消し）", "市の予約サイトで、住民に代わって取り消した予約の人数。", "人",
            by=_EXTERNAL, **_count(Facts(("booking.external_cancelled",)), Column.QUANTITY),
        ),
        Measure(
            "external_imported", "booking", "市の予約の取り込み", "市の予約システムの一覧から取り込んだ、または変わっていた予約の件数。", "件",
            by=("actor",), **_count(Facts(("external.imported",)), Column.QUANTITY),
        ),
        # Telephone
        Measure("calls", "phone", "着信", "受けた電話の件数。受付時間外の着信も入ります。かかってきた時刻で数えます。", "件",
                by=_CALL, outcomes=_named(Outcome), **_count(_CALLS)),
        Measure("calls_in_hours", "phone", "受付時間内の着信", "着信から、受付時間外のものを除いた件数。応答率の分母です。", "件",
                by=_CALL, outcomes=_named(Outcome), **_count(_IN_HOURS)),
        Measure("calls_answered", "phone", "応答", "オペレーターが応答した着信の件数。", "件", by=("language",), **_count(_ANSWERED)),
        Measure("calls_abandoned", "phone", "放棄", "応答する前に相手が電話を切った着信の件数（案内中と待機中）。", "件",
                by=_CALL, outcomes=_named(Outcome), **_count(_ABANDONED)),
        Measure("calls_overflowed", "phone", "自動応答", "混み合っていて、自動音声で案内して終わった着信の件数。", "件",
                by=("language",), **_count(_OVERFLOWED)),
        Measure("calls_wished_back", "phone", "折り返し希望", "折り返しの電話を希望して終わった着信の件数。", "件",
                by=("language",), **_count(_WISHED)),
        Measure("calls_closed", "phone", "時間外の着信", "受付時間外で、自動音声で案内した着信の件数。", "件", by=("language",), **_count(_CLOSED)),
        Measure(
            "answer_rate", "phone", "応答率",
            "応答÷受付時間内の着信。折り返し希望は応答に数えません。契約で別の定義を決めているときは「電話の数字（月）」をご覧ください。",
            by=("language",), **_share(_ANSWERED, _IN_HOURS),
        ),
        Measure("abandon_rate", "phone", "放棄率", "放棄÷受付時間内の着信。", by=("language",), **_share(_ABANDONED, _IN_HOURS)),
        Measure(
            "answered_in_20", "phone", "20秒以内の応答", "待ち始めてから20秒以内に応答した件数÷受付時間内の着信。", "%",
            top=Term(_ANSWERED, within=20), bottom=Term(_IN_HOURS), by=("language",),
        ),
        Measure(
            "answered_in_60", "phone", "1分以内の応答", "待ち始めてから60秒以内に応答した件数÷受付時間内の着信。", "%",
            top=Term(_ANSWERED, within=60), bottom=Term(_IN_HOURS), by=("language",),
        ),
        Measure("call_wait", "phone", "応答までの待ち（平均）", "応答した着信の、呼び出しの列に入ってから応答までの時間の平均。",
                by=("language",), **_mean_wait(_ANSWERED)),
        Measure("call_wait_90", "phone", "応答までの待ち（90%）", "応答した着信の90%が、この時間以内に応答されました（きりのよい時間に切り上げ）。", "秒",
                top=Percentile(_ANSWERED, "wait", 90), by=("language",)),
        Measure("call_talk", "phone", "通話時間（平均）", "応答した着信の、通話と保留の時間の平均。", by=("language",), **_mean_handle(_ANSWERED)),
        Measure("calls_back", "phone", "折り返しの電話", "センターから折り返してかけた電話の件数。", "件",
                by=_CALL, outcomes=_named(Outcome), **_count(_BACK)),
        Measure("callbacks_done", "phone", "終わった折り返し", "話せた・あきらめたなど、終わった折り返しの約束の件数。", "件",
                by=_CALL, outcomes=_named(CallbackEnd), **_count(_BACK_CLOSED)),
        Measure("callback_wait", "phone", "折り返しまでの時間（平均）", "折り返しの希望を受けてから、折り返しが終わるまでの時間の平均（受付時間外も含む）。",
                by=_CALL, outcomes=_named(CallbackEnd), **_mean_wait(_BACK_CLOSED)),
        Measure("enquiries", "phone", "応対の記録", "電話・FAXなどの問合せに応対し、内容を記録した件数。", "件",
                by=("language", "outcome", "actor"), outcomes=_named(Result), **_count(_CONTACTS)),
        Measure("wrapup", "phone", "後処理の時間（平均）", "通話が終わってから、応対の記録を保存するまでの時間の平均（30分まで）。",
                by=("language",), **_mean_handle(_CONTACTS)),
        Measure("escalations", "phone", "二次対応への引き継ぎ",
                "オペレーターから二次対応（業務責任者・市）へ引き継いだ件数。苦情は引き継ぎ先によらず苦情と数えます。",
                "件", by=("outcome", "actor"), outcomes=_LINES, **_count(_PASSED)),
        Measure("escalations_done", "phone", "完了した二次対応", "二次対応が完了した件数。", "件",
                by=("outcome", "actor"), outcomes=_LINES, **_count(_PASSED_DONE)),
        Measure("escalation_time", "phone", "二次対応の完了まで（平均）", "引き継いでから完了までの時間の平均（受付時間外も含む）。",
                by=("outcome",), outcomes=_LINES, **_mean_wait(_PASSED_DONE)),
        # Counter
        Measure("tickets", "counter", "番号札", "発行した番号札の枚数。", "枚",
                by=("site", "language", "booked"), outcomes=_BOOKED, **_count(_TICKETS)),
        Measure("visitors", "counter", "来庁者", "番号札を取った人数（ご家族などで1枚のときは全員）。", "人",
                by=("site", "language", "booked"), outcomes=_BOOKED, **_count(_TICKETS, Column.QUANTITY)),
        Measure("served", "counter", "窓口で終えた手続き", "窓口で終えた手続きの人数。終えた時刻で数えます。", "人",
                by=(*_VISIT, "booked"), outcomes=_BOOKED, **_count(_SERVED, Column.QUANTITY)),
        Measure("visit_wait", "counter", "窓口の待ち時間（平均）",
                "番号札を取ってから呼ばれるまで待った時間の平均。番号札ごとに数え、最初に終えた手続きに入れます。",
                by=(*_VISIT, "booked"), outcomes=_BOOKED, **_mean_wait(_SERVED)),
        Measure("visit_wait_median", "counter", "窓口の待ち時間（中央）", "番号札の半分が、この時間以内に呼ばれました（きりのよい時間に切り上げ）。", "秒",
                top=Percentile(_SERVED, "wait", 50), by=(*_VISIT, "booked"), outcomes=_BOOKED),
        Measure("visit_wait_90", "counter", "窓口の待ち時間（90%）", "番号札の90%が、この時間以内に呼ばれました（きりのよい時間に切り上げ）。", "秒",
                top=Percentile(_SERVED, "wait", 90), by=(*_VISIT, "booked"), outcomes=_BOOKED),
        Measure("visit_handle", "counter", "窓口の処理時間（平均）", "1つの手続きに窓口で応対した時間の平均。まとめて終えた手続きは等分します。",
                by=(*_VISIT, "booked"), outcomes=_BOOKED, **_mean_handle(_SERVED)),
        Measure("overruns", "counter", "時間を過ぎた応対", "時間内に受け付け、窓口の終了時刻を過ぎて終えた来庁の件数。", "件",
                by=("site", "outcome"), outcomes=_named(VisitOutcome), **_count(_OVERRUN)),
        Measure("overrun_time", "counter", "時間を過ぎた合計", "時間を過ぎた応対の、終了時刻から終えるまでの時間の合計。", "秒",
                by=("site", "outcome"), outcomes=_named(VisitOutcome), **_count(_OVERRUN, Column.HANDLE)),
        # Cases
        Measure("cases_opened", "cases", "開いた案件",
                "窓口などで始めた手続きの件数。誤って開いたものは、取り消した日に引きます。市の「来庁者件数」の表はこの件数です。",
                "件", by=_CASE, **_count(_OPENED, Column.QUANTITY)),
        Measure("cases_ended", "cases", "終わった案件", "終わった手続きの件数。終わりを取り消したものは引きます。", "件",
                by=(*_CASE, "outcome"), outcomes=_named(End), **_count(_ENDED)),
        Measure("cases_done_rate", "cases", "完了した割合", "完了した案件÷終わった案件。", by=_CASE, **_share(_DONE, _ENDED)),
        Measure("case_handle", "cases", "案件の処理時間（平均）", "終わった案件の、窓口で担当していた時間の平均。",
                by=(*_CASE, "outcome"), outcomes=_named(End), **_mean_handle(_ENDED)),
        Measure("case_handle_90", "cases", "案件の処理時間（90%）", "終わった案件の90%が、この時間以内でした（きりのよい時間に切り上げ）。", "秒",
                top=Percentile(_ENDED, "handle", 90), by=(*_CASE, "outcome"), outcomes=_named(End)),
        Measure("examinations", "cases", "市の審査", "市が審査して回答した件数。", "件", by=_CASE, **_count(_EXAMINED)),
        Measure("examination_wait", "cases", "市の着手までの待ち（平均）", "市へ引き渡してから、職員が着手するまでの時間の平均。",
                by=_CASE, **_mean_wait(_EXAMINED)),
        Measure("examination_time", "cases", "市の審査時間（平均）", "職員が着手してから回答までの時間の平均。", by=_CASE, **_mean_handle(_EXAMINED)),
        # Cards
        Measure("cards_registered", "cards", "到着したカード", "届いて登録したカードの枚数。", "枚", by=_CARD,
                **_count(Facts(("card.registered",)), Column.QUANTITY)),
        Measure("cards_set_up", "cards", "交付前設定", "交付前設定をして、別の人の確認が済んだカードの枚数。", "枚", by=_CARD,
                **_count(Facts(("card.set_up",)), Column.QUANTITY)),
        Measure("cards_set_up_failed", "cards", "設定の差し戻し", "交付前設定の確認で差し戻した枚数。", "枚", by=(*_CARD, "outcome"),
                outcomes=_named(Fault), **_count(Facts(("card.set_up_failed",)), Column.QUANTITY)),
        Measure("cards_notified", "cards", "交付通知", "交付通知を送った枚数。", "枚", by=_CARD, **_count(Facts(("card.notified",)), Column.QUANTITY)),
        Measure("cards_renotified", "cards", "再通知", "交付通知をもう一度送った枚数。", "枚", by=_CARD,
                **_count(Facts(("card.renotified",)), Column.QUANTITY)),
        Measure("cards_issued", "cards", "交付", "お渡ししたカードの枚数。取り消した交付は、取り消した日に引きます。", "枚", by=_CARD,
                **_count(Facts(("card.issued",)), Column.QUANTITY)),
        Measure("cards_returned", "cards", "返戻", "返戻したカードの枚数。", "枚", by=(*_CARD, "outcome"), outcomes=_named(Reason),
                **_count(Facts(("card.returned",)), Column.QUANTITY)),
        Measure("cards_disposed", "cards", "廃棄", "承認を受けて廃棄したカードの枚数。", "枚", by=(*_CARD, "outcome"), outcomes=_named(Reason),
                **_count(Facts(("card.disposed",)), Column.QUANTITY)),
        # Work lists
        Measure("list_items", "lists", "作業リストの処理", "作業リストで終わった件数。戻したものは数えません。", "件",
                by=("kind", "outcome", "actor"), **_count(_LISTS)),
        Measure("list_time", "lists", "作業リストの1件の時間（平均）", "1件にかかった作業時間の平均。",
                by=("kind", "outcome", "actor"), **_mean_handle(_LISTS)),
        # Rooms and photos
        Measure("checklists", "rooms", "点検表", "終わりまで付けた点検表の枚数。", "枚", by=("site", "kind", "outcome"),
                outcomes=(("in_time", "時間内"), ("late", "時間後")), **_count(_CHECKLISTS)),
        Measure("papers_destroyed", "rooms", "保管文書の廃棄", "廃棄した箱・袋の数。二人目が確かめた日に数えます。", "個", by=("actor",),
                **_count(Facts(("premises.destroyed",)), Column.QUANTITY)),
        Measure("outreach_people", "rooms", "出張での受付", "出張の日に受け付けた人数。", "人", by=("site", "procedure"),
                **_count(Facts(("premises.outreach",)), Column.QUANTITY)),
        Measure("photos_delivered", "rooms", "届けた顔写真", "決められた場所へ届けた顔写真の枚数。", "枚", by=("site", "actor"),
                **_count(Facts(("photo.delivered",)))),
        # Notices
        Measure("notices_sent", "notices", "送ったお知らせ", "送った通知（メール・SMS・LINE）の件数。SMSは分割しても1件です。", "件",
                by=("language", "outcome"), outcomes=_named(Kind, StaffKind, TicketKind), **_count(_SENT)),
        Measure("lists_delivered", "notices", "一覧の受け渡し", "市へ受け渡した予約の一覧の件数。", "件", by=("outcome",),
                outcomes=(("in_time", "期限内"), ("late", "期限後")), **_count(Facts(("list.delivered",)))),
        # Incidents
        Measure("incidents", "incidents", "事故・障害・苦情の報告",
                "事故・障害・苦情などとして報告された件数。報告した時刻と、そのときの種類で数えます。", "件",
                by=_INCIDENT, outcomes=_named(IncidentKind), **_count(Facts(("incident.reported",)))),
        Measure("incidents_known", "incidents", "確認された報告", "市などの担当者が確認した件数。確認した時刻で数えます。", "件",
                by=_INCIDENT, outcomes=_named(IncidentKind), **_count(_ACKNOWLEDGED)),
        Measure("incident_known_after", "incidents", "確認までの時間（平均）", "報告から、市などの担当者が確認するまでの時間の平均（夜間・休日も含む）。",
                by=_INCIDENT, outcomes=_named(IncidentKind), **_mean_wait(_ACKNOWLEDGED)),
        Measure("incidents_written", "incidents", "書面での報告", "原因・対応・再発防止策を書面で報告した件数。差し戻しの後の再報告も1件です。", "件",
                by=_INCIDENT, outcomes=_named(IncidentKind), **_count(Facts(("incident.written",)))),
        Measure("incidents_closed", "incidents", "終結", "市が終結を認めた件数。再開したものは引きます。", "件",
                by=_INCIDENT, outcomes=_named(IncidentKind), **_count(_INCIDENTS_CLOSED)),
        Measure("incident_closed_after", "incidents", "終結までの時間（平均）", "報告から、市が終結を認めるまでの時間の平均。",
                by=_INCIDENT, outcomes=_named(IncidentKind), **_mean_wait(_INCIDENTS_CLOSED)),
        # Survey: never by procedure, so that no few answers can be told apart
        Measure("survey_answers", "survey", "アンケートの回答", "来庁者アンケートに答えた件数。答えた時間帯の終わりに数えます。", "件",
                by=("site", "outcome"), outcomes=_named(Way), **_count(_REPLIED)),
        Measure("survey_rate", "survey", "アンケートの回答率",
                "アンケートの回答÷来庁（予約した人の来庁＋予約なしの来庁、人数）。来庁の翌日のメールへの回答は、答えた日に数えます。",
                "%", top=Term(_REPLIED), bottom=Term(_CAME, Column.QUANTITY), by=("site",)),
        Measure("survey_score", "survey", "アンケートの平均点",
                "5段階（5＝とてもよい、1＝よくない）の答えの平均。「結果」は質問です。幅（95%信頼区間）は「アンケートの結果」にあります。", "点",
                top=Term(_SCORED, Column.QUANTITY), bottom=Term(_SCORED), by=("site", "outcome")),
    )
}  # fmt: skip
"""All measures by code, in the order of the page."""

SHOWN: Mapping[str, tuple[str, ...]] = {
    "booking": ("bookings_made", "bookings_cancelled", "bookings_attended", "bookings_no_show"),
    "phone": ("calls", "calls_answered", "calls_abandoned", "answer_rate"),
    "counter": ("visitors", "served", "visit_wait", "visit_handle"),
    "cases": ("cases_opened", "cases_ended", "case_handle"),
    "cards": ("cards_registered", "cards_set_up", "cards_issued", "cards_returned"),
    "lists": ("list_items", "list_time"),
    "rooms": ("checklists", "papers_destroyed", "outreach_people", "photos_delivered"),
    "notices": ("notices_sent",),
    "incidents": ("incidents", "incidents_known", "incident_known_after", "incidents_closed"),
    "survey": ("survey_answers", "survey_rate", "survey_score"),
}
"""What a page shows of a group unless something else is chosen."""
