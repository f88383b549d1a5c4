"""Addresses of the reception and its windows, under ``/staff/<contract>/counter/``."""

from django.urls import path

from . import overview, reception, windows

app_name = "counter"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("terminals/", overview.terminals, name="terminals"),
    path("terminals/<int:terminal>/revoke/", overview.revoke, name="terminal_revoke"),
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
