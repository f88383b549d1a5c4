"""Pages that several topics answer with."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi.ground.contracts.models import Contract

from .. import showing


def busy(request: HttpRequest, contract: Contract, wait: int) -> HttpResponse:
    """Too many requests from one address: how long to wait, and the phone."""
    context = {**showing.frame(request, contract), "minutes": -(-wait // 60)}
    response = render(request, "citizen/busy.html", context, status=429)
    response.headers["Retry-After"] = str(wait)
    return response
