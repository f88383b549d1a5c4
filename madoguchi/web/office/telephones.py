"""The SIP telephones on the desks: added, given a new password, switched off; and what a person types into one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.callflow import telephones as deeds
from madoguchi.domain.callflow.models import Telephone
from madoguchi.domain.callflow.queries import latest_version, seated_today
from madoguchi.domain.callflow.services import FlowRefused
from madoguchi.ground.accounts.access import MANAGE_TELEPHONES, actor_of, roles
from madoguchi.ground.contracts.models import Contract

from .phone import NOT_HERE


class TelephoneForm(forms.Form):
    """A telephone on a desk."""

    use_required_attribute = False
    name = forms.CharField(
        label="名前", max_length=30, help_text="オペレーターが画面で選ぶときの名前です。例：1番席",
        error_messages={"required": "名前を入力してください。", "max_length": "名前は30文字までです。"},
    )  # fmt: skip
    place = forms.CharField(
        label="場所", max_length=60, required=False, help_text="例：2階 電話室の窓側", error_messages={"max_length": "場所は60文字までです。"}
    )


@roles(MANAGE_TELEPHONES)
def telephones(request: HttpRequest, contract: Contract) -> HttpResponse:
    """All of them; POST adds one and shows its password this once."""
    if contract.profile.telephone is None:
        return render(request, "office/phone/none.html", {"reason": NOT_HERE})
    if request.method != "POST":
        return _page(request, contract, TelephoneForm())
    form = TelephoneForm(request.POST)
    if form.is_valid():
        try:
            row, password = deeds.add_telephone(contract, **form.cleaned_data, by=actor_of(request), now=request.now)
        except FlowRefused as refused:
            form.add_error("name", str(refused))
        else:
            return _page(request, contract, TelephoneForm(), issued=row, password=password)
    return _page(request, contract, form, status=422)


@require_POST
@roles(MANAGE_TELEPHONES)
def deed(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """A new password, shown this once, or the end of a telephone."""
    common: dict[str, Any] = {"by": actor_of(request), "now": request.now}
    try:
        if request.POST.get("deed") == "issue":
            row, password = deeds.issue_password(contract, pk, **common)
            return _page(request, contract, TelephoneForm(), issued=row, password=password)
        if request.POST.get("deed") == "off":
            row = deeds.switch_off(contract, pk, **common)
            messages.success(request, f"「{row.name}」を止めました。数秒で電話を受けられなくなります。通話中のときは、その通話が終わってからです。")
        else:
            messages.error(request, "操作を選んでください。")
    except FlowRefused as refused:
        messages.warning(request, str(refused))
    return redirect("office:telephones", contract.code)


def _page(
    request: HttpRequest, contract: Contract, form: TelephoneForm, *, issued: Telephone | None = None, password: str = "", status: int = 200
) -> HttpResponse:
    host, _, port = settings.VOICE_SIP.rpartition(":")
    context = {
        "form": form,
        "issued": issued,
        "password": password,
        "rows": [{"row": row, "seated": seated_today(row, request.now)} for row in Telephone.objects.select_related("operator")],
        "server": host.strip("[]"),
        "port": port,
        "published": latest_version() is not None,
    }
    answer = render(request, "office/phone/telephones.html", context, status=status)
    if password:
        answer["Cache-Control"] = "no-store"
    return answer
