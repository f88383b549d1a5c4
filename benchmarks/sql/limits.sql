-- The smallest claim that never oversells: a counter with a check, and a row. Measured by pgbench as the limit of the machine.
drop table if exists booking, slot;
create table slot(
  id int primary key, capacity int not null, booked int not null default 0, check (booked <= capacity)
) with (fillfactor = 50);
insert into slot select g, 100000000, 0 from generate_series(1, 1000) g;
create table booking(
  id bigint generated always as identity primary key, slot_id int not null references slot(id), code text not null,
  name text not null, created timestamptz not null default now()
);
create index on booking(slot_id);
