"""Addresses of office."""

from django.urls import path

from . import home

app_name = "office"
urlpatterns: list = [
    path("", home.home, name="home"),
]
