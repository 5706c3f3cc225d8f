select
    (select count(*) from fraudstream.decision),
    (select count(*) from fraudstream.refused),
    (select count(*) from fraudstream.alert_outbox),
    (select count(*) from fraudstream.alert_outbox where state = 'sent');
