"""Addresses of the telephone, under ``/staff/<contract>/phone/``: figures, calls, call-backs, contacts, the second line."""

from django.urls import path

from . import board, calls

app_name = "phone"
urlpatterns = [
    path("", board.board, name="board"),
    path("figures/", board.figures, name="figures"),
    path("figures.json", board.figures_file, {"form": "json"}, name="figures_json"),
    path("figures.csv", board.figures_file, {"form": "csv"}, name="figures_csv"),
    path("calls/", calls.calls, name="calls"),
    path("calls/export/", calls.export, name="calls_export"),
    path("calls/<int:pk>/", calls.call, name="call"),
    path("calls/<int:pk>/callback/", calls.promise, name="promise"),
]
