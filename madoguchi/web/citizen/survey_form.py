"""The sheet of the survey as a form: scores, choices and free text, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from madoguchi.domain.survey.rules import SCORES
from madoguchi.domain.survey.services import LONGEST, Sheet
from madoguchi.ground.contracts.profile import SurveyQuestion
from madoguchi.ground.privacy.guard import GuardedForm

from .forms import in_words

STANDARD = {
    "satisfaction": gettext_lazy("今日の窓口は、全体として、いかがでしたか。"),
    "manner": gettext_lazy("職員の対応は、いかがでしたか。"),
    "clarity": gettext_lazy("説明の分かりやすさは、いかがでしたか。"),
    "waiting": gettext_lazy("待ち時間は、いかがでしたか。"),
    "preparation": gettext_lazy("来る前の案内（持ち物や予約の方法）は、いかがでしたか。"),
    "solved": gettext_lazy("今日の用事は、済みましたか。"),
    "opinion": gettext_lazy("ご意見やご要望があれば、書いてください。"),
}
SCORE_LABELS = {
    5: gettext_lazy("とてもよい"),
    4: gettext_lazy("よい"),
    3: gettext_lazy("ふつう"),
    2: gettext_lazy("あまりよくない"),
    1: gettext_lazy("よくない"),
}


class SheetForm(GuardedForm):
    """The questions of a day for a procedure; at least one of them has to be answered."""

    use_required_attribute = False

    def __init__(self, questions: Iterable[SurveyQuestion], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = list(questions)
        language = get_language() or "ja"
        for one in self.questions:
            label = STANDARD[one.code] if one.standard else in_words(one.said(language))
            if one.kind == "text":
                self.fields[one.code] = forms.CharField(
                    label=label, required=one.required, max_length=LONGEST, widget=forms.Textarea({"rows": 4}),
                    help_text=_("お名前、電話番号、個人番号（マイナンバー）などは、書かないでください。"),
                )  # fmt: skip
                continue
            if one.kind == "score":
                offered = [(str(score), SCORE_LABELS[score]) for score in reversed(SCORES)]
            else:
                offered = [(choice.code, in_words(choice.said(language))) for choice in one.choices] or [("yes", _("はい")), ("no", _("いいえ"))]
            self.fields[one.code] = forms.ChoiceField(label=label, required=one.required, choices=offered, widget=forms.RadioSelect)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not any(data.values()):
            raise forms.ValidationError(_("1つ以上、答えてください。"))
        return data

    @property
    def sheet(self) -> Sheet:
        """What was answered."""
        given = {one.code: self.cleaned_data[one.code] for one in self.questions if self.cleaned_data.get(one.code)}
        kinds = {one.code: one.kind for one in self.questions}
        return Sheet(
            {code: int(value) for code, value in given.items() if kinds[code] == "score"},
            {code: value for code, value in given.items() if kinds[code] == "choice"},
            {code: value for code, value in given.items() if kinds[code] == "text"},
        )
