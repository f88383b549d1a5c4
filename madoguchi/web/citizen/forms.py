"""Forms of residents: fields as the profile asks for them, checked by the rules of ``booking.party``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from madoguchi.domain.booking import party
from madoguchi.domain.procedures.queries import Shown
from madoguchi.ground.contracts.profile import Profile
from madoguchi.ground.kit import dates
from madoguchi.web.ui.dates import DateParts, DatePartsWidget, parse_parts

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
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.cleaner = cleaner
        self.answer: dict[str, str] = {}
        self.caption = ""
        own = {rule.code: rule for rule in profile.booking.fields}
        for code, required in rules:
            rule = own[code]
            label = rule.label or LABELS.get(code, code)
            help_text = rule.help or HELPS.get(code, "")
            field: forms.Field
            if code == "birth_date":
                field = forms.Field(
                    required=required, label=label, help_text=help_text, widget=DatePartsWidget(eras=True, birth=True)
                )
            else:
                attrs = dict(ATTRS.get(code, {}))
                if shared:
                    attrs["autocomplete"] = "off"
                if code in LONG:
                    field = forms.CharField(
                        required=required,
                        label=label,
                        help_text=help_text,
                        widget=forms.Textarea(attrs={**attrs, "rows": "3"}),
                    )
                else:
                    field = forms.CharField(
                        required=required, label=label, help_text=help_text, widget=forms.TextInput(attrs=attrs)
                    )
            field.widget.is_required = required
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
            data[code] = value or ""
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

    def typed(self) -> dict[str, Any]:
        """What was typed, field by field, to be put back later."""
        return {
            code: field.widget.value_from_datadict(self.data, self.files, self.add_prefix(code))
            for code, field in self.fields.items()
        }

    @property
    def rows(self) -> list[tuple[Any, str]]:
        """(bound field, width) in order."""
        return [(self[code], WIDTHS.get(code, "")) for code in self.fields]


def typed_as_initial(typed: Mapping[str, Any] | None) -> dict[str, Any]:
    """Stored input as initial values (the parts of a date come back as a list from JSON)."""
    return {k: DateParts(*v) if isinstance(v, list | tuple) else v for k, v in (typed or {}).items()}


def person_form(
    profile: Profile,
    procedure: str,
    *,
    today: dt.date,
    position: int,
    data: Any = None,
    initial: Mapping[str, Any] | None = None,
) -> PartyForm:
    """Details of one person of the party; the first one may be filled in by the browser."""
    return PartyForm(
        profile,
        party.fields_of(profile, procedure, person=True),
        lambda typed: party.clean_person(profile, procedure, typed, today=today),
        data,
        prefix=f"person{position}",
        initial=typed_as_initial(initial),
        shared=position > 1,
    )


def contact_form(
    profile: Profile, *, today: dt.date, data: Any = None, initial: Mapping[str, Any] | None = None
) -> PartyForm:
    """How the party is reached, and what it needs."""
    return PartyForm(
        profile,
        party.fields_of(profile, None, person=False),
        lambda typed: party.clean_contact(profile, typed, today=today),
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
