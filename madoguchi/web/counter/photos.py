"""Photos for applications: the camera page, where its picture arrives, and the list of the day. No page ever shows a stored picture."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.cases.models import Case
from madoguchi.domain.photos import services
from madoguchi.domain.photos.enums import State
from madoguchi.domain.photos.errors import PhotoRefused
from madoguchi.domain.photos.jpeg import MOST_BYTES
from madoguchi.domain.photos.models import Photo
from madoguchi.domain.photos.officials import shown_ref
from madoguchi.domain.photos.places import place_of
from madoguchi.domain.photos.queries import in_trouble, of_ref, photos_of
from madoguchi.domain.reception.models import Ticket
from madoguchi.ground.accounts.access import LEAD_AT_COUNTER, READ_COUNTER, WORK_AT_COUNTER, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Photo as Terms
from madoguchi.ground.kit import dates
from madoguchi.web.ui.middleware import with_camera

from .shared import counter_actor

RULES = (
    "帽子・サングラス・マスクを外し、正面を向いている（病気や信仰による場合は、市の方に確かめる）",
    "目を開け、髪や眼鏡の反射で目が隠れていない",
    "背景に人や物が写っていない",
    "一人だけが写っている",
    "ご本人に写真を見てもらい、よいと言われた",
)
"""What the person at the camera confirms: no program decides it."""
TONES = {State.OPEN: "plain", State.WAITING: "warn", State.DELIVERED: "ok", State.LOST: "bad", State.DROPPED: "plain"}


def _terms(contract: Contract) -> Terms:
    if contract.profile.photo is None:
        raise Http404("この契約では、顔写真の撮影を行っていません。")
    return contract.profile.photo


def _photo(contract: Contract, photo: int) -> Photo:
    _terms(contract)
    found = Photo.objects.select_related("site").defer("sealed").filter(pk=photo).first()
    if found is None:
        raise Http404("この写真の記録は見つかりません。")
    return found


@roles(READ_COUNTER)
def day(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The photos of a day (``?date=``): delivered, waiting, to be taken again; the form that begins one."""
    return _day(request, contract)


def _day(request: HttpRequest, contract: Contract, *, problem: str = "", status: int = 200) -> HttpResponse:
    terms = _terms(contract)
    today = request.now.date()
    date = min(dates.read_iso(request.GET.get("date", "")) or today, today)
    rows = list(photos_of(date))
    waiting, lost = in_trouble(request.now)
    context = {
        "terms": terms,
        "rows": [{"photo": one, "ref": shown_ref(one.ref), "tone": TONES[State(one.state)]} for one in rows],
        "counts": [(label, sum(one.state == value for one in rows)) for value, label in State.choices],
        "waiting": waiting,
        "lost": lost,
        "date": date,
        "earlier": (date - dt.timedelta(days=1)).isoformat(),
        "later": (date + dt.timedelta(days=1)).isoformat() if date < today else "",
        "sites": contract.profile.sites,
        "typed": {name: request.POST.get(name, "") for name in ("number", "site")},
        "problem": problem,
        "may_work": may(request, WORK_AT_COUNTER),
        "may_lead": may(request, LEAD_AT_COUNTER),
    }
    return render(request, "counter/photos/day.html", context, status=status)


@require_POST
@roles(WORK_AT_COUNTER)
def begin(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Begin a photo of a case (``number``, typed) or of whatever ``ref`` names."""
    _terms(contract)
    number = request.POST.get("number", "").strip()
    ref = request.POST.get("ref", "") or (f"case:{number}" if number.isdecimal() and len(number) < 19 else "")
    site = request.POST.get("site", "")
    try:
        if not _is_there(ref):
            raise PhotoRefused("この番号の案件が見つかりません。案件の画面の上にある番号を入力してください。")
        made = services.start(contract, ref, site, user=request.user, by=counter_actor(request), now=request.now)  # type: ignore[arg-type]
    except PhotoRefused as refused:
        return _day(request, contract, problem=refused.message, status=422)
    return redirect("photos:camera", contract.code, made.pk)


def _is_there(ref: str) -> bool:
    match = services.REF.fullmatch(ref)
    models: dict[str, Any] = {"case": Case, "ticket": Ticket}
    return match is not None and models[match[1]].objects.filter(pk=int(match[2])).exists()


@with_camera
@roles(WORK_AT_COUNTER)
def camera(request: HttpRequest, contract: Contract, photo: int) -> HttpResponse:
    """The camera; afterwards the record of what was deleted where."""
    found = _photo(contract, photo)
    terms = _terms(contract)
    context = {
        "photo": found,
        "ref": shown_ref(found.ref),
        "case": found.ref.partition(":")[2] if found.ref.startswith("case:") else "",
        "terms": terms,
        "most": MOST_BYTES,
        "rules": RULES,
        "tone": TONES[State(found.state)],
        "earlier": [one for one in of_ref(found.ref) if one.pk != found.pk][:5],
    }
    return render(request, "counter/photos/camera.html", context)


@require_POST
@roles(WORK_AT_COUNTER)
def picture(request: HttpRequest, contract: Contract, photo: int) -> HttpResponse:
    """The picture as the body of the request. It is in memory only: no form, so that no upload handler writes it to a file."""
    _photo(contract, photo)
    if request.content_type != "image/jpeg":
        return JsonResponse({"state": "refused", "message": "写真（JPEG）を送ってください。"}, status=415)
    try:
        data = request.body
    except RequestDataTooBig:
        return JsonResponse({"state": "refused", "message": f"写真が大きすぎます（{MOST_BYTES // 1000}KBまで）。もう一度撮影してください。"}, status=413)
    try:
        done = services.receive(contract, photo, data, place_of(contract), by=counter_actor(request), now=request.now)
    except PhotoRefused as refused:
        return JsonResponse({"state": "refused", "message": refused.message}, status=422)
    return JsonResponse({"state": done.state, "message": done.trouble})


@require_POST
@roles(WORK_AT_COUNTER)
def cleared(request: HttpRequest, contract: Contract, photo: int) -> HttpResponse:
    """The device says that it holds the picture no more."""
    _photo(contract, photo)
    try:
        services.confirm_cleared(contract, photo, by=counter_actor(request), now=request.now)
    except PhotoRefused as refused:
        return JsonResponse({"message": refused.message}, status=409)
    return JsonResponse({})


@require_POST
@roles(WORK_AT_COUNTER)
def give_up(request: HttpRequest, contract: Contract, photo: int) -> HttpResponse:
    """Give a photo up before a picture came."""
    _photo(contract, photo)
    try:
        services.drop(contract, photo, by=counter_actor(request), now=request.now)
    except PhotoRefused as refused:
        messages.error(request, refused.message)
        return redirect("photos:camera", contract.code, photo)
    messages.success(request, "撮影を取りやめました。")
    return redirect("photos:day", contract.code)
