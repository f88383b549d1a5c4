"""Addresses of papers that are handed in to the city, under ``/staff/<contract>/papers/``."""

from django.urls import path

from . import papers

app_name = "papers"
urlpatterns = [
    path("", papers.papers, name="papers"),
    path("make/", papers.make, name="make"),
    path("<int:paper>/", papers.paper, name="paper"),
    path("<int:paper>/texts/<slug:part>/", papers.write, name="write"),
    path("<int:paper>/submit/", papers.submit, name="submit"),
    path("<int:paper>/approve/", papers.approve, name="approve"),
    path("<int:paper>/return/", papers.send_back, name="return"),
    path("<int:paper>/again/", papers.again, name="again"),
    path("<int:paper>/paper.pdf", papers.as_pdf, name="pdf"),
]
