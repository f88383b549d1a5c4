"""Addresses of the stock of cards, under ``/staff/<contract>/stock/``."""

from django.urls import path

from .stock import arrivals, batches, cards, lists, picks, scan, shelves, taking

app_name = "stock"
urlpatterns = [
    path("", lists.overview, name="overview"),
    path("cards/", lists.at_stage, name="cards"),
    path("find/", cards.find, name="find"),
    path("cards/<int:card>/", cards.card, name="card"),
    path("cards/<int:card>/do/", cards.act, name="act"),
    path("link/", cards.link, name="link"),
    path("scan/", scan.scan, name="scan"),
    path("arrivals/", arrivals.arrivals, name="arrivals"),
    path("notices/", lists.notices, name="notices"),
    path("ageing/", lists.ageing, name="ageing"),
    path("ageing/export/", lists.ageing_file, name="ageing_file"),
    path("disposals/", lists.disposals, name="disposals"),
    path("batches/", batches.batches, name="batches"),
    path("batches/<int:batch>/", batches.batch, name="batch"),
    path("batches/<int:batch>/close/", batches.close, name="batch_close"),
    path("check/", batches.check, name="check"),
    path("shelves/", shelves.shelves, name="shelves"),
    path("shelves/<slug:cabinet>/<int:box>/", shelves.box, name="box"),
    path("picks/", picks.picks, name="picks"),
    path("takings/", taking.takings, name="takings"),
    path("takings/<int:taking>/", taking.taking, name="taking"),
    path("takings/<int:taking>/finish/", taking.finish, name="taking_finish"),
    path("takings/<int:taking>/close/", taking.close, name="taking_close"),
    path("takings/<int:taking>/export/", taking.export, name="taking_file"),
    path("differences/<int:difference>/", taking.settle, name="settle"),
]
