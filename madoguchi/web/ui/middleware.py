"""What every request passes: security headers, the resident's language, the staff gate, the contract's walls."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from madoguchi.ground.accounts.access import assignment_for, second_factor_missing
from madoguchi.ground.audit.services import flush_reads
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import contract_by_code
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.database import TRANSIENT, sqlstate
from madoguchi.ground.privacy.guard import REFUSAL, scan_files, scan_post
from madoguchi.ground.privacy.sealing import SealError, has_keys

from .views import database_away
from .views import error as ui_error

Handler = Callable[[HttpRequest], HttpResponse]
CLOSED = "住民の情報の消去を始めたので、新しく記録できません。報告書・請求書・義務の台帳・提出文書・事故の記録は、これからも書けます。"
ERASED = "この契約は終わりました。集計・報告書・請求書・義務の台帳・操作の記録は、これまでどおり見られます。"

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
PERMISSIONS_POLICY = "camera=(), microphone=(), geolocation=(), payment=()"
SAFE = ("GET", "HEAD", "OPTIONS")
AFTER_THE_END = frozenset({"documents", "reports", "billing", "obligations", "papers", "incidents", "handover"})
"""What is still written once a contract's data were erased: the accounts of its work."""
WHO_ENTERS = frozenset({"staff", "member", "member_deed", "invitation_withdraw", "key_revoke"})
"""And these of ``office``: access is taken back."""


class SecurityHeaders:
    """Strict CSP and friends on every answer; pages with personal data are never cached."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        headers = response.headers
        if getattr(response, "softphone", False):
            headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
                "connect-src 'self'", f"connect-src 'self' {settings.VOICE_DOOR_URL}"
            )
            headers["Permissions-Policy"] = PERMISSIONS_POLICY.replace("microphone=()", "microphone=(self)")
        if getattr(response, "camera", False):
            headers["Permissions-Policy"] = PERMISSIONS_POLICY.replace("camera=()", "camera=(self)")
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path_info.startswith(settings.STATIC_URL):
            headers.setdefault("Cache-Control", "no-store")
        return response


def with_softphone(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view whose page holds the operator's telephone: it may use the microphone and connect to the exchange."""

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        response.softphone = True  # type: ignore[attr-defined]
        return response

    return marked


def with_camera(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view whose page takes a picture: it may use the camera."""

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        response.camera = True  # type: ignore[attr-defined]
        return response

    return marked


class ResidentLanguage:
    """Language of residents' pages: ``?lang=`` (remembered in a cookie), the cookie, the browser; staff pages are Japanese."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.known = {code for code, _ in settings.LANGUAGES}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        staff = request.path_info.startswith(("/staff", "/accounts"))
        chosen = request.GET.get("lang", "")
        language = "ja" if staff else self._language(request, chosen)
        request.LANGUAGE_CODE = language  # type: ignore[attr-defined]
        with translation.override(language):
            response = self.get_response(request)
        if chosen in self.known and not staff:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, chosen, max_age=31_536_000, samesite="Lax", httponly=True
            )
        response.headers.setdefault("Content-Language", "ja" if language == "ja-easy" else language)
        return response

    def _language(self, request: HttpRequest, chosen: str) -> str:
        for code in (chosen, request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")):
            if code in self.known:
                return code
        found = translation.get_language_from_request(request)
        return found if found in self.known else "ja"


class SessionActivity:
    """Notes that a signed-in device is in use, once a minute per process or when its address or browser changes.

    The note is a transaction of four statements, a quarter of what a staff request costs before its view begins.
    """

    SECONDS, LIMIT = 60.0, 5000

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._note = UserSessionsMiddleware(lambda request: None)
        self._noted: dict[tuple[str, str, str], float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key and request.user.is_authenticated:
            self._notice(request, request.session.session_key)
        return self.get_response(request)

    def _notice(self, request: HttpRequest, session: str) -> None:
        device = (session, get_adapter().get_client_ip(request), request.META.get("HTTP_USER_AGENT", ""))
        if time.monotonic() - self._noted.get(device, -self.SECONDS) < self.SECONDS:
            return
        self._note(request)
        if len(self._noted) >= self.LIMIT:
            self._noted.clear()
        self._noted[device] = time.monotonic()


class StaffGate:
    """Everything under ``/staff/`` needs a signed-in user with a second factor."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/staff/"):
            if not request.user.is_authenticated:
                return self._away(request, f"{reverse('account_login')}?next={self._page(request)}")
            if second_factor_missing(request.user, request.session):
                return self._away(request, reverse("staff_second_factor"))
        return self.get_response(request)

    @staticmethod
    def _page(request: HttpRequest) -> str:
        """The page somebody looks at: a part of a page, asked for by htmx, is none."""
        return (request.htmx.current_url_abs_path if request.htmx else None) or request.get_full_path()

    @staticmethod
    def _away(request: HttpRequest, url: str) -> HttpResponse:
        """Leave the whole page, so that the sign-in is never drawn inside a page that refreshes itself."""
        return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


class _BeforeView:
    """Middleware that acts in ``process_view`` only."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


def handles_individual_number(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view whose form itself refuses the number beside the field (``GuardedForm``, ``booking.party``)."""
    view.handles_individual_number = True  # type: ignore[attr-defined]
    return view


class IndividualNumberNet(_BeforeView):
    """The net under every form: a POST that holds a 12-digit individual number reaches no view that does not refuse it itself."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if request.method in SAFE or getattr(view, "handles_individual_number", False):
            return None
        if not scan_post(request.POST) and not scan_files(request.FILES):
            return None
        return ui_error(request, 422, str(REFUSAL))


class PlainText(_BeforeView):
    """Refuses the character NUL in what was typed or stands in the address: no keyboard makes it and PostgreSQL cannot keep it."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        given = [request.GET] if request.method in SAFE else [request.GET, request.POST]
        if not any("\x00" in text for data in given for name, values in data.lists() for text in (name, *values)):
            return None
        return ui_error(request, 400, _("使えない文字が入っています。消してから、もう一度送ってください。"))


class ContractScope(_BeforeView):
    """Runs a view whose URL names a contract inside that contract's walls.

    GET and HEAD run in a read-only transaction, so that they cannot write; looks at personal data that the view reported
    are written to the audit log in a transaction of their own before the answer leaves. A deed that met a deadlock or a lock
    timeout was rolled back whole and is done again; a database that is away becomes a 503 page, a value of a contract whose keys were
    erased at its end a 410 page. Must be the last middleware.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        code = kwargs.get("contract")
        if not isinstance(code, str):
            return None
        try:
            contract = contract_by_code(code)
        except Contract.DoesNotExist:
            raise Http404(f"no contract {code}") from None
        request.contract = contract  # type: ignore[attr-defined]
        request.now = clock.now()  # type: ignore[attr-defined]
        if request.path_info.startswith("/staff/"):
            request.assignment = assignment_for(request.user, contract)  # type: ignore[attr-defined]
        if contract.closed_at is not None and request.method not in SAFE and not self._still_written(request):
            return ui_error(request, 410, CLOSED, "この契約の業務は終わりました") if request.path_info.startswith("/staff/") else ui_error(request, 410)
        for last in (False, False, True):
            try:
                return self._inside(request, contract, view, args, kwargs)
            except OperationalError as error:
                transient = sqlstate(error) in TRANSIENT
                if not transient and not connection.is_usable():
                    connection.close()
                    return database_away(request)
                if last or not transient:
                    raise
            except InterfaceError:
                connection.close()
                return database_away(request)
            except SealError:
                if has_keys(contract):
                    raise
                return ui_error(request, 410, ERASED, "住民の情報は消去されています") if request.path_info.startswith("/staff/") else ui_error(request, 410)
        return None

    @staticmethod
    def _still_written(request: HttpRequest) -> bool:
        match = request.resolver_match
        return match is not None and (match.app_name in AFTER_THE_END or (match.app_name == "office" and match.url_name in WHO_ENTERS))

    def _inside(
        self,
        request: HttpRequest,
        contract: Contract,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse:
        request.audit_reads = []  # type: ignore[attr-defined]
        with contract_scope(contract, read_only=request.method in SAFE):
            response = view(request, *args, **{**kwargs, "contract": contract})
            if isinstance(response, SimpleTemplateResponse):
                response.render()
        if request.audit_reads:  # type: ignore[attr-defined]
            with contract_scope(contract):
                flush_reads(contract, request.audit_reads, now=request.now)  # type: ignore[attr-defined]
        return response
