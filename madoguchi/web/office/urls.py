"""Addresses of office."""

from django.urls import path

from . import home, notices

app_name = "office"
urlpatterns: list = [
    path("", home.home, name="home"),
    path("mail/texts/", notices.templates, name="templates"),
    path("mail/texts/<slug:kind>/<slug:language>/", notices.template, name="template"),
    path("mail/log/", notices.log, name="messages"),
    path("mail/log/<int:pk>/resend/", notices.resend, name="message_resend"),
]
