select count(*) from fraudstream.alert_outbox where state = 'pending';
