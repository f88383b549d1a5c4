"""Addresses of billing, under ``/staff/<contract>/billing/``: invoices to the city and the ledger of money spent."""

from django.urls import path

from . import money, money_ledger

app_name = "billing"
urlpatterns = [
    path("", money.invoices, name="invoices"),
    path("prepare/<int:part>/", money.prepare_invoice, name="prepare"),
    path("<int:invoice>/", money.invoice, name="invoice"),
    path("<int:invoice>/invoice.pdf", money.invoice_pdf, name="invoice_pdf"),
    path("ledger/", money_ledger.ledger, name="ledger"),
    path("ledger/<int:line>/reverse/", money_ledger.reverse_line, name="reverse"),
    path("ledger/export/", money_ledger.export, name="export"),
]
