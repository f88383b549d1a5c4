"""Addresses of the survey's results, under ``/staff/<contract>/survey/``."""

from django.urls import path

from . import survey

app_name = "survey"
urlpatterns = [
    path("", survey.results, name="results"),
    path("results.csv", survey.results_csv, name="figures_csv"),
    path("comments/", survey.comments, name="comments"),
    path("comments/<int:pk>/group/", survey.group, name="group"),
    path("poster/<slug:site>/", survey.poster, name="poster"),
]
