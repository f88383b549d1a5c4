"""Addresses of the rooms of the counter, under ``/staff/<contract>/premises/``."""

from django.urls import path

from .rooms import lists, outings, papers

app_name = "premises"
urlpatterns = [
    path("", lists.overview, name="overview"),
    path("history/", lists.history, name="history"),
    path("day/", lists.day, name="day"),
    path("lists/<slug:code>/<slug:site>/", lists.checklist, name="checklist"),
    path("lists/<slug:code>/<slug:site>/tap/", lists.tap, name="tap"),
    path("marks/<int:mark>/take-back/", lists.take_back, name="take_back"),
    path("papers/", papers.papers, name="papers"),
    path("papers/keep/", papers.keep, name="papers_keep"),
    path("papers/plan/", papers.plan, name="papers_plan"),
    path("papers/<int:bundle>/withdraw/", papers.withdraw, name="papers_withdraw"),
    path("papers/days/<int:collection>/<slug:deed>/", papers.deed, name="papers_deed"),
    path("outings/", outings.outings, name="outings"),
    path("outings/<int:outing>/", outings.outing, name="outing"),
    path("outings/<int:outing>/pack/", outings.pack, name="outing_pack"),
    path("outings/<int:outing>/<slug:deed>/", outings.deed, name="outing_deed"),
]
