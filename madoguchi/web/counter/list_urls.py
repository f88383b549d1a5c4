"""Addresses of work lists, under ``/staff/<contract>/lists/``."""

from django.urls import path

from . import lists

app_name = "lists"
urlpatterns = [
    path("", lists.overview, name="overview"),
    path("<slug:code>/", lists.worklist, name="list"),
    path("<slug:code>/import/", lists.take_in, name="import"),
    path("<slug:code>/export/", lists.export, name="export"),
    path("<slug:code>/work/", lists.work, name="work"),
    path("<slug:code>/<int:entry>/", lists.entry, name="entry"),
    path("<slug:code>/<int:entry>/deed/", lists.deed, name="deed"),
]
