"""Steps of one version of what is handed in, a report or a paper: done, a step says so; refused, the version's page comes back with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from madoguchi.domain.reports.errors import ReportRefused
from madoguchi.ground.accounts.access import actor_of
from madoguchi.ground.contracts.models import Contract


def doer(request: HttpRequest) -> dict[str, Any]:
    """``user``, ``by`` and ``now`` of a deed."""
    return {"user": request.user, "by": actor_of(request), "now": request.now}  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Steps:
    """Steps of one kind of version: ``route`` leads to its page, ``page`` draws it with why a deed was refused and what was typed (409)."""

    route: str
    page: Callable[[HttpRequest, Contract, int, str, dict[str, str]], HttpResponse]

    def take(
        self, request: HttpRequest, contract: Contract, pk: int, deed: Callable[[], object], done: str, typed: dict[str, str] | None = None
    ) -> HttpResponse:
        """Do a deed of a version and say so in the words of ``done``."""
        try:
            deed()
        except ReportRefused as refused:
            return self.page(request, contract, pk, str(refused), typed or {})
        messages.success(request, done)
        return redirect(self.route, contract.code, pk)

    def write(self, request: HttpRequest, contract: Contract, pk: int, part: str, deed: Callable[..., object]) -> HttpResponse:
        """Write a text of a draft."""
        words = request.POST.get("text", "")
        return self.take(request, contract, pk, lambda: deed(contract, pk, part, words, **doer(request)), "文章を保存しました。", {part: words})

    def decide(self, request: HttpRequest, contract: Contract, pk: int, deed: Callable[..., object], done: str) -> HttpResponse:
        """What the city says of a version, with its comments."""
        words = request.POST.get("comments", "")
        return self.take(request, contract, pk, lambda: deed(contract, pk, comments=words, **doer(request)), done, {"comments": words})

    def again(self, request: HttpRequest, contract: Contract, pk: int, deed: Callable[..., Any], former: str) -> HttpResponse:
        """Begin the next version, with a reason; ``former`` says what stays."""
        reason = request.POST.get("reason", "")
        try:
            made = deed(contract, pk, reason=reason, by=actor_of(request), now=request.now)  # type: ignore[attr-defined]
        except ReportRefused as refused:
            return self.page(request, contract, pk, str(refused), {"reason": reason})
        messages.success(request, f"第{made.version}版の下書きを作りました。{former}はそのまま残ります。")
        return redirect(self.route, contract.code, made.pk)
