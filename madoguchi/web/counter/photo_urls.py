"""Addresses of photos for applications, under ``/staff/<contract>/photos/``."""

from django.urls import path

from . import photos

app_name = "photos"
urlpatterns = [
    path("", photos.day, name="day"),
    path("start/", photos.begin, name="start"),
    path("<int:photo>/", photos.camera, name="camera"),
    path("<int:photo>/picture/", photos.picture, name="picture"),
    path("<int:photo>/cleared/", photos.cleared, name="cleared"),
    path("<int:photo>/drop/", photos.give_up, name="drop"),
]
