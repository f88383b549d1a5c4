"""Addresses of cases, under ``/staff/<contract>/cases/``: work on cases, the city's examination, flows, figures."""

from django.urls import path

from . import case_figures, cases, flows

app_name = "cases"
urlpatterns = [
    path("", cases.cases, name="cases"),
    path("new/", cases.new, name="new"),
    path("<int:case>/", cases.case, name="case"),
    path("<int:case>/do/", cases.do, name="do"),
    path("city/", cases.city, name="city"),
    path("flows/", flows.flows, name="flows"),
    path("flows/<slug:flow>/", flows.flow, name="flow"),
    path("flows/<slug:flow>/edit/", flows.edit, name="flow_edit"),
    path("flows/<slug:flow>/<int:version>/decide/", flows.decide, name="flow_decide"),
    path("figures/", case_figures.figures, name="figures"),
    path("figures.csv", case_figures.figures_csv, name="figures_csv"),
    path("visitors/", case_figures.visitors, name="visitors"),
    path("visitors.csv", case_figures.visitors_csv, name="visitors_csv"),
]
