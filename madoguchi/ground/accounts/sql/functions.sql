-- What a signed-in person's rights under a contract rest on: the versions of the rows of session, user, assignment, contract and second factor.
-- Null when one of them is gone, has run out or was switched off. The same text later means that none of them was written since: every
-- update and every new row has an xmin of its own. The statement that asks sees them as it sees what it writes.
create or replace function accounts_standing(p_session text, p_user bigint, p_contract smallint) returns text
language plpgsql stable as $$
begin
  return (
    select concat_ws('.', s.xmin, u.xmin, a.xmin, c.xmin, f.xmin)
    from django_session s
      join accounts_user u on u.id = p_user and u.is_active
      join accounts_assignment a on a.user_id = p_user and a.contract_id = p_contract
      join contracts_contract c on c.id = p_contract and c.active and c.closed_at is null
      left join lateral (select m.xmin from mfa_authenticator m where m.user_id = p_user order by m.id limit 1) f on true
    where s.session_key = p_session and s.expire_date > now());
end $$;
