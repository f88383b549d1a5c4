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
