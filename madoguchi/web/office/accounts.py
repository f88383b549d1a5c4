"""A person's own account: the second factor, an invitation's link."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from madoguchi.ground.accounts import rules, services
from madoguchi.ground.accounts.models import User
from madoguchi.ground.kit import clock


class PasswordForm(forms.Form):
    """First password of an invited person."""

    password = forms.CharField(
        label="パスワード",
        help_text="12文字以上。よくある言葉や氏名は使えません。",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )
    again = forms.CharField(
        label="パスワード（もう一度）", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False
    )

    def clean_again(self) -> str:
        if self.cleaned_data.get("password") != self.cleaned_data["again"]:
            raise ValidationError("2つのパスワードが同じではありません。もう一度入力してください。")
        return str(self.cleaned_data["again"])


@login_required
def second_factor(request: HttpRequest) -> HttpResponse:
    """Explains why a second factor is needed and leads to its set-up."""
    return render(request, "office/accounts/second_factor.html")


@sensitive_post_parameters()
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of an invitation: choose a password, or just join with an existing account."""
    now = clock.now()
    found = services.invitation_of(token)
    if found is None:
        problem = "招待のリンクが正しくありません。メールのリンクをもう一度開いてください。"
        return render(request, "office/accounts/invitation.html", {"problem": problem}, status=404)
    problem = rules.invitation_problem(
        now=now, expires_at=found.expires_at, accepted_at=found.accepted_at, withdrawn_at=found.withdrawn_at
    )
    if problem:
        return render(request, "office/accounts/invitation.html", {"problem": problem}, status=410)
    new = not User.objects.filter(email__iexact=found.email).exists()
    form = PasswordForm(request.POST or None) if new else None
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            services.accept_invitation(token, password=form.cleaned_data["password"] if form else "", now=now)
        except ValidationError as error:
            if form is None:
                return render(request, "office/accounts/invitation.html", {"problem": error.messages[0]}, status=409)
            form.add_error(None, error)
        else:
            messages.success(request, "登録しました。メールアドレスとパスワードでサインインしてください。")
            return redirect("account_login")
    return render(request, "office/accounts/invitation.html", {"invitation": found, "form": form})


def closed(request: HttpRequest, *args: object) -> HttpResponse:
    """Pages of django-allauth that this installation does not offer: sign-up and changing one's address."""
    raise Http404("not offered")
