"""The end of a contract: packages to hand over, the erasure of residents' data step by step, and its certificate."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.handover.contents import items, left_out
from madoguchi.domain.handover.enums import Stage, Variant
from madoguchi.domain.handover.errors import HandoverRefused
from madoguchi.domain.handover.models import ErasedCount, Erasure, Package, PackageFile
from madoguchi.domain.handover.services import erasure as deeds
from madoguchi.domain.handover.services.packages import fetch, order_package
from madoguchi.domain.obligations.queries import book_of
from madoguchi.domain.reports.contents import digest_of
from madoguchi.ground.accounts.access import (
    ASK_ERASURE,
    KEEP_HANDOVER,
    READ_HANDOVER,
    RECEIVE_PEOPLE,
    actor_of,
    may,
    roles,
)
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox

from .obligations import row_of

SHOWN = 30
MEANING = {
    Variant.FULL: "住民の情報を、封を開いた値で含みます。作成・受取りは市職員だけができ、すべて記録されます。",
    Variant.FIGURES: "業務の記録・集計・報告書・台帳です。氏名・連絡先・記録の文章・予約番号などは入りません。",
}
STEPS = (
    ("申し出（業務責任者）", "契約の最終日、根拠、バックアップの廃棄日を書いて申し出ます。まだ何も消えません。"),
    ("承認（市職員）", "市が返還を確かめて承認します。"),
    ("待機", f"契約の最終日が過ぎ、承認から{deeds.WAIT.days}日たつまで待ちます。どちらの側からも取りやめられます。"),
    ("消去", "契約の鍵を消してから、個人情報の入る項目と行をすべて空にします。始まると取りやめられません。"),
    ("消去証明書", "残りがないことを確かめ、種類ごとの件数と方法を証明書に固定します。"),
)
STEPS_DONE = {None: 0, Stage.ASKED: 1, Stage.WAITING: 2, Stage.TABLES: 3, Stage.DONE: 5}


def tone_of(package: Package) -> tuple[str, str]:
    """The state of a package in words, and the tone beside them."""
    if package.erased_at:
        return "消去済み", "plain"
    if package.ready_at:
        return "受け取れます", "ok"
    return ("作り直しています", "bad") if package.problem else ("作成中", "info")


def _may_have(request: HttpRequest, variant: str) -> bool:
    return may(request, RECEIVE_PEOPLE if variant == Variant.FULL else KEEP_HANDOVER)


@roles(READ_HANDOVER)
def overview(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The newest package of each kind with its progress, those before, what is in none, what else is due at the end, and where the erasure stands."""
    found = list(Package.objects.select_related("ordered_by")[:SHOWN])
    erasure = Erasure.objects.exclude(stage=Stage.CALLED_OFF).first()
    over = erasure is not None and erasure.stage in (Stage.TABLES, Stage.DONE)
    kinds = []
    for variant in Variant:
        newest = next((one for one in found if one.variant == variant), None)
        state, tone = tone_of(newest) if newest else ("", "")
        waiting = newest is not None and not newest.ready_at and not newest.erased_at
        kinds.append({
            "variant": variant, "meaning": MEANING[variant], "newest": newest, "state": state, "tone": tone, "waiting": waiting,
            "may": _may_have(request, variant),
        })  # fmt: skip
    today = request.now.date()
    at_the_end = [line for line in book_of(contract, today).lines if line.duty.due.rule == "end_of_term"]
    context = {
        "today": today, "duties": [row_of(contract, line, today) for line in at_the_end],
        "kinds": kinds, "rows": [(one, *tone_of(one)) for one in found], "left_out": left_out(), "items": len(items()),
        "erasure": erasure, "over": over, "keeps": contract.profile.retention.delivery_days,
    }  # fmt: skip
    return render(request, "office/handover/overview.html", context)


@require_POST
@roles(KEEP_HANDOVER)
def order(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Order a package."""
    variant = request.POST.get("variant", "")
    if variant not in Variant.values:
        messages.error(request, "どちらの内容のパッケージかを選んでください。")
        return redirect("handover:overview", contract.code)
    if not _may_have(request, variant):
        raise PermissionDenied("個人情報を含むパッケージは、市職員だけが作れます。")
    try:
        order_package(contract, Variant(variant), user=request.user, by=actor_of(request), now=request.now)
    except HandoverRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "パッケージの作成を始めます。でき上がると、この画面から受け取れます。")
    return redirect("handover:overview", contract.code)


def _package_or_404(pk: int) -> Package:
    found = Package.objects.select_related("ordered_by").filter(pk=pk).first()
    if found is None:
        raise Http404("このパッケージは見つかりません。")
    return found


@roles(READ_HANDOVER)
def package(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """The files of a package with sizes and checksums."""
    found = _package_or_404(pk)
    files = list(PackageFile.objects.filter(package=found).defer("about"))
    state, tone = tone_of(found)
    context = {
        "package": found, "files": files, "state": state, "tone": tone, "whole": sum(one.size for one in files),
        "may_fetch": bool(found.ready_at and not found.erased_at and _may_have(request, found.variant)), "personal": found.variant == Variant.FULL,
    }  # fmt: skip
    return render(request, "office/handover/package.html", context)


@require_POST
@roles(KEEP_HANDOVER)
def download(request: HttpRequest, contract: Contract, pk: int) -> HttpResponseBase:
    """The ZIP itself, piece by piece; who took it and when is written down."""
    found = _package_or_404(pk)
    if not _may_have(request, found.variant):
        raise PermissionDenied("個人情報を含むパッケージは、市職員だけが受け取れます。")
    try:
        found, parts = fetch(contract, pk, by=actor_of(request), now=request.now)
    except HandoverRefused as refused:
        messages.error(request, str(refused))
        return redirect("handover:package", contract.code, pk)
    answer = StreamingHttpResponse(parts, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="handover-{contract.code}-{found.variant}-{found.ready_at:%Y%m%d}-{found.pk}.zip"'
    return answer


class AskForm(GuardedForm):
    """What the manager asks for."""

    use_required_attribute = False
    ends_on = DayBox(label="契約の最終日", help_text="途中で解約したときは、その日。", error_messages={"required": "契約の最終日を選んでください。"})
    reason = forms.CharField(
        label="根拠", max_length=200, help_text="契約書・仕様書の箇所や、市からの文書。例：仕様書13(3)、市の通知 第12号",
        error_messages={"required": "消去の根拠を入力してください。"},
    )  # fmt: skip
    copies_until = DayBox(
        label="バックアップの廃棄日", help_text="住民の情報が入った最後のバックアップを廃棄する日。証明書に書かれます。",
        error_messages={"required": "バックアップの廃棄日を選んでください。"},
    )  # fmt: skip


class ConfirmForm(GuardedForm):
    """What the city says."""

    use_required_attribute = False
    returned = forms.TypedChoiceField(
        label="返還", choices=[("yes", "個人情報ありのパッケージを受け取り、内容を確かめた"), ("no", "返還を求めない")], widget=forms.RadioSelect,
        coerce=lambda said: said == "yes", error_messages={"required": "返還を受けたかどうかを選んでください。"},
    )  # fmt: skip
    typed_code = forms.CharField(label="契約のコード", max_length=40, error_messages={"required": "確認のため、契約のコードを入力してください。"})


@roles(READ_HANDOVER)
def erasure(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Where the erasure stands, what each step means, what would go now; POST asks (manager) or confirms (city)."""
    found = Erasure.objects.exclude(stage=Stage.CALLED_OFF).select_related("asked_by", "confirmed_by").first()
    if request.method != "POST":
        return _erasure(request, contract, found)
    who: dict[str, Any] = {"user": request.user, "by": actor_of(request), "now": request.now}
    if found is None:
        if not may(request, ASK_ERASURE):
            raise PermissionDenied("消去は、受託者の業務責任者が申し出ます。")
        form: GuardedForm = AskForm(request.POST)
        deed, done = deeds.ask, "消去を申し出ました。市が承認するまで、何も消えません。"
    else:
        if not may(request, RECEIVE_PEOPLE):
            raise PermissionDenied("消去は、市職員が承認します。")
        form = ConfirmForm(request.POST)
        deed, done = deeds.confirm, "消去を承認しました。待機期間が終わると、消去が始まります。"
    if not form.is_valid():
        return _erasure(request, contract, found, form, status=422)
    try:
        deed(contract, **form.cleaned_data, **who)
    except HandoverRefused as refused:
        return _erasure(request, contract, found, form, str(refused), 409)
    messages.success(request, done)
    return redirect("handover:erasure", contract.code)


def _erasure(
    request: HttpRequest, contract: Contract, found: Erasure | None, form: GuardedForm | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    stage = Stage(found.stage) if found else None
    done = STEPS_DONE[stage]
    usual = {"ends_on": contract.profile.term.contract_to.isoformat()}
    if form is None:
        form = AskForm(initial=usual) if found is None else ConfirmForm()
    over = dt.datetime.combine(found.ends_on, dt.time(), request.now.tzinfo) if found else None
    context = {
        "erasure": found, "stage": stage, "form": form, "problem": problem, "over": over,
        "steps": [{"name": name, "meaning": meaning, "done": n < done, "now": n == done} for n, (name, meaning) in enumerate(STEPS)],
        "preview": deeds.preview(contract) if stage is not Stage.DONE else [], "kept": deeds.KEPT,
        "done": ErasedCount.objects.filter(erasure=found) if found else [],
        "may_ask": stage is None and may(request, ASK_ERASURE), "may_confirm": stage is Stage.ASKED and may(request, RECEIVE_PEOPLE),
        "may_call_off": stage in (Stage.ASKED, Stage.WAITING) and may(request, KEEP_HANDOVER), "at_end": contract.profile.retention.at_end,
    }  # fmt: skip
    return render(request, "office/handover/erasure.html", context, status=status)


@require_POST
@roles(KEEP_HANDOVER)
def call_off(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Call the erasure off."""
    try:
        deeds.call_off(contract, by=actor_of(request), now=request.now)
    except HandoverRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "消去を取りやめました。何も消えていません。")
    return redirect("handover:erasure", contract.code)


@roles(READ_HANDOVER)
def certificate(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The certificate of erasure, as it was frozen, on A4."""
    found = Erasure.objects.filter(stage=Stage.DONE).first()
    if found is None:
        return render(request, "office/handover/certificate.html", {"paper": None})
    paper = {**found.certificate, **{key: dt.datetime.fromisoformat(found.certificate[key]) for key in ("begun_at", "done_at", "ends_on", "copies_until")}}
    for step in ("asked", "confirmed"):
        paper[step] = {**paper[step], "at": dt.datetime.fromisoformat(paper[step]["at"])}
    total = sum(one["records"] for one in paper["erased"])
    context = {"paper": paper, "digest": found.digest, "whole": digest_of(found.certificate) == found.digest, "total": total}
    return render(request, "office/handover/certificate.html", context)
