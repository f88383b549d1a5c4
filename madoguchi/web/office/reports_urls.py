"""Addresses of reports, under ``/staff/<contract>/reports/``: figures and the records behind them."""

from django.urls import path

from . import figures

app_name = "reports"
urlpatterns = [
    path("figures/", figures.figures, name="figures"),
    path("figures.csv", figures.figures_csv, name="figures_csv"),
    path("records/", figures.records, name="records"),
    path("records.csv", figures.records_csv, name="records_csv"),
]
