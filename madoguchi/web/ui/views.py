"""Pages that belong to nobody: health, errors, the style page."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

import madoguchi

from .kit import kit_context

ERRORS = {
    400: _("入力を読み取れませんでした"),
    403: _("この画面を見る権限がありません"),
    404: _("ページが見つかりません"),
    410: _("受付は終わりました。"),
    422: _("マイナンバー（個人番号）はお預かりできません"),
    429: _("操作が続いたため、少しお待ちください"),
    500: _("システムで問題が起きました"),
    503: _("ただいま混み合っています"),
}


def health(request: HttpRequest) -> HttpResponse:
    """Ready when the database answers and every migration has run."""
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        ready = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (InterfaceError, OperationalError):
        connection.close()
        ready = False
    body = {"ready": ready, "version": madoguchi.__version__}
    return JsonResponse(body, status=200 if ready else 503)


def error(request: HttpRequest, status: int, detail: str = "", heading: str = "") -> HttpResponse:
    """One design for every error; says what happened and what to do next. ``heading`` takes the place of the usual one."""
    context = {
        "status": status,
        "heading": heading or ERRORS.get(status, ERRORS[500]),
        "detail": detail,
        "staff": request.path_info.startswith(("/staff", "/accounts")),
    }
    return render(request, "ui/error.html", context, status=status)


def database_away(request: HttpRequest) -> HttpResponse:
    """503 without touching the database: what was booked is safe, try again in a moment."""
    context = {"status": 503, "heading": ERRORS[503], "staff": request.path_info.startswith(("/staff", "/accounts"))}
    response = HttpResponse(render_to_string("ui/error.html", context), status=503)
    response.headers["Retry-After"] = "5"
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error(request, 403, str(exception or ""))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A defect, or the database is away: then a page that needs none says so."""
    problem = sys.exc_info()[1]
    if isinstance(problem, InterfaceError | OperationalError) and not connection.is_usable():
        connection.close()
        return database_away(request)
    return error(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was open too long or cookies are off: say so, and that nothing was sent."""
    return error(
        request,
        403,
        gettext(
            "画面を開いてから時間がたったか、Cookieが無効になっています。前の画面に戻って読み込み直してから、もう一度お試しください。"
        ),
    )


def kit(request: HttpRequest) -> HttpResponse:
    """Every component of the UI kit on one page: the residents' side, or the staff side with ``?side=staff``."""
    staff = request.GET.get("side") == "staff"
    return render(request, "ui/kit_staff.html" if staff else "ui/kit.html", kit_context(staff=staff))
