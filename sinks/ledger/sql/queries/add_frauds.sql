insert into fraudstream.merchant_fraud as m (merchant_id, hour, known_hour, frauds)
values (%(merchant_id)s, %(hour)s, %(known_hour)s, %(frauds)s)
on conflict (merchant_id, hour, known_hour) do update set frauds = m.frauds + excluded.frauds;
