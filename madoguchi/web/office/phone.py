"""What callers hear: the flow of the telephone, its announcements with their versions, and what is heard at a moment."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.callflow import audio, building, queries, services, speech, spoken, texts
from madoguchi.domain.callflow.models import Audio, FlowVersion, Prompt, Reading
from madoguchi.ground.accounts.access import EDIT_ANNOUNCEMENTS, EVERYONE, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST
from madoguchi.web.ui.dates import DayBox, TimeBox

from .forms import spans_text

LANGUAGE_NAMES = dict(settings.LANGUAGES)
STATES = {"open": "受付時間内", "closed": "受付時間外", "holiday": "祝日", "year_end": "年末年始"}
VERSIONS_SHOWN = 10
SPEAKING = "音声を作っています。できしだい公開します（ふつう1分以内）。この画面を開き直すと、公開したかどうかが分かります。"
NOT_HERE = "この契約には電話対応がありません。"


class MomentForm(forms.Form):
    """The day and time of an imagined call."""

    date = DayBox(label="日にち", error_messages={"required": "日にちを選んでください。"})
    time = TimeBox(label="時刻", error_messages={"required": "時刻を入力してください。"})
    saved = forms.BooleanField(label="公開していない変更も含める", required=False)

    def __init__(self, today: dt.date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_date(self) -> dt.date:
        date: dt.date = self.cleaned_data["date"]
        if not self.today <= date < self.today + dt.timedelta(days=building.DAYS_AHEAD):
            raise forms.ValidationError(f"今日から{building.DAYS_AHEAD}日先までの日を選んでください。")
        return date


class WordingForm(forms.Form):
    """A text with placeholders, and the day from which it is used."""

    text = forms.CharField(
        label="文面", required=False, widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="{hours} などの差し込みが使えます。受付時間は {hours} と書くと、開設時間からいつも正しく読み上げます。",
    )  # fmt: skip
    starts_on = DayBox(label="使い始める日", error_messages={"required": "使い始める日を選んでください。"})

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if wrong := texts.mistakes(text):
            raise forms.ValidationError(wrong)
        return text


class RecordingForm(forms.Form):
    """A recording to be heard in the place of the spoken text."""

    use_required_attribute = False
    file = forms.FileField(
        label="録音（WAV）",
        help_text=(
            f"非圧縮のWAV、{audio.LONGEST_SECONDS}秒・{audio.MOST_BYTES // 1_000_000}MBまで。"
            "電話の音質（8,000Hz・モノラル）に自動で直し、音量をそろえます。"
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".wav,audio/wav"}),
        error_messages={"required": "録音のファイルを選んでください。", "empty": "ファイルが空です。録音し直してください。"},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > audio.MOST_BYTES:
            raise forms.ValidationError(f"ファイルが大きすぎます（{audio.MOST_BYTES // 1_000_000}MBまで）。短く録音してください。")
        return file


class ReadingForm(forms.Form):
    """A word and how it is pronounced."""

    surface = forms.CharField(label="表記", max_length=40, error_messages={"required": "表記を入力してください。"})
    kana = forms.CharField(
        label="読み（カタカナ）", max_length=60, widget=forms.TextInput(attrs={"data-kana": ""}),
        error_messages={"required": "読みを入力してください。"},
    )  # fmt: skip


@roles(EVERYONE)
def flow(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The whole flow on one page; with a day and time in the address, what is heard then."""
    return _flow(request, contract, ReadingForm())


def _flow(request: HttpRequest, contract: Contract, reading_form: ReadingForm, status: int = 200) -> HttpResponse:
    telephone = contract.profile.telephone
    if telephone is None:
        return render(request, "office/phone/none.html", {"reason": NOT_HERE})
    today = request.now.date()
    wanted = queries.draft(contract, on=today)
    version = queries.latest_version()
    moment = MomentForm(today, request.GET if "date" in request.GET else None, initial=_soon(request.now))
    context = {
        "telephone": telephone,
        "hours": spoken.hours(contract.profile, "ja"),
        "closures": spoken.closures(contract.profile, "ja"),
        "remarks": wanted.remarks,
        "errors": wanted.errors,
        "rows": _rows(wanted.said, contract),
        "languages": [(code, LANGUAGE_NAMES[code]) for code in telephone.languages],
        "unspoken": [LANGUAGE_NAMES[code] for code in telephone.languages if code not in speech.VOICES],
        "version": version,
        "changed": version is None or building.fingerprint(wanted.content) != version.fingerprint,
        "waiting": Prompt.objects.filter(released_at=None).count(),
        "later": [
            {"row": row, "label": f"{texts.LABELS[row.prompt]}（{LANGUAGE_NAMES[row.language]}）"}
            for row in Prompt.objects.filter(starts_on__gt=today)
        ],
        "versions": _versions(),
        "readings": Reading.objects.all(),
        "given_reading": building.readings(contract.profile, {}),
        "reading_form": reading_form,
        "moment": moment,
        "heard": _heard(contract, moment.cleaned_data) if moment.is_bound and moment.is_valid() else None,
        "may_edit": may(request, EDIT_ANNOUNCEMENTS),
        "attribution": speech.ATTRIBUTION,
    }
    return render(request, "office/phone/flow.html", context, status=status)


def _soon(now: dt.datetime) -> dict[str, str]:
    local = now.astimezone(JST)
    return {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}"}


def _rows(said: building.Sayings, contract: Contract) -> list[dict[str, Any]]:
    """Announcements in the order of a call, each with what is said in every language."""
    there = _there(said)
    return [
        {
            "prompt": name,
            "label": texts.LABELS[name],
            "when": texts.WHEN[name],
            "said": [
                {"language": language, "name": LANGUAGE_NAMES[language], "one": one, "playable": one.audio in there}
                for language, one in by_language.items()
            ],
        }
        for name, by_language in said.items()
    ]


def _there(said: building.Sayings) -> set[str]:
    names = [one.audio for by_language in said.values() for one in by_language.values() if one.audio]
    return set(Audio.objects.filter(name__in=names).values_list("name", flat=True))


def _versions() -> list[dict[str, Any]]:
    """The last versions, each with the announcements that changed in it."""
    rows = list(FlowVersion.objects.order_by("-number")[: VERSIONS_SHOWN + 1])
    befores: list[FlowVersion | None] = [*rows[1:], None] if len(rows) <= VERSIONS_SHOWN else [*rows[1:]]
    found = []
    for row, before in zip(rows, befores, strict=False):
        names = [change.split(".") for change in services.changed_prompts(before, row)]
        changes = [f"{texts.LABELS[prompt]}（{LANGUAGE_NAMES[language]}）" for prompt, language in names]
        found.append({"row": row, "first": row.number == 1, "changes": changes})
    return found


def _heard(contract: Contract, wanted: dict[str, Any]) -> dict[str, Any]:
    """The announcements of a call at a moment, in order, with the state of the line and why."""
    date, time = wanted["date"], wanted["time"]
    calendar = calendar_of(contract, date, date)
    state = building.day_of(calendar, date).state_at(f"{time:%H:%M}")
    day = building.calendar_day(calendar, date)
    said = queries.draft(contract, on=date, released=not wanted["saved"]).said
    there = _there(said)
    return {
        "when": f"{dates.show(date)} {time:%H:%M}",
        "state": STATES[state],
        "open": state == "open",
        "hours": spans_text(day.intervals),
        "reason": day.reason,
        "stages": [
            {
                "title": stage.title,
                "said": [
                    {"label": texts.LABELS[name], "name": LANGUAGE_NAMES[language], "one": one, "language": language, "playable": one.audio in there}
                    for name in stage.prompts
                    for language, one in said[name].items()
                    if one.words and (language == next(iter(said[name])) or name in building.BEFORE_CHOICE)
                ],
            }
            for stage in building.heard(state, said)
        ],
    }  # fmt: skip


@require_POST
@roles(EDIT_ANNOUNCEMENTS)
def publish(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Let callers hear what was saved."""
    try:
        version = services.publish_soon(contract, by=actor_of(request), now=request.now)
    except services.FlowRefused as refused:
        for problem in refused.problems:
            messages.error(request, problem)
    else:
        done = f"第{version.number}版を公開しました。次の電話から流れます。" if version else SPEAKING
        messages.success(request, done)
    return redirect("office:phone_flow", contract.code)


@require_POST
@roles(EDIT_ANNOUNCEMENTS)
def readings(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Register how a word is pronounced, or take it away."""
    by = actor_of(request)
    if surface := request.POST.get("drop", ""):
        try:
            services.drop_reading(contract, surface=surface, by=by, now=request.now)
            messages.success(request, f"「{surface}」の読みを削除しました。公開すると音声に反映します。")
        except services.FlowRefused as refused:
            messages.warning(request, str(refused))
        return redirect("office:phone_flow", contract.code)
    form = ReadingForm(request.POST)
    if form.is_valid():
        try:
            services.save_reading(contract, **form.cleaned_data, by=by, now=request.now)
        except services.FlowRefused as refused:
            form.add_error(None if contract.profile.telephone is None else "kana", str(refused))
        else:
            messages.success(request, f"「{form.cleaned_data['surface']}」の読みを登録しました。公開すると音声に反映します。")
            return redirect("office:phone_flow", contract.code)
    return _flow(request, contract, form, status=422)


@roles(EVERYONE)
def prompt(request: HttpRequest, contract: Contract, prompt: str, language: str) -> HttpResponse:
    """One announcement in one language: its text, a recording in its place, and all its versions."""
    telephone = contract.profile.telephone
    if telephone is None or prompt not in building.used(contract.profile) or language not in telephone.languages:
        raise Http404("この案内はありません。")
    today = request.now.date()
    current = queries.draft(contract, on=today).said[prompt][language]
    form = WordingForm(initial={"text": current.text, "starts_on": f"{today:%Y-%m-%d}"})
    recording = RecordingForm()
    status, typed = 200, ""
    if request.method == "POST":
        if not may(request, EDIT_ANNOUNCEMENTS):
            raise PermissionDenied("案内の変更は、業務責任者・市職員だけができます。")
        form, recording, done = _deed(request, contract, prompt, language, form, recording)
        if done:
            messages.success(request, done)
            return redirect("office:phone_prompt", contract.code, prompt, language)
        status = 422 if form.errors or recording.errors else 200
        if request.POST.get("step") == "preview" and form.is_valid():
            typed = texts.fill(form.cleaned_data["text"], texts.values(contract.profile, language))
    values = texts.values(contract.profile, language)
    context = {
        "prompt": prompt,
        "language": language,
        "language_name": LANGUAGE_NAMES[language],
        "label": texts.LABELS[prompt],
        "when": texts.WHEN[prompt],
        "one": current,
        "playable": current.audio in _there({prompt: {language: current}}),
        "form": form,
        "recording": recording,
        "typed": typed,
        "placeholders": [(name, meaning, values[name]) for name, meaning in texts.PLACEHOLDERS.items()],
        "history": _history(contract, prompt, language),
        "may_edit": may(request, EDIT_ANNOUNCEMENTS),
        "has_voice": language in speech.VOICES,
        "no_voice": speech.NO_FLITE if language in speech.VOICES and not speech.speakable(language) else "",
        "attribution": speech.ATTRIBUTION,
    }
    return render(request, "office/phone/prompt.html", context, status=status)


def _deed(
    request: HttpRequest, contract: Contract, prompt: str, language: str, form: WordingForm, recording: RecordingForm
) -> tuple[WordingForm, RecordingForm, str]:
    """What was asked for: both forms with their errors, and what to tell when it is done."""
    step = request.POST.get("step")
    who: dict[str, Any] = {"prompt": prompt, "language": language, "by": actor_of(request), "now": request.now}
    if step == "upload":
        recording = RecordingForm(request.POST, request.FILES)
        if recording.is_valid():
            file = recording.cleaned_data["file"]
            try:
                services.upload_recording(contract, file_name=file.name, data=file.read(), **who)
            except (audio.AudioError, services.FlowRefused) as error:
                recording.add_error("file", str(error))
            else:
                return form, recording, "録音を登録しました。聞いて確かめてから、公開してください。"
    elif step == "drop":
        try:
            services.drop_recording(contract, **who)
        except services.FlowRefused as refused:
            recording.add_error(None, str(refused)) if recording.is_bound else messages.warning(request, str(refused))
        else:
            return form, recording, "音声合成に戻しました。公開すると電話に流れます。"
    else:
        form = WordingForm(request.POST)
        if form.is_valid() and step == "save":
            try:
                services.save_text(contract, **form.cleaned_data, **who)
            except services.FlowRefused as refused:
                for problem in refused.problems:
                    form.add_error(None, problem)
            except speech.SpeechError as error:
                form.add_error(None, str(error))
            else:
                return form, recording, "文面を保存し、音声を作りました。聞いて確かめてから、公開してください。"
    return form, recording, ""


def _history(contract: Contract, prompt: str, language: str) -> list[dict[str, Any]]:
    """Every saving, newest first, with what it changed and how it sounds."""
    rows = Prompt.objects.filter(prompt=prompt, language=language).select_related("recording").defer("recording__content")
    before, pronounced = texts.shipped(prompt, language), queries.own_readings()
    found = []
    for row in rows.order_by("number"):
        one = building.sayings(contract.profile, {(prompt, language): row}, pronounced)[prompt][language]
        changes = texts.difference(before, row.text) if row.text != before else []
        found.append({"row": row, "difference": changes, "audio": one.audio})
        before = row.text
    there = set(Audio.objects.filter(name__in=[item["audio"] for item in found]).values_list("name", flat=True))
    return [{**item, "playable": item["audio"] in there} for item in reversed(found)]


@roles(EVERYONE)
def sound(request: HttpRequest, contract: Contract, name: str) -> HttpResponse:
    """A WAV, whole or the part that the browser asks for; it never changes under its name."""
    content = Audio.objects.filter(name=name).values_list("content", flat=True).first()
    if content is None:
        raise Http404("この音声はありません。")
    data = bytes(content)
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=31536000, immutable"}
    part = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    if part is None:
        return HttpResponse(data, content_type="audio/wav", headers=headers)
    first, last = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return HttpResponse(data[first : last + 1], status=206, content_type="audio/wav", headers=headers)
