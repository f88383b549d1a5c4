-- Grow the history of a contract to :upto bookings, from number :after + 1 on: visits of past days, about twenty a slot, each with
-- attendee, claim, history, audit entry, fact and sent mail of the sizes that the program writes.
insert into booking_slot(contract_id, pool_id, starts_at, ends_at, planned, capacity, taken, closed)
  select %(contract)s, %(pool)s, t, t + interval '30 min', 30, 30, 0, false
  from (select date_trunc('day', %(now)s::timestamptz) - make_interval(mins => g * 30) as t
        from generate_series(%(after)s / 20 + 1, %(upto)s / 20 + 1) g) s
  on conflict do nothing;

create temp table grown on commit drop as
  select g as n, s.id as slot, s.starts_at, 'G' || lpad(upper(to_hex(g)), 9, '0') as code, nextval(%(ids)s) as id
  from generate_series(%(after)s + 1, %(upto)s) g
  join booking_slot s on s.contract_id = %(contract)s and s.pool_id = %(pool)s
   and s.starts_at = date_trunc('day', %(now)s::timestamptz) - make_interval(mins => (g / 20 + 1) * 30);

insert into booking_booking(id, contract_id, code, state, site_id, starts_at, ends_at, people, channel, actor_kind, language, contact,
    phone_index, mail_index, has_mail, overbooked, idempotency_key, fingerprint, version, created_at, no_show)
  select id, %(contract)s, code, 'booked', %(site)s, starts_at, starts_at + interval '30 min', 1, 'web', 'api', 'ja', %(contact)s,
    decode(md5('p' || n), 'hex'), decode(md5('m' || n), 'hex'), true, false, 'k1.' || md5('k' || n), decode(md5('f' || n), 'hex'), 1,
    starts_at - interval '9 days', false
  from grown;
insert into booking_attendee(contract_id, booking_id, position, procedure_id, starts_at, ends_at, person, person_index)
  select %(contract)s, id, 1, %(procedure)s, starts_at, starts_at + interval '30 min', %(person)s, decode(md5('a' || n), 'hex') from grown;
insert into booking_claim(contract_id, slot_id, attendee_id)
  select %(contract)s, g.slot, a.id from grown g join booking_attendee a on a.contract_id = %(contract)s and a.booking_id = g.id;
update booking_slot s set taken = x.n from (select slot, count(*) n from grown group by 1) x where s.id = x.slot;
insert into booking_event(contract_id, booking_id, at, kind, actor_kind, channel, actor, actor_label, change)
  select %(contract)s, id, starts_at - interval '9 days', 'created', 'api', 'web', 'key:1', 'benchmarks',
    jsonb_build_object('starts_at', jsonb_build_array(null, starts_at), 'procedures', jsonb_build_array(null, array['card_pickup']))
  from grown;
insert into audit_entry(contract_id, lane, seq, at, actor_kind, channel, actor, action, target, detail, hash)
  select %(contract)s, 99, n, starts_at - interval '9 days', 'api', 'web', 'key:1', 'booking.created', 'booking:' || id,
    jsonb_build_object('starts_at', jsonb_build_array(null, starts_at), 'procedures', jsonb_build_array(null, array['card_pickup'])),
    sha256(code::bytea)
  from grown;
insert into worklog_fact(contract_id, at, site, channel, procedure, actor_kind, kind, quantity, language, outcome, ref)
  select %(contract)s, starts_at - interval '9 days', 'main', 'web', 'card_pickup', 'api', 'booking.created', 1, 'ja', '', 'booking:' || id
  from grown;
insert into notices_message(contract_id, ref, kind, language, state, due_at, attempts, sent_at, created_at)
  select %(contract)s, 'booking:' || id, 'created', 'ja', 'sent', starts_at - interval '9 days', 1, starts_at - interval '9 days',
    starts_at - interval '9 days'
  from grown;
