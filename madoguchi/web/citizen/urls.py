"""Addresses of the residents' site."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from .views import about, book, bring, calendar, change, earlier, line, manage, start, survey
from .views.pages import unless_stopped

app_name = "citizen"
LINK = "<slug:contract>/r/<slug:code>/<slug:token>/"


def page(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
    """An address that a planned stop closes."""
    return path(route, unless_stopped(view), name=name)


urlpatterns = [
    path("", start.index, name="index"),
    page("<slug:contract>/", start.start, name="start"),
    page("<slug:contract>/which/", bring.which, name="which"),
    page("<slug:contract>/bring/", bring.bring, name="bring"),
    page("<slug:contract>/find/", manage.find, name="find"),
    path("<slug:contract>/privacy/", about.privacy, name="privacy"),
    path("<slug:contract>/accessibility/", about.accessibility, name="accessibility"),
    page("<slug:contract>/survey/", survey.poster, name="survey"),
    page("<slug:contract>/survey/thanks/", survey.thanks, name="survey_thanks"),
    page("<slug:contract>/survey/once/<int:until>/<slug:nonce>/<slug:token>/", survey.once, name="survey_once"),
    page("<slug:contract>/survey/kiosk/<slug:site>/<slug:token>/", survey.kiosk, name="survey_kiosk"),
    page("<slug:contract>/survey/kiosk/<slug:site>/<slug:token>/thanks/", survey.kiosk_thanks, name="survey_kiosk_thanks"),
    path("<slug:contract>/calendar.json", calendar.snapshot, name="snapshot"),
    page("<slug:contract>/book/", book.who, name="who"),
    page("<slug:contract>/book/site/", book.site, name="site"),
    page("<slug:contract>/book/when/", book.when, name="when"),
    page("<slug:contract>/book/day/", book.day, name="day"),
    page("<slug:contract>/book/hold/", book.hold, name="hold"),
    page("<slug:contract>/book/<slug:flow>/details/", book.details, name="details"),
    page("<slug:contract>/book/<slug:flow>/check/", book.check, name="check"),
    page("<slug:contract>/book/<slug:flow>/release/", book.release, name="release"),
    page("<slug:contract>/book/<slug:flow>/done/", book.done, name="done"),
    page(LINK, manage.manage, name="manage"),
    page(f"{LINK}calendar.ics", manage.calendar_entry, name="ics"),
    page(f"{LINK}accept/", change.accept, name="change_accept"),
    page(f"{LINK}earlier/", earlier.earlier, name="earlier"),
    page(f"{LINK}earlier/stop/", earlier.stop, name="earlier_stop"),
    page(f"{LINK}earlier/answer/", earlier.answer, name="earlier_answer"),
    page(f"{LINK}line/", line.ask, name="line"),
    page(f"{LINK}line/stop/", line.stop, name="line_stop"),
    page(f"{LINK}when/", change.when, name="change_when"),
    page(f"{LINK}day/", change.day, name="change_day"),
    page(f"{LINK}add/", change.add, name="change_add"),
    page(f"{LINK}person/<int:person>/", change.person, name="change_person"),
    page(f"{LINK}remove/<int:person>/", change.remove, name="change_remove"),
    page(f"{LINK}contact/", change.contact, name="change_contact"),
    page(f"{LINK}cancel/", change.cancel, name="change_cancel"),
]
