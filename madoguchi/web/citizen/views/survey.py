"""The survey of visitors: by a poster's code, at a tablet at the exit, by the link of a mail. Nothing of who answers is kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from madoguchi.domain.procedures.queries import shown_procedures
from madoguchi.domain.survey import links, services
from madoguchi.domain.survey.enums import Way
from madoguchi.domain.survey.errors import SurveyRefused
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Survey
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.web.ui.middleware import handles_individual_number
from madoguchi.web.ui.throttle import client_address, spend

from .. import showing
from ..survey_form import SheetForm
from .pages import busy

UNSAID = "-"
"""In the address: the visitor does not say what the visit was for."""


@handles_individual_number
def poster(request: HttpRequest, contract: Contract) -> HttpResponse:
    """By a code on the wall or on a ticket; ``?at=`` is the site."""
    survey = _survey(contract, Way.POSTER)
    sites = [site.code for site in contract.profile.sites]
    asked = request.GET.get("at", "")
    site = asked if asked in sites else sites[0] if len(sites) == 1 else ""
    return _page(request, contract, survey, Way.POSTER, site, {"at": site} if site else {})


@handles_individual_number
def once(request: HttpRequest, contract: Contract, until: int, nonce: str, token: str) -> HttpResponse:
    """By the link of a mail, which works once."""
    survey = _survey(contract, Way.MAIL)
    last = links.last_day(contract, until, nonce, token)
    if last is None:
        raise Http404("このリンクは使えません。")
    if last < request.now.date() or services.is_used(contract, nonce):  # type: ignore[attr-defined]
        return _ended(request, contract)
    response = _page(request, contract, survey, Way.MAIL, "", {}, services.Link(nonce, last))
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@handles_individual_number
def kiosk(request: HttpRequest, contract: Contract, site: str, token: str) -> HttpResponse:
    """At the tablet of a site."""
    survey = _survey(contract, Way.KIOSK)
    _kiosk(contract, site, token)
    return _page(request, contract, survey, Way.KIOSK, site, {})


@require_GET
def thanks(request: HttpRequest, contract: Contract) -> HttpResponse:
    """After an answer."""
    return render(request, "citizen/survey/thanks.html", showing.frame(request, contract))


@require_GET
def kiosk_thanks(request: HttpRequest, contract: Contract, site: str, token: str) -> HttpResponse:
    """After an answer at the tablet, which returns to its start by itself."""
    _survey(contract, Way.KIOSK)
    _kiosk(contract, site, token)
    return render(request, "citizen/survey/kiosk_thanks.html", _tablet(request, contract, site))


def _survey(contract: Contract, way: Way) -> Survey:
    survey = contract.profile.survey
    if survey is None or way not in survey.ways:
        raise Http404("このアンケートは行っていません。")
    return survey


def _kiosk(contract: Contract, site: str, token: str) -> None:
    if site not in {one.code for one in contract.profile.sites} or not links.opens_kiosk(contract, site, token):
        raise Http404("この画面のリンクは使えません。")


def _page(
    request: HttpRequest, contract: Contract, survey: Survey, way: Way, site: str, query: dict[str, str], link: services.Link | None = None
) -> HttpResponse:
    """First what the visit was for, then the questions; sent, they lead to the thanks."""
    frame = _tablet(request, contract, site) if way is Way.KIOSK else showing.frame(request, contract)
    folder = "kiosk_" if way is Way.KIOSK else ""
    offered = [one.code for one in (contract.profile.procedures_at(site) if site else contract.profile.procedures)]
    asked = request.GET.get("p", "")
    if asked not in (*offered, UNSAID):
        rows = [(one.name, f"?{urlencode({**query, 'p': one.code})}") for one in shown_procedures(get_language() or "ja", offered)]
        context = {**frame, "procedures": rows, "unsaid": f"?{urlencode({**query, 'p': UNSAID})}"}
        return render(request, f"citizen/survey/{folder}which.html", context)
    procedure = "" if asked == UNSAID else asked
    now = request.now  # type: ignore[attr-defined]
    form = SheetForm(survey.asked(now.date(), procedure), request.POST if request.method == "POST" else None)
    back = f"?{urlencode(query)}" if query else request.path
    context = {**frame, "form": form, "back": back}
    if request.method != "POST":
        return render(request, f"citizen/survey/{folder}sheet.html", context)
    if not form.is_valid():
        return render(request, f"citizen/survey/{folder}sheet.html", context, status=422)
    if wait := _spend(request, contract, way, site):
        if way is not Way.KIOSK:
            return busy(request, contract, wait)
        form.add_error(None, _("少し待ってから、もう一度お試しください。"))
        return render(request, "citizen/survey/kiosk_sheet.html", context, status=429)
    try:
        services.answer(
            contract, form.sheet, way=way, site=site, procedure=procedure, language=get_language() or "ja", link=link, now=now
        )
    except SurveyRefused:
        return _ended(request, contract)
    if way is Way.KIOSK:
        return redirect("citizen:survey_kiosk_thanks", contract.code, site, request.resolver_match.kwargs["token"])  # type: ignore[union-attr]
    return redirect("citizen:survey_thanks", contract.code)


def _spend(request: HttpRequest, contract: Contract, way: Way, site: str) -> int:
    """One of the answers that a tablet, or an address in disguise, may send. A link of a mail limits itself."""
    if way is Way.MAIL:
        return 0
    now = request.now  # type: ignore[attr-defined]
    if way is Way.KIOSK:
        return spend(contract, "survey_kiosk", site, now=now)
    return spend(contract, "survey", keyring(contract).token("survey.client", client_address(request)), now=now)


def _ended(request: HttpRequest, contract: Contract) -> HttpResponse:
    return render(request, "citizen/survey/ended.html", showing.frame(request, contract), status=410)


def _tablet(request: HttpRequest, contract: Contract, site: str) -> dict[str, Any]:
    """What every page of the tablet needs."""
    match = request.resolver_match
    assert match is not None
    names = dict(settings.LANGUAGES)
    asked = request.GET.get("p", "")
    known = {"p": asked} if asked == UNSAID or asked in {one.code for one in contract.profile.procedures} else {}
    tongues = [(code, names[code], f"{request.path}?{urlencode({**known, 'lang': code})}") for code in contract.profile.languages]
    home = reverse("citizen:survey_kiosk", args=[contract.code, site, match.kwargs["token"]])
    start = f"{home}?{urlencode({'lang': contract.profile.default_language})}"
    return {"site": contract.profile.site(site), "home": home, "start_url": start, "tongues": tongues, "tongue": get_language()}
