"""Addresses of reports and of requests for a correction, under ``/staff/<contract>/documents/``."""

from django.urls import path

from . import document_forms, documents, requests

app_name = "documents"
urlpatterns = [
    path("", documents.documents, name="documents"),
    path("make/", documents.make, name="make"),
    path("<int:report>/", documents.report, name="report"),
    path("<int:report>/figure/", documents.figure, name="figure"),
    path("<int:report>/texts/<slug:passage>/", documents.write, name="write"),
    path("<int:report>/sign/", documents.sign, name="sign"),
    path("<int:report>/submit/", documents.submit, name="submit"),
    path("<int:report>/accept/", documents.accept, name="accept"),
    path("<int:report>/return/", documents.send_back, name="return"),
    path("<int:report>/again/", documents.again, name="again"),
    path("<int:report>/report.xlsx", documents.as_workbook, name="xlsx"),
    path("<int:report>/report.pdf", documents.as_pdf, name="pdf"),
    path("<int:report>/inspection.pdf", documents.inspection, name="inspection_pdf"),
    path("<int:report>/report.csv", documents.as_csv, name="csv"),
    path("forms/<slug:code>/", document_forms.forms_of, name="forms"),
    path("forms/<slug:code>/standard.xlsx", document_forms.standard_file, name="standard"),
    path("forms/<slug:code>/<int:form>.xlsx", document_forms.form_file, name="form_file"),
    path("forms/<slug:code>/<int:form>/withdraw/", document_forms.withdraw, name="form_withdraw"),
    path("requests/", requests.requests, name="requests"),
    path("requests/<int:asked>/", requests.answer, name="answer"),
]
