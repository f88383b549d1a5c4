"""Forms of incidents. Individual numbers are taken out; everything else that was typed comes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms

from madoguchi.domain.incidents.enums import Effect, Kind, LegalResult, Seriousness
from madoguchi.domain.incidents.services import LONGEST
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox, TimeBox

NOBODY = "お名前・電話番号などの個人情報は、書かないでください。"
MISSING = {"required": "日を選んでください。"}


def _clock(label: str) -> TimeBox:
    widget = forms.TextInput(attrs={"type": "time"})
    return TimeBox(label=label, widget=widget, error_messages={"required": "時刻を入力してください。"})


def _text(label: str, rows: int, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": rows}), **more)


def moment_values(name: str, at: dt.datetime) -> dict[str, str]:
    """The two boxes of a moment, as they are prefilled."""
    local = at.astimezone(JST)
    return {f"{name}_on": local.date().isoformat(), f"{name}_clock": f"{local:%H:%M}"}


class SortForm(GuardedForm):
    """What sort of incident it is, when and where."""

    use_required_attribute = False
    kind = forms.ChoiceField(label="種類", choices=Kind.choices, widget=forms.RadioSelect, error_messages={"required": "種類を選んでください。"})
    seriousness = forms.ChoiceField(
        label="重大さ", choices=Seriousness.choices, widget=forms.RadioSelect, error_messages={"required": "重大さを選んでください。"}
    )
    happened_on = DayBox(label="起きた日", error_messages=MISSING)
    happened_clock = _clock("起きた時刻")
    found_on = DayBox(label="気づいた日", error_messages=MISSING)
    found_clock = _clock("気づいた時刻")
    site = forms.ChoiceField(label="場所", required=False)
    people = forms.IntegerField(
        label="影響を受けた人数", required=False, min_value=0, max_value=1_000_000, help_text="分からなければ空のままで構いません。",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}), error_messages={"invalid": "人数は数字で入力してください。"},
    )  # fmt: skip
    wrongful = forms.BooleanField(label="盗難・不正アクセスなど、不正の目的によるおそれがある", required=False)

    def __init__(self, contract: Contract, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [("", "全体・場所を問わない"), *((one.code, one.name) for one in contract.profile.sites)]  # type: ignore[attr-defined]

    def moment(self, name: str) -> dt.datetime:
        """A day and a time of the form together, in Japan's time."""
        return dt.datetime.combine(self.cleaned_data[f"{name}_on"], self.cleaned_data[f"{name}_clock"], JST)

    def values(self) -> dict[str, Any]:
        """What was chosen, as the deeds take it."""
        data = self.cleaned_data
        return {
            "kind": Kind(data["kind"]), "seriousness": Seriousness(data["seriousness"]), "happened_at": self.moment("happened"),
            "found_at": self.moment("found"), "site": data["site"], "people": data["people"], "wrongful": data["wrongful"],
        }  # fmt: skip


class ReportForm(SortForm):
    """A new report: as little as possible, within a minute."""

    what = _text("何が起きたか", 3, help_text=NOBODY, error_messages={"required": "何が起きたかを入力してください。"})
    first = _text("最初にした対応", 2, required=False, help_text="まだなら空のままで構いません。後から書き足せます。")
    origin = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def values(self) -> dict[str, Any]:
        """With the words and the record it comes from."""
        return {**super().values(), **{name: self.cleaned_data[name] for name in ("what", "first", "origin")}}


class LineForm(GuardedForm):
    """One entry of the timeline."""

    text = _text("経過", 3, help_text=NOBODY, error_messages={"required": "経過を入力してください。"})


class CauseForm(GuardedForm):
    """Cause and response."""

    cause = _text("原因", 3, required=False)
    response = _text("対応（二次被害を止めるためにしたことも）", 3, required=False)


class PreventForm(GuardedForm):
    """Something against its happening again."""

    use_required_attribute = False
    what = _text("再発防止策", 2, error_messages={"required": "再発防止策を入力してください。"})
    owner = forms.ChoiceField(label="行う人", error_messages={"required": "行う人を選んでください。"})
    due_on = DayBox(label="行う期限", error_messages=MISSING)

    def __init__(self, owners: Sequence[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = [("", "選んでください"), *((str(pk), name) for pk, name in owners)]  # type: ignore[attr-defined]


class DoneForm(GuardedForm):
    """A prevention is done; when its effect is looked at."""

    use_required_attribute = False
    check_on = DayBox(label="効果を確かめる日", error_messages=MISSING)


class EffectForm(GuardedForm):
    """Whether a prevention works."""

    use_required_attribute = False
    effect = forms.ChoiceField(label="効果", choices=Effect.choices, widget=forms.RadioSelect, error_messages={"required": "効果を選んでください。"})
    text = _text("どう確かめたか", 2, error_messages={"required": "効果をどう確かめたかを入力してください。"})


class LegalForm(GuardedForm):
    """What became of a legal step."""

    use_required_attribute = False
    result = forms.ChoiceField(label="結果", choices=LegalResult.choices, widget=forms.RadioSelect, error_messages={"required": "結果を選んでください。"})
    on = DayBox(label="行った日（判断した日）", error_messages=MISSING)
    evidence = _text("証拠（受付番号・文書の名前）、または不要とした理由", 2, error_messages={"required": "証拠か理由を入力してください。"})


class ReasonForm(GuardedForm):
    """Why it is taken up again."""

    use_required_attribute = False
    reason = _text("理由", 2, error_messages={"required": "理由を入力してください。"})
