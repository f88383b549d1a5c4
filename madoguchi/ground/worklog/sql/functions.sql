-- Every statement that changes facts marks the days it touched. Marks are only added here: nobody waits for anybody.
create or replace function worklog_touch() returns trigger language plpgsql as $$
begin
  if tg_op <> 'DELETE' then
    insert into worklog_touchedday(contract_id, day)
      select distinct contract_id, (at at time zone 'Asia/Tokyo')::date from came;
  end if;
  if tg_op <> 'INSERT' then
    insert into worklog_touchedday(contract_id, day)
      select distinct contract_id, (at at time zone 'Asia/Tokyo')::date from gone;
  end if;
  return null;
end $$;

create or replace trigger touch_on_insert after insert on worklog_fact
  referencing new table as came for each statement execute function worklog_touch();
create or replace trigger touch_on_update after update on worklog_fact
  referencing old table as gone new table as came for each statement execute function worklog_touch();
create or replace trigger touch_on_delete after delete on worklog_fact
  referencing old table as gone for each statement execute function worklog_touch();
