"""Deeds on the call flow: save wordings and recordings, publish, and deliver to the exchange."""

from __future__ import annotations

import datetime as dt
import logging
import re
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Telephone
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import jobs
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.voice import flow as voice

from . import audio, building, speech, texts
from .models import Audio, FlowVersion, Prompt, Reading
from .queries import Draft, audio_in_use, draft, latest_version, own_readings, prompts_on, published_flow

log = logging.getLogger(__name__)

BY_ITSELF = "自動"
SWEPT_AFTER = dt.timedelta(days=1)
_KANA = re.compile(r"[ァ-ヴー・　 ]+")


class FlowRefused(ValueError):
    """A deed that cannot be done; ``problems`` says why, in Japanese, one sentence each."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@transaction.atomic
def save_text(
    contract: Contract, *, prompt: str, language: str, text: str, starts_on: dt.date, by: Actor, now: dt.datetime
) -> Prompt:
    """Save a wording as a new version and have it spoken; callers hear it after the next publishing, from ``starts_on``.

    An empty text leaves the prompt out in that language. A recording in force is given up. Raises :class:`FlowRefused`, :class:`SpeechError`.
    """
    with contract_scope(contract):
        _known(contract, prompt, language)
        text = " ".join(text.split())
        problems = texts.mistakes(text)
        if len(text) > speech.LONGEST_TEXT:
            problems.append(f"文面は{speech.LONGEST_TEXT}文字までです。いまは{len(text)}文字です。")
        if not text and language == _telephone(contract).languages[0]:
            problems.append("最初に流れる言語の文面は、空にできません。")
        if starts_on < now.date():
            problems.append("使い始める日は、今日か、それより後にしてください。")
        if problems:
            raise FlowRefused(*problems)
        row = _add(contract, prompt, language, text=text, recording=None, starts_on=starts_on, by=by, now=now)
        profile = contract.profile
        said = building.sayings(profile, {(prompt, language): row}, own_readings())[prompt][language]
        if text and not said.words:
            raise FlowRefused("差し込みがどれも空なので、読み上げるものがありません。言葉を足してください。")
        _make_audio(contract, [said.spoken] if said.spoken else [], now=now)
        audit.record(
            contract, "callflow.text_saved", _target(row), by=by, now=now, number=row.number, text=text, starts_on=starts_on
        )
        return row


@transaction.atomic
def upload_recording(
    contract: Contract, *, prompt: str, language: str, file_name: str, data: bytes, by: Actor, now: dt.datetime
) -> Prompt:
    """Put a recording in the place of the spoken text, as a new version. Raises :class:`FlowRefused`, :class:`.audio.AudioError`."""
    with contract_scope(contract):
        _known(contract, prompt, language)
        sound = audio.convert(data)
        row = _add(
            contract, prompt, language, text=_text_now(prompt, language, now), starts_on=now.date(),
            recording=_keep(contract, "", sound, now=now), file_name=file_name[-120:], by=by, now=now,
        )  # fmt: skip
        audit.record(
            contract, "callflow.recording_saved", _target(row), by=by, now=now, number=row.number, file=row.file_name, milliseconds=audio.milliseconds(sound)
        )  # fmt: skip
        return row


@transaction.atomic
def drop_recording(contract: Contract, *, prompt: str, language: str, by: Actor, now: dt.datetime) -> Prompt:
    """Go back to the spoken text, as a new version. Raises :class:`FlowRefused` when there is no recording."""
    with contract_scope(contract):
        _known(contract, prompt, language)
        current = prompts_on(now.date(), released=False).get((prompt, language))
        if current is None or not current.recording:
            raise FlowRefused("この案内には録音がありません。画面を開き直してください。")
        row = _add(contract, prompt, language, text=current.text, recording=None, starts_on=now.date(), by=by, now=now)
        audit.record(contract, "callflow.recording_dropped", _target(row), by=by, now=now, number=row.number)
        return row


@transaction.atomic
def save_reading(contract: Contract, *, surface: str, kana: str, by: Actor, now: dt.datetime) -> Reading:
    """Say how a word is pronounced, from the next publishing on. Raises :class:`FlowRefused`."""
    _telephone(contract)
    surface, kana = surface.strip(), kana.strip()
    if not surface or not kana:
        raise FlowRefused("表記と読みの両方を入力してください。")
    if not _KANA.fullmatch(kana):
        raise FlowRefused("読みは全角カタカナで入力してください。")
    if len(surface) > 40 or len(kana) > 60:
        raise FlowRefused("表記は40文字、読みは60文字までです。")
    with contract_scope(contract):
        values = {"kana": kana, "saved_at": now, "saved_by": by.label or by.ref}
        row, _ = Reading.objects.update_or_create(contract=contract, surface=surface, defaults=values)
        audit.record(contract, "callflow.reading_saved", f"reading:{row.pk}", by=by, now=now, surface=surface, kana=kana)
        return row


@transaction.atomic
def drop_reading(contract: Contract, *, surface: str, by: Actor, now: dt.datetime) -> None:
    """Take a pronunciation away. Raises :class:`FlowRefused` when it is gone."""
    with contract_scope(contract):
        row = Reading.objects.select_for_update().filter(surface=surface).first()
        if row is None:
            raise FlowRefused("この読みは、すでに削除されています。")
        audit.record(contract, "callflow.reading_dropped", f"reading:{row.pk}", by=by, now=now, surface=surface, kana=row.kana)
        row.delete()


@transaction.atomic
def publish_flow(contract: Contract, *, by: Actor, now: dt.datetime) -> FlowVersion:
    """Release all saved prompts, make the version of today if anything differs, and deliver it once committed.

    Raises :class:`FlowRefused` with every error, and :class:`SpeechError`.
    """
    with contract_scope(contract):
        Prompt.objects.filter(released_at=None).update(released_at=now)
        return _publish(contract, by=by, now=now)


@transaction.atomic
def publish_soon(contract: Contract, *, by: Actor, now: dt.datetime) -> FlowVersion | None:
    """As :func:`publish_flow`, but nothing is spoken here, since a page waits: what has still to be spoken (after a new reading, or of a contract
    that has no version yet) the worker speaks and publishes next, and ``None`` is returned.
    """
    with contract_scope(contract):
        Prompt.objects.filter(released_at=None).update(released_at=now)
        wanted = _sound(contract, now)
        if not _unspoken(building.to_speak(wanted.said, contract.profile)):
            return _publish(contract, by=by, now=now)
        audit.record(contract, "callflow.publish_asked", f"contract:{contract.code}", by=by, now=now)
        jobs.order("call flows", now=now)
        return None


@transaction.atomic
def sweep_audio(contract: Contract, *, now: dt.datetime) -> int:
    """Throw away sound that no version, no saved wording and no recording uses, a day after it was made; how many files."""
    with contract_scope(contract):
        _lock(contract)
        unused = Audio.objects.filter(made_at__lt=now - SWEPT_AFTER).exclude(name__in=audio_in_use(contract, now))
        count, _ = unused.delete()
        return count


@transaction.atomic
def republish(contract: Contract, *, now: dt.datetime) -> FlowVersion:
    """The version that should be in force now, from released prompts alone: after a change of the profile or of a reading, when a wording's day has come,
    and for a contract that has none yet. Delivered once committed. Raises as :func:`publish_flow`.
    """
    with contract_scope(contract):
        return _publish(contract, by=SYSTEM, now=now)


def rehearse(contract: Contract, *, now: dt.datetime) -> int:
    """Have the words of :func:`republish` spoken before it, outside of any transaction: the first time takes a while. How many were new."""
    with contract_scope(contract, read_only=True):
        said = draft(contract, on=now.date(), released=True).said
        missing = _unspoken(building.to_speak(said, contract.profile))
    return sum(1 for _ in speech.speak(missing))


def _publish(contract: Contract, *, by: Actor, now: dt.datetime) -> FlowVersion:
    _make_audio(contract, building.to_speak(_sound(contract, now).said, contract.profile), now=now)
    _lock(contract)  # only now: speaking takes its time
    wanted = _sound(contract, now)
    _make_audio(contract, building.to_speak(wanted.said, contract.profile), now=now)
    for joined in wanted.joined:
        if not Audio.objects.filter(name=joined.name).exists():
            parts = dict(Audio.objects.filter(name__in=joined.parts).values_list("name", "content"))
            _keep(contract, joined.name, audio.join([bytes(parts[name]) for name in joined.parts]), now=now)
    print_ = building.fingerprint(wanted.content)
    version = latest_version()
    if version is None or version.fingerprint != print_:
        before = version
        version = FlowVersion.objects.create(
            contract=contract,
            number=before.number + 1 if before else 1,
            published_at=now,
            published_by=by.label or BY_ITSELF,
            fingerprint=print_,
            content=wanted.content,
        )
        audit.record(
            contract, "callflow.published", f"flow:{version.number}", by=by, now=now, fingerprint=print_,
            changed=changed_prompts(before, version),
        )  # fmt: skip
    deliver_soon(contract, now=now)
    return version


def _sound(contract: Contract, now: dt.datetime) -> Draft:
    _telephone(contract)
    wanted = draft(contract, on=now.date(), released=True)
    if wanted.errors:
        raise FlowRefused(*(f"{remark.place}（{remark.key}）：{remark.reason}" for remark in wanted.errors))
    return wanted


def changed_prompts(before: FlowVersion | None, after: FlowVersion) -> list[str]:
    """``prompt.language`` of what is said otherwise in ``after``."""
    old = before.content["said"] if before else {}
    return [
        f"{prompt}.{language}"
        for prompt, by_language in after.content["said"].items()
        for language, one in by_language.items()
        if old.get(prompt, {}).get(language, {}).get("audio") != one["audio"]
    ]


def deliver_soon(contract: Contract, *, now: dt.datetime) -> None:
    """Deliver the flow once the running transaction is committed: what changed the calendar calls this. A failure is logged; :func:`deliver` is
    called again every few minutes.
    """
    if contract.profile.telephone is not None:
        transaction.on_commit(partial(deliver, contract, now=now), robust=True)


def deliver(contract: Contract, *, now: dt.datetime) -> bool:
    """Put the flow in force, with the coming days and the telephones, where the exchange reads it; False when it is there already, or none exists."""
    with contract_scope(contract):
        flow = published_flow(contract, now)
        if flow is None:
            return False
        home = Path(settings.VOICE_DIR) / contract.code
        missing = [name for name in sorted(flow.files()) if not (home / "audio" / name).is_file()]
        (home / "audio").mkdir(parents=True, exist_ok=True)
        for name, content in Audio.objects.filter(name__in=missing).values_list("name", "content"):
            part = home / "audio" / f"{name}.part"
            part.write_bytes(bytes(content))
            part.replace(home / "audio" / name)
    try:
        if voice.read(home / "flow.json") == flow:
            return False
    except voice.FlowError:
        pass
    voice.write(Path(settings.VOICE_DIR), flow)
    return True


def _known(contract: Contract, prompt: str, language: str) -> None:
    telephone = _telephone(contract)
    if prompt not in building.used(contract.profile) or language not in telephone.languages:
        raise FlowRefused("この案内はありません。一覧から選び直してください。")


def _telephone(contract: Contract) -> Telephone:
    telephone = contract.profile.telephone
    if telephone is None:
        raise FlowRefused("この契約には電話対応がありません。")
    return telephone


def _lock(contract: Contract) -> None:
    """Publishings of a contract wait for each other."""
    Contract.objects.select_for_update(no_key=True).get(pk=contract.pk)


def _text_now(prompt: str, language: str, now: dt.datetime) -> str:
    row = prompts_on(now.date(), released=False).get((prompt, language))
    return row.text if row else texts.shipped(prompt, language)


def _add(
    contract: Contract, prompt: str, language: str, *, text: str, recording: Audio | None, starts_on: dt.date,
    by: Actor, now: dt.datetime, file_name: str = "",
) -> Prompt:  # fmt: skip
    _lock(contract)
    last = Prompt.objects.filter(prompt=prompt, language=language).aggregate(last=Max("number"))["last"] or 0
    return Prompt.objects.create(
        contract=contract, prompt=prompt, language=language, number=last + 1, text=text, recording=recording, file_name=file_name,
        starts_on=starts_on, saved_at=now, saved_by=by.label or by.ref,
    )  # fmt: skip


def _make_audio(contract: Contract, wanted: list[speech.Words], *, now: dt.datetime) -> None:
    """Have words spoken that were not yet; languages without a voice on this machine are passed over."""
    for words, sound in speech.speak(_unspoken(wanted)):
        _keep(contract, speech.name_of(words), sound, now=now)


def _unspoken(wanted: list[speech.Words]) -> list[speech.Words]:
    names = {speech.name_of(words): words for words in wanted if speech.speakable(words[0])}
    there = set(Audio.objects.filter(name__in=names).values_list("name", flat=True))
    return [words for name, words in names.items() if name not in there]


def _keep(contract: Contract, name: str, sound: bytes, *, now: dt.datetime) -> Audio:
    values = {"content": sound, "milliseconds": audio.milliseconds(sound), "made_at": now}
    return Audio.objects.get_or_create(contract=contract, name=name or audio.name_of(sound), defaults=values)[0]


def _target(row: Prompt) -> str:
    return f"prompt:{row.prompt}.{row.language}"
