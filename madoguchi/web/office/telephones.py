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
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Extension
from madoguchi.domain.calls.queries.theirs import unnamed
from madoguchi.domain.calls.services.extensions import drop_extension, name_extension
from madoguchi.ground.accounts.access import ANSWER_CALLS, MANAGE_TELEPHONES, actor_of, roles
from madoguchi.ground.accounts.queries import people_in_role
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


class ExtensionForm(forms.Form):
    """Whose calls another telephone system means by a name."""

    use_required_attribute = False
    agent = forms.CharField(
        label="内線の名前", max_length=80, widget=forms.TextInput(attrs={"list": "unnamed", "autocomplete": "off"}),
        help_text="電話システムが知らせるとおりに入れます。例：SIP/201", error_messages={"required": "内線の名前を入力してください。"},
    )  # fmt: skip
    user = forms.TypedChoiceField(label="担当者", coerce=int, error_messages={"required": "担当者を選んでください。"})

    def __init__(self, contract: Contract, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = {user.pk: str(user) for role in ANSWER_CALLS for user in people_in_role(contract, role)}
        self.fields["user"].choices = [("", "選んでください"), *sorted(people.items(), key=lambda one: one[1])]  # type: ignore[attr-defined]


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
def extensions(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Tie a name of another telephone system to a member of staff, or untie it."""
    common: dict[str, Any] = {"by": actor_of(request), "now": request.now}
    form = ExtensionForm(contract, request.POST)
    try:
        if drop := request.POST.get("drop", ""):
            agent = drop_extension(contract, int(drop) if drop.isdigit() else 0, **common)
            messages.success(request, f"「{agent}」の結び付きを解きました。")
        elif form.is_valid():
            row = name_extension(contract, agent=form.cleaned_data["agent"], user_id=form.cleaned_data["user"], **common)
            messages.success(request, f"「{row.agent}」の電話は、{row.user}さんの画面に出ます。")
        else:
            return _page(request, contract, TelephoneForm(), extension_form=form, status=422)
    except CallsRefused as refused:
        messages.warning(request, refused.message)
    return redirect("office:telephones", contract.code)


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
    request: HttpRequest, contract: Contract, form: TelephoneForm, *, issued: Telephone | None = None, password: str = "",
    extension_form: ExtensionForm | None = None, status: int = 200,
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
        "extensions": Extension.objects.select_related("user"),
        "extension_form": extension_form or ExtensionForm(contract),
        "unnamed": unnamed(request.now),
    }
    answer = render(request, "office/phone/telephones.html", context, status=status)
    if password:
        answer["Cache-Control"] = "no-store"
    return answer
