select greatest(0, coalesce(extract(epoch from now() - min(arrival_time)), 0))
from fraudstream.alert_outbox
where state = 'pending';
