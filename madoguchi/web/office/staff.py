"""Managing the staff of a contract and its keys of the programming interface."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.ground.accounts import keys, queries, rules, services
from madoguchi.ground.accounts.access import MANAGE_STAFF, actor_of, roles
from madoguchi.ground.accounts.models import ApiKey, Role
from madoguchi.ground.contracts.models import Contract


class InviteForm(forms.Form):
    """Who is invited, as what."""

    name = forms.CharField(label="氏名", max_length=80)
    email = forms.EmailField(
        label="メールアドレス",
        error_messages={"invalid": "メールアドレスを「name@example.jp」の形で入力してください。"},
    )
    organisation = forms.CharField(label="所属", max_length=120, required=False)
    role = forms.ChoiceField(label="役割", widget=forms.RadioSelect)

    def __init__(self, *args: Any, giver: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(r.value, r.label) for r in reversed(Role) if rules.may_grant(giver, r)]
        self.fields["role"].error_messages["required"] = "役割を選んでください。"


class KeyForm(forms.Form):
    """What a new key is for and what it may do."""

    name = forms.CharField(label="用途", max_length=80, help_text="どのシステムが使うか（例：市公式アプリ）")
    scopes = forms.MultipleChoiceField(
        label="許可する操作", widget=forms.CheckboxSelectMultiple, choices=list(keys.SCOPES.items())
    )
    per_minute = forms.IntegerField(label="1分あたりの上限", min_value=1, max_value=100_000, initial=600)
    sources = forms.CharField(
        label="送信元のアドレス",
        max_length=400,
        required=False,
        help_text="このアドレスからだけ使えるキーにするときに入力します（例：203.0.113.0/24）。複数は空白で区切ります。",
    )

    def clean_sources(self) -> list[str]:
        """Networks."""
        try:
            return keys.read_sources(self.cleaned_data["sources"])
        except keys.BadSource:
            raise ValidationError("アドレスの書き方を確かめてください。例：203.0.113.7 または 203.0.113.0/24") from None

    def clean(self) -> dict[str, Any]:
        """A key that stands in an address holds from named networks only."""
        data = super().clean() or {}
        if keys.ADDRESSED in data.get("scopes", []) and data.get("sources") == []:
            self.add_error("sources", "Zammad CTIの形で送るキーには、送信元のアドレスが要ります。電話システムのアドレスを入力してください。")
        return data


@roles(MANAGE_STAFF)
def staff(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Everybody of this contract; POST invites somebody."""
    giver = Role(request.assignment.role)
    form = InviteForm(request.POST or None, giver=giver)
    if request.method == "POST" and form.is_valid():
        try:
            invitation = services.invite(
                contract,
                email=form.cleaned_data["email"],
                name=form.cleaned_data["name"],
                organisation=form.cleaned_data["organisation"],
                role=Role(form.cleaned_data["role"]),
                by=request.assignment,
                now=request.now,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{invitation.name}さんに招待メールを送りました。リンクは72時間使えます。")
            return redirect("office:staff", contract.code)
    lines = queries.staff_of(contract, request.assignment, request.now)
    context = {
        "form": form,
        "lines": lines,
        "invitations": queries.open_invitations(contract, request.now),
        "without_factor": sum(not line.factors for line in lines),
    }
    return render(request, "office/staff/staff.html", context, status=422 if form.is_bound else 200)


@roles(MANAGE_STAFF)
def member(request: HttpRequest, contract: Contract, user: int) -> HttpResponse:
    """One member of staff: what he may, and the deeds on his account."""
    lines = {line.user.pk: line for line in queries.staff_of(contract, request.assignment, request.now)}
    if user not in lines:
        raise Http404("この担当者は、この契約にはいません。")
    choices = [(r.value, r.label) for r in reversed(Role) if rules.may_grant(Role(request.assignment.role), r)]
    return render(request, "office/staff/member.html", {"line": lines[user], "choices": choices})


@roles(MANAGE_STAFF)
@require_POST
def member_deed(request: HttpRequest, contract: Contract, user: int) -> HttpResponse:
    """One deed on a member's account; ``deed`` names it."""
    deed = request.POST.get("deed", "")
    common: dict[str, Any] = {"user_id": user, "by": request.assignment, "now": request.now}
    back = redirect("office:staff", contract.code)
    try:
        if deed == "role":
            role = Role(request.POST.get("role", ""))
            services.change_role(contract, role=role, **common)
            messages.success(request, f"役割を「{role.label}」に変更しました。")
        elif deed == "sessions":
            ended = services.revoke_sessions(contract, **common)
            messages.success(request, f"{ended}台の端末をサインアウトしました。")
        elif deed == "second-factor":
            services.reset_second_factor(contract, **common)
            messages.success(request, "二要素認証を解除しました。次のサインインで設定し直します。")
        elif deed == "remove":
            services.remove_assignment(contract, **common)
            messages.success(request, "この契約から外しました。")
        elif deed == "deactivate":
            services.deactivate(contract, **common)
            messages.success(request, "アカウントを停止しました。")
        else:
            messages.error(request, "操作を選んでください。")
    except ValueError:
        messages.error(request, "役割を選んでください。")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return back


@roles(MANAGE_STAFF)
@require_POST
def withdraw(request: HttpRequest, contract: Contract, invitation: int) -> HttpResponse:
    """Take an invitation back."""
    try:
        services.withdraw_invitation(contract, invitation_id=invitation, by=request.assignment, now=request.now)
        messages.success(request, "招待を取り下げました。")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("office:staff", contract.code)


@roles(MANAGE_STAFF)
def key_list(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Keys of the programming interface; POST makes one and shows its secret this once."""
    form = KeyForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        secret = keys.make_key(contract, **form.cleaned_data, by=actor_of(request), now=request.now)
        form = KeyForm()
    context = {
        "form": form,
        "secret": secret,
        "keys": queries.keys_of(contract),
        "scope_labels": keys.SCOPES,
    }
    return render(request, "office/staff/keys.html", context, status=422 if form.is_bound else 200)


@roles(MANAGE_STAFF)
@require_POST
def key_revoke(request: HttpRequest, contract: Contract, key: int) -> HttpResponse:
    """Make a key void."""
    try:
        keys.revoke_key(contract, key, by=actor_of(request), now=request.now)
        messages.success(request, "APIキーを失効しました。10秒以内にすべてのサーバーで使えなくなります。")
    except ApiKey.DoesNotExist:
        messages.error(request, "このAPIキーは、すでに失効しています。")
    return redirect("office:keys", contract.code)
