"""Addresses of the reception and its windows, under ``/staff/<contract>/counter/``."""

from django.urls import path

from . import failure, offline, overview, reception, windows

app_name = "counter"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("terminals/", overview.terminals, name="terminals"),
    path("terminals/<int:terminal>/revoke/", overview.revoke, name="terminal_revoke"),
    path("failure/", failure.failure, name="failure"),
    path("failure/packs/<int:pack>/open/", failure.pack_open, name="pack_open"),
    path("failure/tablets/add/", failure.tablet_add, name="tablet_add"),
    path("failure/tablets/<int:tablet>/revoke/", failure.tablet_revoke, name="tablet_revoke"),
    path("failure/late/<int:late_deed>/decide/", failure.late_decide, name="late_decide"),
    path("<slug:site>/pack/make/", failure.pack_make, name="pack_make"),
    path("<slug:site>/paper/", failure.paper_sheets, name="paper"),
    path("<slug:site>/offline/<int:tablet>/", offline.page, name="offline"),
    path("<slug:site>/offline/<int:tablet>/worker.js", offline.worker, name="offline_worker"),
    path("<slug:site>/offline/<int:tablet>/sync/", offline.sync, name="offline_sync"),
    path("<slug:site>/day/", overview.day, name="day"),
    path("<slug:site>/day/close/", overview.close, name="day_close"),
    path("<slug:site>/reception/", reception.reception, name="reception"),
    path("<slug:site>/reception/which/", reception.which, name="which"),
    path("<slug:site>/reception/party/", reception.walk_in, name="walk_in"),
    path("<slug:site>/reception/booked/<slug:code>/", reception.booked, name="booked"),
    path("<slug:site>/reception/issue/", reception.issue, name="issue"),
    path("<slug:site>/reception/missing/", reception.missing, name="missing"),
    path("<slug:site>/reception/turn-away/", reception.turn_away, name="turn_away"),
    path("<slug:site>/tickets/<int:ticket>/", reception.slip, name="slip"),
    path("<slug:site>/windows/", windows.windows, name="windows"),
    path("<slug:site>/windows/<int:number>/", windows.window, name="window"),
    path("<slug:site>/windows/<int:number>/<slug:deed>/", windows.deed, name="deed"),
]
