-- All takers of capacity come through booking_take: residents, staff, moves, head-count changes, releases, over-booking.
--
-- p_item / p_slot / p_share / p_delta are parallel: request number (1…n, ascending), slot, contingent of the taker (1 web, 2 phone,
-- 3 counter, 4 online, 0 none), net change of places (never 0). A place kept for another contingent is not free until its release.
-- p_over[i] says whether request i may exceed the plan and the contingents; a closed slot takes nobody. Requests are granted in order,
-- each all or nothing. Slots are locked in id order and stay locked until the end of the transaction. Returns one boolean per request.
drop function if exists booking_take(smallint, int[], bigint[], int[], boolean[]);
create or replace function booking_take(
  p_contract smallint, p_now timestamptz, p_item int[], p_slot bigint[], p_share int[], p_delta int[], p_over boolean[]
) returns boolean[] language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_ids bigint[]; v_free int[]; v_shut boolean[]; v_pos int[]; v_change int[];
  v_parted boolean; v_kept int[]; v_used int[];  -- four of each per slot
  v_ok boolean[] := array_fill(true, array[cardinality(p_over)]);
  v_total int := coalesce(cardinality(p_item), 0);
  i int := 1; j int; it int; ok boolean; o int; v_away int;
begin
  if v_total = 0 then return v_ok; end if;
  select array_agg(s.id order by s.id), array_agg(s.planned - s.taken order by s.id), array_agg(s.closed order by s.id), bool_or(s.parted)
    into v_ids, v_free, v_shut, v_parted
    from (select id, planned, taken, closed, kept is not null as parted from booking_slot
          where contract_id = p_contract and id = any(p_slot) order by id for no key update) s;
  if v_parted then
    select array_agg(case when p_now < s.opens[c] then s.kept[c] else 0 end order by s.id, c),
           array_agg(coalesce(s.used[c], 0)::int order by s.id, c)
      into v_kept, v_used
      from booking_slot s, generate_series(1, 4) c where s.contract_id = p_contract and s.id = any(v_ids);
  end if;
  v_change := array_fill(0, array[coalesce(cardinality(v_ids), 0)]);
  select array_agg(x.n order by u.o) into v_pos
    from unnest(p_slot) with ordinality u(s, o) left join unnest(v_ids) with ordinality x(id, n) on x.id = u.s;
  while i <= v_total loop
    it := p_item[i]; ok := true; j := i;
    while j <= v_total and p_item[j] = it loop
      if v_pos[j] is null then
        ok := false;
      elsif p_delta[j] > 0 then
        v_away := 0;
        if v_parted then
          o := 4 * (v_pos[j] - 1);
          for c in 1 .. 4 loop
            if c <> p_share[j] then v_away := v_away + greatest(0, v_kept[o + c] - v_used[o + c]); end if;
          end loop;
        end if;
        if v_shut[v_pos[j]] or (not p_over[it] and v_free[v_pos[j]] - v_away < p_delta[j]) then ok := false; end if;
      end if;
      j := j + 1;
    end loop;
    v_ok[it] := ok;
    if ok then
      for k in i .. j - 1 loop
        v_free[v_pos[k]] := v_free[v_pos[k]] - p_delta[k];
        v_change[v_pos[k]] := v_change[v_pos[k]] + p_delta[k];
        if v_parted and p_share[k] > 0 then
          o := 4 * (v_pos[k] - 1) + p_share[k];
          v_used[o] := v_used[o] + p_delta[k];
        end if;
      end loop;
    end if;
    i := j;
  end loop;
  if v_parted then
    update booking_slot s
      set taken = s.planned - v_free[x.n], capacity = greatest(s.planned, s.planned - v_free[x.n]),
          used = case when s.kept is null then null else v_used[4 * x.n - 3 : 4 * x.n]::smallint[] end
      from unnest(v_ids) with ordinality x(id, n)
      where s.contract_id = p_contract and s.id = x.id;
  else
    update booking_slot s
      set taken = s.planned - x.free, capacity = greatest(s.planned, s.planned - x.free)
      from unnest(v_ids, v_free, v_change) x(id, free, change)
      where s.contract_id = p_contract and s.id = x.id and x.change <> 0;
  end if;
  return v_ok;
end $$;

-- Give locked slots their contingents: four numbers and four moments of release per slot, in the order of booking_take; four zeros
-- take them away. What is used is counted anew from the rows.
create or replace function booking_part(p_contract smallint, p_slot bigint[], p_kept int[], p_opens timestamptz[])
returns void language plpgsql as $$
begin
  perform 1 from booking_slot where contract_id = p_contract and id = any(p_slot) order by id for no key update;
  update booking_slot s
    set kept = case when x.none then null else p_kept[4 * x.n - 3 : 4 * x.n]::smallint[] end,
        opens = case when x.none then null else p_opens[4 * x.n - 3 : 4 * x.n] end,
        used = case when x.none then null else array(
          select ((select count(*) from booking_claim c where c.contract_id = p_contract and c.slot_id = s.id and c.share = k)
                + (select coalesce(sum(r.places), 0) from booking_rest r where r.contract_id = p_contract and r.slot_id = s.id and r.share = k)
                 )::smallint
          from generate_series(1, 4) k order by k) end
    from (select id, n, p_kept[4 * n - 3] + p_kept[4 * n - 2] + p_kept[4 * n - 1] + p_kept[4 * n] = 0 as none
          from unnest(p_slot) with ordinality u(id, n)) x
    where s.contract_id = p_contract and s.id = x.id;
end $$;

-- Change the plan of slots (editor, closure, extra opening): same lock order. Returns the ids whose places are now exceeded or closed
-- while taken. A slot that does not exist yet is not this function's business.
create or replace function booking_replan(
  p_contract smallint, p_slot bigint[], p_planned int[], p_closed boolean[], p_ends timestamptz[]
) returns bigint[] language plpgsql as $$
declare v_broken bigint[];
begin
  perform 1 from booking_slot where contract_id = p_contract and id = any(p_slot) order by id for no key update;
  with changed as (
    update booking_slot s
      set planned = x.planned, closed = x.closed, ends_at = x.ends, capacity = greatest(x.planned, s.taken)
      from unnest(p_slot, p_planned, p_closed, p_ends) x(id, planned, closed, ends)
      where s.contract_id = p_contract and s.id = x.id
      returning s.id, s.taken, s.planned, s.closed
  )
  select coalesce(array_agg(id order by id), '{}') into v_broken
    from changed where taken > 0 and (closed or taken > planned);
  return v_broken;
end $$;

-- A group of reservations of one contract in one go: claim, then write booking, attendees, claims, history, audit, fact and mail
-- job for those granted. p_doc is a JSON array, one object per reservation, in order of arrival:
--   code, state, site, starts, ends, channel, kind, ref, label, lang, contact, phone, mail, has_mail, by_sms, key, print, hold, over, share, site_code,
--   people: [{procedure, code, starts, ends, person, index, slots: [id, …]}]      (binary values in hex)
-- Returns for each reservation, in order: outcome ('created' | 'full' | 'replayed'), code, id, fingerprint (hex) of the stored one.
create or replace function booking_reserve_many(p_contract smallint, p_now timestamptz, p_lane smallint, p_doc jsonb)
returns table(o_item int, o_outcome text, o_code text, o_id bigint, o_print text) language plpgsql as $$
declare
  v_item int[]; v_slot bigint[]; v_share int[]; v_delta int[]; v_over boolean[]; v_ok boolean[];
  v_key text[]; v_seen bigint[]; v_code text[]; v_print text[]; v_id bigint[];
begin
  -- To the end of the transaction, so that the checks of foreign keys at its end are planned with indexes too: a plan made while
  -- the tables were empty would scan them from then on.
  perform set_config('madoguchi.contract', p_contract::text, true), set_config('enable_seqscan', 'off', true),
          set_config('plan_cache_mode', 'force_generic_plan', true);
  select array_agg(d->>'key' order by o), array_agg((d->>'over')::boolean order by o)
    into v_key, v_over from jsonb_array_elements(p_doc) with ordinality r(d, o);
  -- The key goes in as a plain text: under row-level security an expression such as d->>'key' would be no index condition.
  select array_agg(b.id order by r.o), array_agg(coalesce(b.code, p_doc->(r.o - 1)::int->>'code') order by r.o),
         array_agg(coalesce(encode(b.fingerprint, 'hex'), p_doc->(r.o - 1)::int->>'print') order by r.o)
    into v_seen, v_code, v_print
    from unnest(v_key) with ordinality r(k, o)
    left join lateral (
      select known.id, known.code, known.fingerprint from booking_booking known
      where known.contract_id = p_contract and known.idempotency_key = r.k limit 1
    ) b on true;

  select array_agg(x.item order by x.item, x.slot), array_agg(x.slot order by x.item, x.slot),
         array_agg(x.share order by x.item, x.slot), array_agg(x.n order by x.item, x.slot)
    into v_item, v_slot, v_share, v_delta
    from (select r.o::int as item, s::bigint as slot, (r.d->>'share')::int as share, count(*)::int as n
          from jsonb_array_elements(p_doc) with ordinality r(d, o),
               jsonb_array_elements(r.d->'people') p, jsonb_array_elements_text(p->'slots') s
          where v_seen[r.o] is null group by 1, 2, 3) x;
  v_ok := booking_take(p_contract, p_now, v_item, v_slot, v_share, v_delta, v_over);

  with r as (
    select * from rows from (jsonb_to_recordset(p_doc) as (
      code text, state text, site bigint, starts timestamptz, ends timestamptz, n int, channel text, kind text, lang text,
      contact text, phone text, mail text, has_mail boolean, by_sms boolean, key text, print text, hold timestamptz, over boolean
    )) with ordinality as r(code, state, site, starts, ends, n, channel, kind, lang, contact, phone, mail, has_mail, by_sms, key, print,
                            hold, over, o)
    where v_ok[o] and v_seen[o] is null
  ), ins as (
    insert into booking_booking(contract_id, code, state, site_id, starts_at, ends_at, people, channel, actor_kind, language,
        contact, phone_index, mail_index, has_mail, by_sms, overbooked, idempotency_key, fingerprint, hold_expires_at, version,
        created_at, no_show)
      select p_contract, code, state, site, starts, ends, n, channel, kind, lang, decode(contact, 'hex'), decode(phone, 'hex'),
        decode(mail, 'hex'), has_mail, coalesce(by_sms, false), over, key, decode(print, 'hex'), hold, 1, p_now, false
      from r order by o
      returning id, code
  )
  select array_agg(ins.id order by r.o) into v_id
    from jsonb_array_elements(p_doc) with ordinality r(d, o) left join ins on ins.code = r.d->>'code' and v_seen[r.o] is null;

  with a as (
    select r.o::int as item, p.o::int as pos, p.d
    from jsonb_array_elements(p_doc) with ordinality r(d, o), jsonb_array_elements(r.d->'people') with ordinality p(d, o)
    where v_id[r.o] is not null
  ), ins as (
    insert into booking_attendee(contract_id, booking_id, position, procedure_id, starts_at, ends_at, person, person_index)
      select p_contract, v_id[item], pos, (d->>'procedure')::bigint, (d->>'starts')::timestamptz, (d->>'ends')::timestamptz,
             decode(d->>'person', 'hex'), decode(d->>'index', 'hex')
      from a order by item, pos
      returning id, booking_id, position
  )
  insert into booking_claim(contract_id, slot_id, attendee_id, share)
    select p_contract, s::bigint, ins.id, (p_doc->(a.item - 1)->>'share')::smallint
    from a join ins on ins.booking_id = v_id[a.item] and ins.position = a.pos, jsonb_array_elements_text(a.d->'slots') s;

  insert into booking_event(contract_id, booking_id, at, kind, actor_kind, channel, actor, actor_label, change)
    select p_contract, v_id[r.o], p_now, case when r.d->>'state' = 'held' then 'held' else 'created' end,
           r.d->>'kind', r.d->>'channel', r.d->>'ref', r.d->>'label', r.d->'change'
    from jsonb_array_elements(p_doc) with ordinality r(d, o) where v_id[r.o] is not null;

  insert into worklog_fact(contract_id, at, site, channel, procedure, actor_kind, kind, quantity, language, outcome, ref)
    select p_contract, p_now, r.d->>'site_code', r.d->>'channel', p->>'code', r.d->>'kind', 'booking.created', count(*),
           r.d->>'lang', '', 'booking:' || v_id[r.o]
    from jsonb_array_elements(p_doc) with ordinality r(d, o), jsonb_array_elements(r.d->'people') p
    where v_id[r.o] is not null and r.d->>'state' = 'booked'
    group by r.o, r.d, p->>'code' order by r.o;

  insert into notices_message(contract_id, ref, kind, medium, language, state, due_at, attempts, created_at)
    select p_contract, 'booking:' || v_id[r.o], 'created', case when (r.d->>'has_mail')::boolean then 'mail' else 'sms' end,
           r.d->>'lang', 'queued', p_now, 0, p_now
    from jsonb_array_elements(p_doc) with ordinality r(d, o)
    where v_id[r.o] is not null and r.d->>'state' = 'booked' and ((r.d->>'has_mail')::boolean or coalesce((r.d->>'by_sms')::boolean, false));

  perform audit_append(p_contract, p_lane, p_now, array_agg(r.d->>'kind' order by r.o), array_agg(r.d->>'channel' order by r.o),
                       array_agg(r.d->>'ref' order by r.o),
                       array_agg(case when r.d->>'state' = 'held' then 'booking.held' else 'booking.created' end order by r.o),
                       array_agg('booking:' || v_id[r.o] order by r.o), array_agg(r.d->'change' order by r.o))
    from jsonb_array_elements(p_doc) with ordinality r(d, o) where v_id[r.o] is not null having count(*) > 0;

  return query
    select r.o::int,
           case when v_seen[r.o] is not null then 'replayed' when v_id[r.o] is not null then 'created' else 'full' end,
           v_code[r.o], coalesce(v_seen[r.o], v_id[r.o]), v_print[r.o]
    from generate_series(1, jsonb_array_length(p_doc)) r(o) order by r.o;
end $$;

-- The slots of a site between two moments, in one statement of its own (enters the contract's wall itself).
drop function if exists booking_grid(smallint, bigint, timestamptz, timestamptz);
create or replace function booking_grid(p_contract smallint, p_site bigint, p_from timestamptz, p_to timestamptz)
returns table(pool bigint, slot bigint, starts bigint, ends bigint, planned int, taken int, closed boolean,
              kept smallint[], used smallint[], opens timestamptz[]) language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
  perform set_config('madoguchi.contract', p_contract::text, true);
  return query
    select s.pool_id, s.id, extract(epoch from s.starts_at)::bigint, extract(epoch from s.ends_at)::bigint,
           s.planned::int, s.taken::int, s.closed, s.kept, s.used, s.opens
    from booking_pool p join booking_slot s on s.contract_id = p_contract and s.pool_id = p.id
    where p.contract_id = p_contract and p.site_id = p_site and s.starts_at >= p_from and s.starts_at < p_to
    order by s.pool_id, s.starts_at;
end $$;
