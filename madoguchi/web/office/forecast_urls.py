"""Addresses of the forecast, under ``/staff/<contract>/forecast/``."""

from django.urls import path

from . import forecast

app_name = "forecast"
urlpatterns = [
    path("", forecast.outlook, name="outlook"),
    path("outlook.csv", forecast.outlook_csv, name="figures_csv"),
    path("cohorts/", forecast.cohorts, name="cohorts"),
]
