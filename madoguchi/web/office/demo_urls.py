"""Addresses that exist in the demo only."""

from importlib.util import find_spec

from django.urls import include, path

from . import demo

urlpatterns = [
    path("", demo.home, name="demo"),
    path("sign-in/", demo.sign_in, name="demo_sign_in"),
    path("clock/", demo.travel, name="demo_clock"),
]

if find_spec("madoguchi.web.office.mailbox_urls"):
    urlpatterns.append(path("mailbox/", include("madoguchi.web.office.mailbox_urls")))
