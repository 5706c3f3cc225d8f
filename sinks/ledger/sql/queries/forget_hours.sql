with frauds as (
    delete from fraudstream.merchant_fraud where hour < %(hour)s
)
delete from fraudstream.merchant_hour where hour < %(hour)s;
