"""All addresses. ``/`` lists the contracts, ``/<contract>/`` is a resident's start page, ``/staff/`` the staff side."""

from django.conf import settings
from django.urls import include, path

from madoguchi.web.api import calls
from madoguchi.web.citizen.views import line
from madoguchi.web.ui import views as ui

urlpatterns = [
    path("healthz", ui.health, name="healthz"),
    path("ui-kit/", ui.kit, name="ui_kit"),
    path("accounts/", include("madoguchi.web.office.account_urls")),
    path("accounts/", include("allauth.urls")),
    path("staff/", include("madoguchi.web.office.staff_urls")),
    path("staff/<slug:contract>/desk/", include("madoguchi.web.callcentre.urls")),
    path("staff/<slug:contract>/phone/", include("madoguchi.web.callcentre.phone_urls")),
    path("staff/<slug:contract>/lists/", include("madoguchi.web.counter.list_urls")),
    path("staff/<slug:contract>/stock/", include("madoguchi.web.counter.stock_urls")),
    path("staff/<slug:contract>/counter/", include("madoguchi.web.counter.urls")),
    path("staff/<slug:contract>/cases/", include("madoguchi.web.counter.case_urls")),
    path("staff/<slug:contract>/documents/", include("madoguchi.web.office.documents_urls")),
    path("staff/<slug:contract>/reports/", include("madoguchi.web.office.reports_urls")),
    path("staff/<slug:contract>/premises/", include("madoguchi.web.counter.premises_urls")),
    path("staff/<slug:contract>/photos/", include("madoguchi.web.counter.photo_urls")),
    path("staff/<slug:contract>/billing/", include("madoguchi.web.office.billing_urls")),
    path("staff/<slug:contract>/incidents/", include("madoguchi.web.office.incidents_urls")),
    path("staff/<slug:contract>/forecast/", include("madoguchi.web.office.forecast_urls")),
    path("staff/<slug:contract>/survey/", include("madoguchi.web.office.survey_urls")),
    path("staff/<slug:contract>/obligations/", include("madoguchi.web.office.obligations_urls")),
    path("staff/<slug:contract>/papers/", include("madoguchi.web.office.papers_urls")),
    path("staff/<slug:contract>/handover/", include("madoguchi.web.office.handover_urls")),
    path("staff/<slug:contract>/", include("madoguchi.web.office.urls")),
    path("api/v1/", include("madoguchi.web.api.urls")),
    path("hooks/line/<slug:contract>/", line.hook, name="line_hook"),
    path("hooks/calls/<slug:contract>/", calls.signed, name="calls_signed"),
    path("hooks/calls/<slug:contract>/connect/", calls.amazon, name="calls_connect"),
    path("hooks/calls/<slug:contract>/cti/<str:token>/", calls.cti, name="calls_cti"),
    path("", include("madoguchi.web.counter.public_urls")),
    path("", include("madoguchi.web.citizen.urls")),
]

if settings.DEMO:
    urlpatterns.insert(0, path("demo/", include("madoguchi.web.office.demo_urls")))

handler400 = "madoguchi.web.ui.views.bad_request"
handler403 = "madoguchi.web.ui.views.permission_denied"
handler404 = "madoguchi.web.ui.views.not_found"
handler500 = "madoguchi.web.ui.views.server_error"
