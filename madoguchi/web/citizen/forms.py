"""Forms of residents: fields as the profile asks for them, checked by the rules of ``booking.party``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from madoguchi.domain.booking import party
from madoguchi.domain.booking.answers import choices
from madoguchi.domain.procedures.briefing import situation_text, who_text
from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.queries import Shown
from madoguchi.ground.contracts.profile import FieldRule, Profile
from madoguchi.ground.kit import dates, postal
from madoguchi.web.ui.dates import DateParts, DatePartsWidget, parse_parts
from madoguchi.web.ui.templatetags.ui import html_lang

Cleaner = Callable[[Mapping[str, Any]], party.Cleaned]

LABELS = {
    "name": gettext_lazy("氏名"),
    "kana": gettext_lazy("フリガナ"),
    "birth_date": gettext_lazy("生年月日"),
    "phone": gettext_lazy("電話番号"),
    "email": gettext_lazy("メールアドレス"),
    "postal_code": gettext_lazy("郵便番号"),
    "address": gettext_lazy("住所"),
    "notice_number": gettext_lazy("はがき（交付通知書）の番号"),
    "language": gettext_lazy("窓口で話す言葉"),
    "who": gettext_lazy("窓口に来る人"),
    "situations": gettext_lazy("あてはまるもの"),
    "needs": gettext_lazy("お手伝いが必要なこと"),
    "memo": gettext_lazy("伝えておきたいこと"),
}
HELPS = {
    "name": gettext_lazy("漢字が出ないときは、カタカナで入力してください。"),
    "kana": gettext_lazy("ひらがなで入力しても、カタカナになおします。"),
    "birth_date": gettext_lazy("和暦でも西暦でも入力できます。"),
    "phone": gettext_lazy("昼間に連絡がとれる番号。予約を確かめるときにも使います。"),
    "email": gettext_lazy("予約の控えと、前の日のお知らせが届きます。なくても予約できます。"),
    "postal_code": gettext_lazy("7けたの数字です。"),
    "notice_number": gettext_lazy("はがきに書いてある、英数字3けたと数字6けたの番号です。"),
    "who": gettext_lazy("来る人によって、持ってくるものが変わります。"),
    "situations": gettext_lazy("選ぶと、持ってくるものを正しくご案内できます。なければ、選ばなくてかまいません。"),
    "needs": gettext_lazy("車いす、筆談、手話、通訳など。窓口で準備します。"),
}
ATTRS: dict[str, dict[str, str]] = {
    "name": {"autocomplete": "name"},
    "kana": {"data-kana": ""},
    "phone": {"type": "tel", "autocomplete": "tel", "inputmode": "tel", "data-digits": ""},
    "email": {
        "type": "text",
        "inputmode": "email",
        "autocomplete": "email",
        "autocapitalize": "none",
        "spellcheck": "false",
    },
    "postal_code": {"inputmode": "numeric", "autocomplete": "postal-code", "data-digits": ""},
    "address": {"autocomplete": "street-address"},
    "notice_number": {"autocapitalize": "characters", "data-digits": ""},
}
WIDTHS = {"name": "l", "kana": "l", "phone": "m", "postal_code": "s", "notice_number": "m", "email": "l"}
LONG = ("needs", "memo")


def in_words(said: tuple[str, str]) -> str:
    """A text of the city's own; marked as Japanese where the city has none in the reader's language."""
    text, found = said
    reader = html_lang(get_language())
    return text if not text or html_lang(found) == reader else format_html('<span lang="{}">{}</span>', html_lang(found), text)


def label_of(rule: FieldRule) -> str:
    """Label of a field in the reader's language."""
    return in_words(rule.said_label(get_language() or "ja")) or str(LABELS.get(rule.code, rule.code))


def help_of(rule: FieldRule) -> str:
    """What is written under the label, in the reader's language."""
    return in_words(rule.said_help(get_language() or "ja")) or str(HELPS.get(rule.code, ""))


def _field(rule: FieldRule, shared: bool, asked: Sequence[Situation]) -> forms.Field:
    """The input of a field. ``shared``: not the first person, whose data the browser knows."""
    if rule.code == "birth_date":
        return forms.Field(widget=DatePartsWidget(eras=True, birth=True))
    if rule.code == "who":
        options = [(str(one), who_text(one)) for one in Who]
        return forms.ChoiceField(choices=options, initial=str(Who.SELF), widget=forms.RadioSelect)
    if rule.code == "situations":
        options = [(str(one), situation_text(one)) for one in asked]
        return forms.MultipleChoiceField(choices=options, widget=forms.CheckboxSelectMultiple)
    if rule.kind == "date":
        return forms.Field(widget=DatePartsWidget(eras=True))
    if rule.kind in ("choice", "yes_no"):
        options = [(code, in_words((text, found))) for code, text, found in choices(rule, get_language() or "ja")]
        return forms.ChoiceField(choices=options, widget=forms.RadioSelect)
    attrs = dict(ATTRS.get(rule.code, {}))
    if shared:
        attrs["autocomplete"] = "off"
    if rule.kind == "number":
        attrs |= {"inputmode": "numeric", "data-digits": ""}
    if rule.kind == "long" or rule.code in LONG:
        return forms.CharField(widget=forms.Textarea(attrs={**attrs, "rows": "3"}))
    return forms.CharField(widget=forms.TextInput(attrs=attrs))


class PartyForm(forms.Form):
    """Fields of one person or of the contact. ``answer``: the checked values; what was typed stays, right or wrong."""

    use_required_attribute = False

    def __init__(
        self,
        profile: Profile,
        rules: list[tuple[str, bool]],
        cleaner: Cleaner,
        *args: Any,
        shared: bool = False,
        asked: Sequence[Situation] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.cleaner = cleaner
        self.answer: dict[str, str] = {}
        self.caption = ""
        self.filling: postal.Filling | None = None
        self.numbers = {rule.code for rule in profile.booking.fields if rule.kind == "number"}
        for code, required in rules:
            rule = profile.booking.field(code)
            if rule is None or (code == "situations" and not asked):
                continue
            field = _field(rule, shared, asked)
            field.required = field.widget.is_required = required
            field.label, field.help_text = label_of(rule), help_of(rule)
            self.fields[code] = field

    def full_clean(self) -> None:
        self._errors = ErrorDict()
        self.cleaned_data = {}
        if not self.is_bound:
            return
        data: dict[str, str] = {}
        problems: dict[str, str] = {}
        for code, field in self.fields.items():
            value = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(code))
            if isinstance(value, DateParts):
                if value.empty:
                    continue
                try:
                    value = parse_parts(value).isoformat()
                except dates.DateError as problem:
                    problems[code] = str(problem)
                    continue
            data[code] = ",".join(value) if isinstance(value, list) else value or ""
        cleaned = self.cleaner(data)
        problems = {**{k: v for k, v in cleaned.errors.items() if k not in problems}, **problems}
        if any(data.get(code) and not cleaned.values.get(code, "-") for code in problems):
            self.data = self.data.copy()
            for code in problems:
                if data.get(code) and not cleaned.values.get(code, "-"):
                    self.data[self.add_prefix(code)] = ""
        for code in self.fields:
            if code in problems:
                self._errors[code] = self.error_class([problems[code]])
        self.answer = {code: value for code, value in cleaned.values.items() if value}
        self.cleaned_data = dict(self.answer)

    def refuse(self, problems: Mapping[str, str]) -> None:
        """Add what a look into the contract's own lists has found wrong."""
        for code, text in problems.items():
            self._errors[code] = self.error_class([text])

    def typed(self) -> dict[str, Any]:
        """What was typed, field by field, to be put back later."""
        return {
            code: field.widget.value_from_datadict(self.data, self.files, self.add_prefix(code))
            for code, field in self.fields.items()
        }

    @property
    def fills_address(self) -> bool:
        """Whether the address can be filled in from the postal code."""
        return {"postal_code", "address"} <= self.fields.keys()

    def filled(self) -> tuple[postal.Filling, dict[str, Any]]:
        """What became of filling in the address, and everything typed with it."""
        self.full_clean()
        typed = self.typed()
        filling = postal.fill(typed["postal_code"] or "", typed["address"] or "", self.data.get(f"{self.prefix}-area", ""))
        return filling, {**typed, "address": filling.address}

    @property
    def rows(self) -> list[tuple[Any, str]]:
        """(bound field, width) in order."""
        return [(self[code], "s" if code in self.numbers else WIDTHS.get(code, "")) for code in self.fields]


def typed_as_initial(typed: Mapping[str, Any] | None) -> dict[str, Any]:
    """Stored input as initial values: from JSON, or as kept in a booking."""
    return {code: _as_initial(code, value) for code, value in (typed or {}).items()}


def _as_initial(code: str, value: Any) -> Any:
    if code == "situations":
        return value.split(",") if isinstance(value, str) else value
    return DateParts(*value) if isinstance(value, list | tuple) else value


def person_form(
    profile: Profile,
    procedure: str,
    *,
    today: dt.date,
    position: int,
    data: Any = None,
    initial: Mapping[str, Any] | None = None,
    asked: Sequence[Situation] = (),
) -> PartyForm:
    """Details of one person of the party; the first one may be filled in by the browser. ``asked``: situations offered."""
    return PartyForm(
        profile,
        party.fields_of(profile, [procedure], person=True),
        lambda typed: party.clean_person(profile, procedure, typed, today=today),
        data,
        prefix=f"person{position}",
        initial=typed_as_initial(initial),
        shared=position > 1,
        asked=asked,
    )


def contact_form(
    profile: Profile,
    procedures: Sequence[str],
    *,
    today: dt.date,
    data: Any = None,
    initial: Mapping[str, Any] | None = None,
) -> PartyForm:
    """How a party that comes for ``procedures`` is reached, what it needs, and the city's own questions."""
    return PartyForm(
        profile,
        party.fields_of(profile, procedures, person=False),
        lambda typed: party.clean_contact(profile, procedures, typed, today=today),
        data,
        prefix="contact",
        initial=typed_as_initial(initial),
    )


class ProcedureWidget(forms.RadioSelect):
    """Radio buttons with a line of explanation under each."""

    def __init__(self, hints: dict[str, str]) -> None:
        super().__init__()
        self.hints = hints


def full_name(shown: Shown) -> str:
    """Name in the reader's language with the legal name beside it: it must match the letter from the city."""
    return f"{shown.name}（{shown.legal_name}）" if shown.needs_legal_name else shown.name


def hint(shown: Shown) -> str:
    """One line under a procedure: what it is, and how long it takes."""
    minutes = _("約%(minutes)s分") % {"minutes": shown.minutes}
    return f"{shown.summary}　{minutes}" if shown.summary else minutes


class ProcedureForm(forms.Form):
    """Which procedure one person comes for."""

    use_required_attribute = False

    def __init__(self, procedures: list[Shown], label: str, *args: Any, hints: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["procedure"] = forms.ChoiceField(
            label=label,
            choices=[(p.code, full_name(p)) for p in procedures],
            widget=ProcedureWidget({p.code: hint(p) for p in procedures} if hints else {}),
            error_messages={
                "required": _("手続きを1つ選んでください。"),
                "invalid_choice": _("手続きを1つ選んでください。"),
            },
        )


class FindForm(forms.Form):
    """Reservation code and phone number, as people type them."""

    use_required_attribute = False
    code = forms.CharField(
        label=gettext_lazy("予約番号"),
        max_length=40,
        help_text=gettext_lazy("英数字8文字です。例：K7M2-9QXT"),
        error_messages={"required": gettext_lazy("予約番号を入力してください。")},
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("電話番号"),
        max_length=40,
        help_text=gettext_lazy("予約のときに入力した番号です。"),
        error_messages={"required": gettext_lazy("電話番号を入力してください。")},
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "data-digits": ""}),
    )
