"""Addresses of the handover, under ``/staff/<contract>/handover/``."""

from django.urls import path

from . import handover

app_name = "handover"
urlpatterns = [
    path("", handover.overview, name="overview"),
    path("order/", handover.order, name="order"),
    path("package/<int:pk>/", handover.package, name="package"),
    path("package/<int:pk>/download/", handover.download, name="download"),
    path("erasure/", handover.erasure, name="erasure"),
    path("erasure/call-off/", handover.call_off, name="call_off"),
    path("certificate/", handover.certificate, name="certificate"),
]
