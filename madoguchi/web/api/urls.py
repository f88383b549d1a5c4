"""Addresses of the programming interface; ``config.wsgi`` serves them before Django, tests and other servers through here."""

from django.urls import re_path

from . import views

app_name = "api"
urlpatterns = [re_path(r"^.*$", views.entry, name="entry")]
