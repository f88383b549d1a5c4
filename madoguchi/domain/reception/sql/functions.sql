-- Sit down to a deed at a window, in one statement: the window is locked and is the user's, and the key of the deed is taken. The caller has entered
-- the contract's wall. What o_verdict says:
--   'new'      the key is taken; o_deed is its row
--   'again'    the deed was done before under this key; o_ticket is the ticket it was about, if any
--   'closed' | 'not_mine' | 'key'   refused: no such window, somebody else's or nobody's, the key was used for another deed
create or replace function reception_seat(
  p_contract smallint, p_site text, p_number bigint, p_user bigint, p_key text, p_verb text, p_now timestamptz,
  out o_verdict text, out o_window reception_window, out o_deed bigint, out o_ticket reception_ticket
) language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare v_before reception_deed;
begin
  select w.* into o_window from reception_window w
    where w.contract_id = p_contract and w.number = p_number
      and w.site_id = (select s.id from contracts_site s where s.contract_id = p_contract and s.code = p_site)
    for update;
  if not found then o_verdict := 'closed'; return; end if;
  if o_window.staff_id is distinct from p_user then o_verdict := 'not_mine'; return; end if;

  insert into reception_deed(contract_id, key, verb, at) values (p_contract, p_key, p_verb, p_now)
    on conflict (contract_id, key) do nothing returning id into o_deed;
  if o_deed is not null then o_verdict := 'new'; return; end if;
  select d.* into v_before from reception_deed d where d.contract_id = p_contract and d.key = p_key;
  if v_before.verb <> p_verb then o_verdict := 'key'; return; end if;
  o_verdict := 'again';
  select t.* into o_ticket from reception_ticket t where t.contract_id = p_contract and t.id = v_before.ticket_id;
end $$;

-- The party at a window for a deed (p_verb) that needs it to be called ('walk') or served ('serve'): its ticket is locked and noted under the key.
-- o_verdict is 'party', 'nobody' (no party in this state), or what reception_seat refused or found done.
create or replace function reception_party(
  p_contract smallint, p_site text, p_number bigint, p_user bigint, p_key text, p_verb text, p_kind text, p_now timestamptz,
  out o_verdict text, out o_window reception_window, out o_ticket reception_ticket
) language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare v_seat record; v_ticket bigint;
begin
  select * into v_seat from reception_seat(p_contract, p_site, p_number, p_user, p_key, p_verb, p_now);
  o_verdict := v_seat.o_verdict; o_window := v_seat.o_window; o_ticket := v_seat.o_ticket;
  if o_verdict <> 'new' then return; end if;
  select p.ticket_id into v_ticket from reception_period p
    where p.contract_id = p_contract and p.window_id = o_window.id and p.ended_at is null and p.kind in ('walk', 'serve') and p.kind = p_kind;
  if not found then o_verdict := 'nobody'; return; end if;
  select t.* into o_ticket from reception_ticket t where t.id = v_ticket for update;
  update reception_deed set ticket_id = v_ticket where id = v_seat.o_deed;
  o_verdict := 'party';
end $$;

-- Call whose turn it is to a window: the hottest deed of the counter in one statement.
-- Locks the window, then the ticket; a ticket that another window is taking is passed over. What o_verdict says, beside what reception_seat does:
--   'called'   o_ticket is called; o_near: somebody waits who wishes to be told when near
--   'nobody'   nobody waits
--   'busy'     refused: a party is at the window
create or replace function reception_call(
  p_contract smallint, p_site text, p_number bigint, p_user bigint, p_key text, p_now timestamptz, p_day date,
  out o_verdict text, out o_near boolean, out o_ticket reception_ticket
) language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  v_seat record; v_window reception_window; v_id bigint;
begin
  o_near := false;
  select * into v_seat from reception_seat(p_contract, p_site, p_number, p_user, p_key, 'call', p_now);
  o_verdict := v_seat.o_verdict; o_ticket := v_seat.o_ticket; v_window := v_seat.o_window;
  if o_verdict <> 'new' then return; end if;

  perform 1 from reception_period p
    where p.contract_id = p_contract and p.window_id = v_window.id and p.ended_at is null and p.kind in ('walk', 'serve');
  if found then o_verdict := 'busy'; return; end if;

  -- The first few of each group, each by the index of the queue; then the earliest that nobody else is taking.
  for v_id in
    select c.id from unnest(v_window.groups) g(code) cross join lateral (
      select t.id, t.rank_at from reception_ticket t
        where t.contract_id = p_contract and t.site_id = v_window.site_id and t.day = p_day and t."group" = g.code and t.state = 'wait'
        order by t.rank_at, t.id limit 20
    ) c order by c.rank_at, c.id
  loop
    select t.* into o_ticket from reception_ticket t where t.id = v_id and t.state = 'wait' for update skip locked;
    exit when o_ticket.id is not null;
  end loop;
  if o_ticket.id is null then
    select t.* into o_ticket from reception_ticket t
      where t.contract_id = p_contract and t.site_id = v_window.site_id and t.day = p_day and t.state = 'wait' and t."group" = any (v_window.groups)
      order by t.rank_at, t.id limit 1 for update skip locked;
  end if;
  if o_ticket.id is null then o_verdict := 'nobody'; return; end if;

  update reception_deed set ticket_id = o_ticket.id where id = v_seat.o_deed;
  update reception_period set ended_at = p_now where contract_id = p_contract and ticket_id = o_ticket.id and ended_at is null;
  insert into reception_period(contract_id, ticket_id, kind, "group", window_id, staff_id, started_at, procedure)
    values (p_contract, o_ticket.id, 'walk', o_ticket."group", v_window.id, p_user, p_now, '');
  update reception_ticket set state = 'walk' where id = o_ticket.id returning * into o_ticket;
  insert into reception_summons(contract_id, site_id, ticket_id, window_id, at, again)
    values (p_contract, v_window.site_id, o_ticket.id, v_window.id, p_now, false);
  perform 1 from reception_ticket t
    where t.contract_id = p_contract and t.day = p_day and t.address is not null
      and t.told_at is null and t.state = 'wait' and t.site_id = v_window.site_id and t."group" = any (v_window.groups) limit 1;
  o_near := found;
  o_verdict := 'called';
end $$;

-- The calls of several windows at once, for the writer that gathers them (services/calls.py): enters the contract's wall itself, does those that
-- are as a call mostly is and answers them; of the others it writes nothing, they are for reception_call and the rules around it: no window of
-- theirs, a window that is held, a party at the window, a key used before, nobody waits, somebody who wishes to be told is or becomes one of the next p_near, a standing
-- that is no longer the same.
-- Locks windows and then tickets that nobody else holds, then the lane of the audit. o_call counts from 1. Two calls from one window must not
-- come together.
create or replace function reception_call_many(
  p_contract smallint, p_lane smallint, p_now timestamptz, p_day date, p_near int, p_calls jsonb
) returns table(o_call int, o_shown text) language plpgsql as $$
declare
  v_session text[]; v_standing text[]; v_site text[]; v_number int[]; v_user bigint[]; v_key text[]; v_kind text[];
  v_window bigint[]; v_held bigint[]; v_free int[]; v_at bigint[]; v_serves text[];
  v_seats record; v_id bigint; v_next bigint[]; v_named record;
  v_done int[] := '{}'; v_ticket bigint[] := '{}'; v_place bigint[] := '{}'; v_group text[] := '{}'; v_shown text[] := '{}';
begin
  -- A few rows by their indexes, also while the tables have no statistics yet; to the end of the transaction, for the checks of foreign keys.
  perform set_config('madoguchi.contract', p_contract::text, true), set_config('plan_cache_mode', 'force_generic_plan', true),
          set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true),
          set_config('enable_mergejoin', 'off', true);
  select array_agg(c.session), array_agg(c.standing), array_agg(c.site), array_agg(c.number), array_agg(c."user"), array_agg(c.key), array_agg(c.kind)
    into v_session, v_standing, v_site, v_number, v_user, v_key, v_kind
    from jsonb_to_recordset(p_calls) c(session text, standing text, site text, number int, "user" bigint, key text, kind text);
  v_window := array(
    select (select w.id from reception_window w
            where w.contract_id = p_contract and w.number = r.number
              and w.site_id = (select s.id from contracts_site s where s.contract_id = p_contract and s.code = r.site))
    from unnest(v_site, v_number) with ordinality r(site, number, o) order by r.o);
  -- A window that somebody holds (the close of the day, a tablet that tells what it did) is not waited for: all others of the process would wait too.
  v_held := array(select w.id from reception_window w where w.id = any (v_window) order by w.id for update skip locked);
  -- Asked one by one, not as joins: which of these windows are the caller's and free, with a new key and a standing that holds.
  select array_agg(c.call), array_agg(c.site_id), array_agg(c.groups) into v_free, v_at, v_serves
    from (
      select r.o::int as call, w.site_id, w.groups::text as groups
      from unnest(v_window) with ordinality r(id, o), lateral (
        select one.* from reception_window one where one.contract_id = p_contract and one.id = r.id offset 0
      ) w
      where r.id = any (v_held) and w.staff_id = v_user[r.o]
        and (select count(*) from reception_period p
             where p.contract_id = p_contract and p.window_id = r.id and p.ended_at is null and p.kind in ('walk', 'serve')) = 0
        and (select count(*) from reception_deed d where d.contract_id = p_contract and d.key = v_key[r.o]) = 0
        and accounts_standing(v_session[r.o], v_user[r.o], p_contract) = v_standing[r.o]
      order by r.o
    ) c;

  for v_seats in
    select r.at, r.groups::varchar[] as groups, array_agg(r.call order by r.call) as calls from unnest(v_free, v_at, v_serves) r(call, at, groups)
    group by r.at, r.groups order by min(r.call)
  loop
    continue when exists (
      select 1 from unnest(v_seats.groups) g(code) cross join lateral (
        select t.address, t.told_at from reception_ticket t
          where t.contract_id = p_contract and t.site_id = v_seats.at and t.day = p_day and t."group" = g.code and t.state = 'wait'
          order by t.rank_at, t.id limit p_near + cardinality(v_seats.calls)
      ) c where c.address is not null and c.told_at is null);
    -- As in reception_call: the first few of each group by the index of the queue, and of these the earliest that nobody else is taking.
    v_next := '{}';
    for v_id in
      select c.id from unnest(v_seats.groups) g(code) cross join lateral (
        select t.id, t.rank_at from reception_ticket t
          where t.contract_id = p_contract and t.site_id = v_seats.at and t.day = p_day and t."group" = g.code and t.state = 'wait'
          order by t.rank_at, t.id limit 20 + cardinality(v_seats.calls)
      ) c order by c.rank_at, c.id
    loop
      perform 1 from reception_ticket t where t.id = v_id and t.state = 'wait' for update skip locked;
      if found then v_next := v_next || v_id; end if;
      exit when cardinality(v_next) = cardinality(v_seats.calls);
    end loop;
    continue when v_next = '{}';
    -- At once, so that windows with other groups do not find them again.
    with called as (
      update reception_ticket t set state = 'walk' from unnest(v_next) with ordinality r(id, o) where t.id = r.id
        returning r.o, t."group" as code, t.letter || lpad(t.number::text, greatest(3, length(t.number::text)), '0') as shown
    )
    select array_agg(c.code::text order by c.o) as groups, array_agg(c.shown order by c.o) as shown into v_named from called c;
    v_done := v_done || v_seats.calls[1:cardinality(v_next)];
    v_ticket := v_ticket || v_next;
    v_place := v_place || array_fill(v_seats.at, array[cardinality(v_next)]);
    v_group := v_group || v_named.groups;
    v_shown := v_shown || v_named.shown;
  end loop;
  if cardinality(v_ticket) = 0 then return; end if;

  insert into reception_deed(contract_id, key, verb, at, ticket_id)
    select p_contract, v_key[r.call], 'call', p_now, r.ticket from unnest(v_done, v_ticket) r(call, ticket);
  update reception_period set ended_at = p_now where contract_id = p_contract and ticket_id = any (v_ticket) and ended_at is null;
  insert into reception_period(contract_id, ticket_id, kind, "group", window_id, staff_id, started_at, procedure)
    select p_contract, r.ticket, 'walk', r.code, v_window[r.call], v_user[r.call], p_now, ''
    from unnest(v_done, v_ticket, v_group) r(call, ticket, code);
  insert into reception_summons(contract_id, site_id, ticket_id, window_id, at, again)
    select p_contract, r.place, r.ticket, v_window[r.call], p_now, false from unnest(v_done, v_ticket, v_place) r(call, ticket, place);
  perform audit_append(p_contract, p_lane, p_now, array_agg(v_kind[r.call] order by r.o), array_agg('counter'::text),
      array_agg('user:' || v_user[r.call] order by r.o), array_agg('ticket.called'::text), array_agg('ticket:' || r.ticket order by r.o),
      array_agg(jsonb_build_object('window', v_number[r.call], 'number', r.shown) order by r.o))
    from unnest(v_done, v_ticket, v_shown) with ordinality r(call, ticket, shown, o);
  return query select r.call, r.shown from unnest(v_done, v_shown) r(call, shown);
end $$;
