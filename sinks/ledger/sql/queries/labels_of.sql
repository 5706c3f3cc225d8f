select {label_columns}
from fraudstream.label as l
where l.transaction_id = any(%(transaction_ids)s::text[])
order by l.known_at, l.source, l.event_time;
