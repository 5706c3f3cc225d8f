-- A step of retention. By place, because that takes the index of the age and nothing else; what another process deletes is left to it.
delete from fraudstream.reservation
where ctid = any(array(
    select ctid
    from fraudstream.reservation
    where reserved_at < %(before)s
    order by reserved_at
    limit %(limit)s
    for update skip locked
));
