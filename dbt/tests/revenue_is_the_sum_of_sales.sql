{{ config(meta={'dagster': {'ref': {'name': 'fct_ticket_sales'}}}) }}

with

sales as (

    select * from {{ ref('fct_ticket_sales') }}
    where {{ in_window('hour_start') }}

),

venues as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ in_window('hour_start') }}

),

sums as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(amount_cents) as amount_cents,
        count(*) as sales
    from sales
    group by run_id, venue_id, hour_start

),

compared as (

    select
        venues.*,
        coalesce(sums.amount_cents, 0) as amount_cents,
        coalesce(sums.sales, 0) as sales
    from venues
    left join sums
        on
            venues.run_id = sums.run_id
            and venues.venue_id = sums.venue_id
            and venues.hour_start = sums.hour_start

),

final as (

    {{ differences('compared', [
        ['revenue_cents', 'amount_cents', 'revenue_cents'],
        ['groups_served', 'sales', 'groups_served'],
    ]) }}

)

select * from final
