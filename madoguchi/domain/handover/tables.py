"""Every tenant table, declared once: under which name it is handed over or why not, and what each of its columns that can hold text is.

A column that cannot hold text (numbers, times, yes/no, references, closed choices) is plain by its type. A column that holds text has the kind
named here, or that of its name in :data:`ALIKE` where one name means the same everywhere; a sealed one is personal. ``tests/domain/handover``
fails for a table or a column without.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from madoguchi.ground.contracts.tenancy import tenant_models
from madoguchi.ground.privacy.registry import sealed_columns

from .enums import Kind

ALIKE: dict[str, Kind] = {
    **dict.fromkeys(
        (
            "code", "name", "channel", "actor_kind", "language", "procedure", "kind", "group", "letter", "state", "item", "worklist", "checklist",
            "unit", "provider", "verb", "cabinet", "ref", "obligation", "key", "outcome", "site", "queue", "agent", "device", "choice", "actor",
        ),
        Kind.PLAIN,
    ),
    **dict.fromkeys(
        (
            "created_by", "edited_by", "saved_by", "published_by", "imported_by", "issued_by", "set_by", "recorded_by", "withdrawn_by", "entered_by",
            "confirmed_by", "explained_by", "closed_by", "prepared_by", "proposed_by", "decided_by", "received_by", "opened_by", "named_by",
            "actor_label", "owner_label",
        ),
        Kind.STAFF,
    ),
}  # fmt: skip
"""Kinds of columns by name. A free text has no place here: it is named at its table."""


@dataclass(frozen=True)
class Table:
    """One tenant table. ``left_out`` says why it is not in the package. ``rows``: an erasure deletes its rows instead of blanking columns.

    ``plain`` … ``file`` name columns by kind, separated by blanks.
    """

    label: str
    file: str
    title: str
    left_out: str = ""
    rows: bool = False
    plain: str = ""
    staff: str = ""
    personal: str = ""
    number: str = ""
    index: str = ""
    hidden: str = ""
    content: str = ""

    @property
    def model(self) -> type[models.Model]:
        """Its model."""
        return apps.get_model(self.label)

    def kinds(self) -> dict[str, Kind]:
        """Kind of every column that can hold text. Raises ``KeyError`` for one without."""
        named = {
            column: kind
            for kind, columns in (
                (Kind.PLAIN, self.plain), (Kind.STAFF, self.staff), (Kind.PERSONAL, self.personal), (Kind.NUMBER, self.number),
                (Kind.INDEX, self.index), (Kind.HIDDEN, self.hidden), (Kind.FILE, self.content),
            )
            for column in columns.split()
        }  # fmt: skip
        sealed = {one.column for one in sealed_columns() if one.model is self.model}
        found = {}
        for field in self.model._meta.concrete_fields:
            if not holds_text(field):
                continue
            name = field.name
            kind = named.pop(name, None) or (Kind.PERSONAL if name in sealed else ALIKE.get(name))
            if kind is None:
                raise KeyError(f"{self.label}.{name} holds text and has no kind: name it in madoguchi/domain/handover/tables.py")
            found[name] = kind
        if named:
            raise KeyError(f"{self.label} has no text columns {sorted(named)}: take them out of madoguchi/domain/handover/tables.py")
        return found

    def erasable(self) -> dict[str, Kind]:
        """The columns that an erasure blanks."""
        return {name: kind for name, kind in self.kinds().items() if kind not in (Kind.PLAIN, Kind.STAFF, Kind.FILE)}


def holds_text(field: models.Field) -> bool:
    """Whether a column can hold what somebody wrote, read or sent."""
    if isinstance(field, ArrayField):
        return holds_text(field.base_field)
    return isinstance(field, models.CharField | models.TextField | models.JSONField | models.BinaryField) and not field.choices


def _derived(label: str, title: str, why: str, *, rows: bool = False, **kinds: str) -> Table:
    return Table(label, "", title, left_out=why, rows=rows, **kinds)


_COUNTED = "業務の事実（facts）から数え直せる集計の途中の値"
_DAY = "窓口の当日の動作だけに使う記録"
_SELF = "引継ぎパッケージそのもの"

TABLES: tuple[Table, ...] = (
    Table("contracts.Site", "sites", "場所", plain="address"),
    Table("contracts.CalendarOverride", "calendar_changes", "開庁カレンダーの変更", plain="intervals reason"),
    _derived(
        "privacy.ContractKey", "契約の鍵", "鍵は誰にも渡さない。個人情報は開いた値でパッケージに入る", rows=True,
        hidden="wrapped wrapped_index", plain="master",
    ),
    _derived("audit.Entry", "操作の記録", "「操作の記録」の画面から出力する。パッケージには連鎖の末尾のハッシュが入る", plain="action target detail hash"),
    _derived("audit.Head", "操作の記録の末尾", "audit_heads.json に入る", plain="hash"),
    Table("worklog.Fact", "facts", "業務の事実"),
    _derived("worklog.TouchedDay", "数え直す日", _COUNTED),
    Table("accounts.ApiKey", "api_keys", "APIキー（秘密の値は除く）", plain="scopes sources", hidden="prefix secret_hash signing"),
    Table("procedures.Procedure", "procedures", "手続き", plain="legal_name"),
    Table("procedures.ProcedureText", "procedure_texts", "手続きの案内", plain="summary"),
    Table("procedures.BringRule", "bring_rules", "持ち物の表", plain="texts source"),
    Table("notices.Template", "notice_templates", "お知らせの文面", plain="subject body"),
    Table("notices.Message", "notices", "お知らせの送信の記録", plain="claimed_by", personal="detail"),
    Table("notices.Attempt", "notice_attempts", "送信の試み", personal="answer"),
    Table("notices.PlannedStop", "planned_stops", "サイトの停止", plain="reason"),
    _derived("callflow.Audio", "アナウンスの音声", "読み上げの音声は文面から作り直せる。文面は phone_prompts に入る", content="content"),
    Table("callflow.Prompt", "phone_prompts", "電話の案内の文面", plain="prompt text file_name"),
    Table("callflow.Reading", "phone_readings", "読み方", plain="surface kana"),
    Table("callflow.FlowVersion", "phone_flows", "電話の流れの版", plain="fingerprint content"),
    Table("callflow.Telephone", "telephones", "電話機（秘密の値は除く）", plain="place user", hidden="secret"),
    Table("staffing.SavedAssumptions", "staffing", "人数の見積もりの前提"),
    Table("worklists.Batch", "worklist_files", "作業リストの取り込み", personal="name"),
    Table("worklists.Entry", "worklist_entries", "作業リストの1件", plain="reason result", number="key"),
    Table("worklists.EntryStep", "worklist_steps", "作業リストの経過", plain="detail", staff="by"),
    Table("booking.Pool", "pools", "予約の枠の組"),
    Table("booking.PoolProcedure", "pool_procedures", "枠の組の手続き"),
    Table("booking.Contingent", "contingents", "経路ごとに残す件数"),
    Table("booking.WeekPattern", "week_patterns", "曜日ごとの枠"),
    Table("booking.DayPlan", "day_plans", "日ごとの枠", plain="bands", personal="reason"),
    Table("booking.Slot", "slots", "予約枠"),
    Table(
        "booking.Booking", "bookings", "予約（今後の予約を含む）", plain="erased_fields", number="code idempotency_key",
        index="phone_index mail_index line_index fingerprint",
    ),
    _derived("booking.LineCode", "LINEの確認コード", "期限のある鍵で、引き継いでも使えない", rows=True, index="index"),
    Table("booking.Attendee", "attendees", "来庁する人", index="person_index"),
    Table("booking.Claim", "claims", "枠の占有"),
    _derived("booking.Rest", "空けておく枠", "数時間で消える値"),
    Table("booking.Waiting", "waiting", "早い日時の空き待ち", plain="parts created_channel"),
    Table("booking.Offer", "offers", "早い日時の案内"),
    Table("booking.Event", "booking_events", "予約の履歴", plain="change"),
    Table("booking.Affected", "affected", "対応が必要な予約", personal="reason"),
    _derived("booking.Proof", "残数の検算", "毎晩の検算の結果で、業務の記録ではない", plain="faults"),
    Table("booking.WalkIn", "walk_ins", "予約のない来庁", plain="people"),
    Table("booking.ExternalLog", "external_log", "市の予約サイトでの代行", personal="reference note"),
    _derived("booking.NoticeCard", "はがきの番号の一覧", "鍵付きの索引だけがあり、番号そのものは市にある", rows=True, index="index"),
    Table("booking.SavedList", "saved_lists", "保存した一覧", plain="owner selection"),
    Table("booking.StandingOrder", "standing_orders", "定期の受け渡し"),
    Table("booking.Delivery", "deliveries", "受け渡しの記録（ファイルは除く）", plain="title file_name conditions sha256 problem", personal="lacking"),
    Table("booking.Receipt", "receipts", "受け取った人"),
    Table("booking.ExternalVisit", "external_visits", "市の予約（取り込み分）", number="reference"),
    Table("premises.Run", "checklists", "点検表", plain="items"),
    Table("premises.Mark", "checklist_marks", "点検の項目の印", personal="note"),
    Table("premises.Collection", "collections", "廃棄の日", plain="certificate", personal="told"),
    Table("premises.Bundle", "bundles", "保管文書", plain="place"),
    Table("premises.Outing", "outings", "出張の日", plain="equipment results receipt", personal="place address note reason"),
    Table("photos.Photo", "photos", "顔写真の記録（写真は除く）", number="name", index="sha256", personal="trouble"),
    Table("calls.Call", "calls", "通話", plain="why ended_by missed", number="ref", personal="dialled", index="number_index"),
    Table("calls.CallEvent", "call_events", "通話のできごと", personal="data"),
    Table("calls.Contact", "contacts", "応対の記録", plain="faq", personal="bookings", index="number_index"),
    Table("calls.Extension", "extensions", "内線"),
    Table("calls.Callback", "callbacks", "折り返し", index="number_index"),
    Table("calls.CallbackTry", "callback_tries", "電話した記録"),
    Table("calls.Escalation", "escalations", "二次対応"),
    Table("calls.Step", "escalation_steps", "二次対応の経過"),
    Table("cards.Card", "cards", "カードの在庫（置き場所を含む）", number="number", index="person_index"),
    Table("cards.Move", "card_moves", "カードの履歴", plain="before after source target reason"),
    Table("cards.Batch", "card_batches", "交付前設定の作業"),
    Table("cards.Setup", "card_setups", "交付前設定"),
    Table("cards.Disposal", "card_disposals", "廃棄の提案・承認"),
    Table("cards.Stocktake", "stocktakes", "棚卸"),
    Table("cards.Seen", "stocktake_seen", "棚卸で読み取ったカード", plain="box recorded", number="number"),
    Table("cards.Difference", "stocktake_differences", "棚卸の違い", plain="recorded box", number="number"),
    Table("reception.Terminal", "terminals", "受付機・呼び出しの画面"),
    Table("reception.Window", "windows", "窓口", plain="groups"),
    _derived("reception.NumberBlock", "番号の束", _DAY),
    Table("reception.Ticket", "tickets", "番号札", plain="procedures done needs", number="token"),
    Table("reception.Period", "ticket_periods", "番号札の滞在"),
    _derived("reception.Summons", "呼び出し", _DAY),
    _derived("reception.Deed", "端末の操作の鍵", _DAY),
    Table("reception.Tablet", "tablets", "つながらない間も使う端末", hidden="browser"),
    Table("reception.LateDeed", "late_deeds", "後から記録する操作", plain="about", personal="body message"),
    _derived("reception.Pack", "非常時の用紙", "その日のうちに消える写しで、元の予約がパッケージに入る", plain="problem"),
    Table("cases.FlowVersion", "case_flows", "手続きの流れの版", plain="body note"),
    Table("cases.Case", "cases", "案件", plain="step"),
    Table("cases.Move", "case_moves", "案件の履歴", plain="part from_step to_step way reason ticked missing"),
    _derived("reports.DayCount", "日の集計", _COUNTED),
    _derived("reports.DaySpan", "時間の区切り", _COUNTED, plain="of"),
    Table("reports.Report", "reports", "報告書の版", plain="reason content digest comments"),
    Table("reports.Correction", "report_corrections", "数字の訂正", plain="measure by reason"),
    Table("reports.Passage", "report_passages", "報告書の文章", plain="text"),
    Table("reports.Form", "report_forms", "報告書の様式（ファイルは除く）", content="content"),
    Table("reports.CorrectionRequest", "correction_requests", "訂正の依頼"),
    Table("billing.Invoice", "invoices", "請求書", plain="prices evidence content sha256 withdrawn_because"),
    Table("billing.InvoiceLine", "invoice_lines", "請求書の行"),
    Table("billing.Expenditure", "expenditures", "経費の帳簿", plain="payee evidence note"),
    Table("obligations.Ledger", "obligation_ledger", "義務の台帳"),
    Table("obligations.Event", "obligation_events", "義務のできごと", plain="note withdrawn_reason"),
    Table("obligations.Evidence", "obligation_evidence", "義務の証拠", plain="reference note file_hash withdrawn_reason"),
    Table("obligations.Breach", "obligation_breaches", "義務の違反", plain="explanation"),
    Table("obligations.Reminder", "obligation_reminders", "義務の知らせ"),
    Table("incidents.Incident", "incidents", "事故・障害・苦情", plain="origin digest"),
    Table("incidents.Line", "incident_lines", "事故等の経過", staff="detail"),
    Table("incidents.Prevention", "incident_preventions", "再発防止策"),
    Table("incidents.LegalRecord", "incident_legal_steps", "法令上の手続きの記録"),
    Table("papers.Paper", "papers", "提出する書類の版", plain="reason content digest comments"),
    Table("papers.PaperText", "paper_texts", "書類の文章", plain="text"),
    Table("survey.Answer", "survey_answers", "アンケートの回答", plain="scores choices"),
    Table("survey.Comment", "survey_comments", "アンケートの自由記述", plain="question groups"),
    _derived("survey.UsedLink", "使われたアンケートのリンク", "期限のある鍵で、引き継いでも使えない", rows=True, index="digest"),
    Table("forecast.Cohort", "expiry_cohorts", "有効期限の件数"),
    _derived("handover.Package", "引継ぎパッケージ", _SELF, plain="digest problem"),
    _derived("handover.PackageFile", "引継ぎパッケージのファイル", _SELF, plain="path title sha256 about"),
    _derived("handover.PackagePart", "引継ぎパッケージの中身", _SELF, rows=True),
    _derived("handover.Erasure", "個人情報の消去", "消去証明書として別に渡す", plain="reason problem certificate digest"),
    _derived("handover.ErasedCount", "消去した件数", "消去証明書として別に渡す", plain="title columns way"),
)  # fmt: skip


@cache
def table_of(model: type[models.Model]) -> Table:
    """The declaration of a model. Raises ``KeyError`` when it has none."""
    found = next((one for one in TABLES if one.label == model._meta.label), None)
    if found is None:
        raise KeyError(f"{model._meta.label} is declared nowhere: add it to madoguchi/domain/handover/tables.py")
    return found


def undeclared() -> list[str]:
    """Tenant tables without a declaration, and declarations without a table."""
    tables = {model._meta.label for model in tenant_models()}
    return sorted(tables ^ {one.label for one in TABLES})
