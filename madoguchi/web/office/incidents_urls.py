"""Addresses of incidents, under ``/staff/<contract>/incidents/``."""

from django.urls import path

from . import incident_deeds, incidents

app_name = "incidents"
urlpatterns = [
    path("", incidents.overview, name="overview"),
    path("new/", incidents.new, name="new"),
    path("complaint/", incident_deeds.complaint, name="complaint"),
    path("<int:incident>/", incidents.incident, name="incident"),
    path("<int:incident>/paper/", incidents.paper, name="paper"),
    path("<int:incident>/report.pdf", incidents.report_pdf, name="report_pdf"),
    path("<int:incident>/acknowledge/", incident_deeds.acknowledge, name="acknowledge"),
    path("<int:incident>/begin/", incident_deeds.begin, name="begin"),
    path("<int:incident>/line/", incident_deeds.line, name="line"),
    path("<int:incident>/sort/", incident_deeds.sort, name="sort"),
    path("<int:incident>/cause/", incident_deeds.cause, name="cause"),
    path("<int:incident>/prevent/", incident_deeds.prevent, name="prevent"),
    path("<int:incident>/prevention/<int:prevention>/done/", incident_deeds.prevention_done, name="prevention_done"),
    path("<int:incident>/prevention/<int:prevention>/effect/", incident_deeds.effect, name="effect"),
    path("<int:incident>/legal/<slug:code>/", incident_deeds.legal, name="legal"),
    path("<int:incident>/write/", incident_deeds.write, name="write"),
    path("<int:incident>/close/", incident_deeds.close, name="close"),
    path("<int:incident>/reopen/", incident_deeds.reopen, name="reopen"),
]
