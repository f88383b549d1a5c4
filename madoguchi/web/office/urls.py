"""Addresses of office."""

from django.urls import path

from . import affected, audit, bookings, bring, calendar, contract, day, home, notices, slots, staff, stops, texts

app_name = "office"
urlpatterns: list = [
    path("", home.home, name="home"),
    path("people/", staff.staff, name="staff"),
    path("people/<int:user>/", staff.member, name="member"),
    path("people/<int:user>/deed/", staff.member_deed, name="member_deed"),
    path("people/invitations/<int:invitation>/withdraw/", staff.withdraw, name="invitation_withdraw"),
    path("keys/", staff.key_list, name="keys"),
    path("keys/<int:key>/revoke/", staff.key_revoke, name="key_revoke"),
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit.export, name="audit_export"),
    path("mail/texts/", notices.templates, name="templates"),
    path("mail/texts/<slug:kind>/<slug:language>/", notices.template, name="template"),
    path("mail/log/", notices.log, name="messages"),
    path("mail/log/<int:pk>/resend/", notices.resend, name="message_resend"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/<int:override>/withdraw/", calendar.withdraw, name="calendar_withdraw"),
    path("day/", day.day, name="day"),
    path("day/<str:code>/mark/", day.mark, name="day_mark"),
    path("bookings/", bookings.bookings, name="bookings"),
    path("bookings/export/", bookings.export, name="bookings_export"),
    path("slots/", slots.slots, name="slots"),
    path("slots/<slug:pool>/patterns/", slots.patterns, name="slots_patterns"),
    path("slots/<slug:pool>/<str:date>/", slots.day, name="slots_day"),
    path("affected/", affected.affected, name="affected"),
    path("affected/<int:affected>/settle/", affected.settle, name="affected_settle"),
    path("stops/", stops.stops, name="stops"),
    path("stops/<int:stop>/withdraw/", stops.withdraw, name="stop_withdraw"),
    path("bring/", bring.bring, name="bring"),
    path("bring/confirm/", bring.confirm, name="bring_confirm"),
    path("bring/add/", bring.add, name="bring_add"),
    path("bring/<slug:code>/", bring.rule, name="bring_rule"),
    path("bring/<slug:code>/end/", bring.end, name="bring_end"),
    path("texts/", texts.texts, name="texts"),
    path("texts/<slug:procedure>/<slug:language>/", texts.text, name="text"),
    path("contract/", contract.contract, name="contract"),
]
