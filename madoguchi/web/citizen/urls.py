"""Addresses of the residents' site."""

from django.urls import path

from .views import about, book, bring, calendar, change, manage, start

app_name = "citizen"
LINK = "<slug:contract>/r/<slug:code>/<slug:token>/"
urlpatterns = [
    path("", start.index, name="index"),
    path("<slug:contract>/", start.start, name="start"),
    path("<slug:contract>/which/", bring.which, name="which"),
    path("<slug:contract>/bring/", bring.bring, name="bring"),
    path("<slug:contract>/find/", manage.find, name="find"),
    path("<slug:contract>/privacy/", about.privacy, name="privacy"),
    path("<slug:contract>/accessibility/", about.accessibility, name="accessibility"),
    path("<slug:contract>/calendar.json", calendar.snapshot, name="snapshot"),
    path("<slug:contract>/book/", book.who, name="who"),
    path("<slug:contract>/book/site/", book.site, name="site"),
    path("<slug:contract>/book/when/", book.when, name="when"),
    path("<slug:contract>/book/day/", book.day, name="day"),
    path("<slug:contract>/book/hold/", book.hold, name="hold"),
    path("<slug:contract>/book/<slug:flow>/details/", book.details, name="details"),
    path("<slug:contract>/book/<slug:flow>/check/", book.check, name="check"),
    path("<slug:contract>/book/<slug:flow>/release/", book.release, name="release"),
    path("<slug:contract>/book/<slug:flow>/done/", book.done, name="done"),
    path(LINK, manage.manage, name="manage"),
    path(f"{LINK}calendar.ics", manage.calendar_entry, name="ics"),
    path(f"{LINK}accept/", change.accept, name="change_accept"),
    path(f"{LINK}when/", change.when, name="change_when"),
    path(f"{LINK}day/", change.day, name="change_day"),
    path(f"{LINK}add/", change.add, name="change_add"),
    path(f"{LINK}person/<int:person>/", change.person, name="change_person"),
    path(f"{LINK}remove/<int:person>/", change.remove, name="change_remove"),
    path(f"{LINK}contact/", change.contact, name="change_contact"),
    path(f"{LINK}cancel/", change.cancel, name="change_cancel"),
]
