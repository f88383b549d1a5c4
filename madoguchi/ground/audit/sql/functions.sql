-- The content that a hash covers: every column in a fixed order, as text that PostgreSQL writes the same way each time.
create or replace function audit_content(
  p_contract smallint, p_lane smallint, p_seq bigint, p_at timestamptz,
  p_kind text, p_channel text, p_actor text, p_action text, p_target text, p_detail jsonb
) returns bytea language sql immutable as $$
  select convert_to(
    jsonb_build_array(p_contract, p_lane, p_seq, (extract(epoch from p_at) * 1000000)::bigint,
                      p_kind, p_channel, p_actor, p_action, p_target, p_detail)::text, 'UTF8')
$$;

-- Append entries to one lane of one contract, in the order given; the head is locked until the end of the transaction.
create or replace function audit_append(
  p_contract smallint, p_lane smallint, p_at timestamptz,
  p_kind text[], p_channel text[], p_actor text[], p_action text[], p_target text[], p_detail jsonb[]
) returns void language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_seq bigint;
  v_hash bytea;
  v_hashes bytea[] := '{}';
  n int := cardinality(p_action);
begin
  if n = 0 then return; end if;
  insert into audit_head(contract_id, lane, seq, hash) values (p_contract, p_lane, 0, '\x')
    on conflict (contract_id, lane) do nothing;
  select seq, hash into v_seq, v_hash from audit_head where contract_id = p_contract and lane = p_lane for update;
  for i in 1 .. n loop
    v_hash := sha256(v_hash || audit_content(p_contract, p_lane, v_seq + i, p_at,
                     p_kind[i], p_channel[i], p_actor[i], p_action[i], p_target[i], p_detail[i]));
    v_hashes[i] := v_hash;
  end loop;
  insert into audit_entry(contract_id, lane, seq, at, actor_kind, channel, actor, action, target, detail, hash)
    select p_contract, p_lane, v_seq + u.o, p_at, u.k, u.c, u.a, u.v, u.t, u.d, u.h
    from unnest(p_kind, p_channel, p_actor, p_action, p_target, p_detail, v_hashes)
      with ordinality u(k, c, a, v, t, d, h, o);
  update audit_head set seq = v_seq + n, hash = v_hash where contract_id = p_contract and lane = p_lane;
end $$;

create or replace function audit_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit entries are append-only (% on %)', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

create or replace trigger audit_append_only before update or delete on audit_entry
  for each row execute function audit_refuse_change();
