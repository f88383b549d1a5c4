-- Contracts with a message to send: due, or left in doubt by a worker that died. One round trip for all contracts; each is
-- entered in turn, because row-level security shows a session one contract at a time. Ends outside of every contract.
create or replace function notices_waiting(p_now timestamptz, p_worker text) returns smallint[] language plpgsql as $$
declare v_id smallint; v_found smallint[] := '{}'; v_outer text := current_setting('madoguchi.contract', true);
begin
  for v_id in select id from contracts_contract where active order by id loop
    perform set_config('madoguchi.contract', v_id::text, true);
    if exists (select 1 from notices_message where contract_id = v_id and state = 'queued' and due_at <= p_now)
       or exists (select 1 from notices_message where contract_id = v_id and state = 'sending'
                  and (claimed_by = p_worker or lease_until < clock_timestamp())) then
      v_found := v_found || v_id;
    end if;
  end loop;
  perform set_config('madoguchi.contract', coalesce(v_outer, ''), true);
  return v_found;
end $$;
