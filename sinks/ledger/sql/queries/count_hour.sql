-- What was counted before is replaced, so that an operator can set the roll-up back and have hours counted again.
insert into fraudstream.merchant_hour (merchant_id, hour, count)
select d.merchant_id, %(hour)s, count(*)
from fraudstream.decision as d
where d.event_time >= %(begin)s and d.event_time < %(end)s and d.merchant_id <> ''
group by d.merchant_id
on conflict (merchant_id, hour) do update set count = excluded.count;
