{{ config(meta={'dagster': {'ref': {'name': 'agg_line_hourly'}}}) }}
{%- set span = service_span() -%}

with

lines as (

    select * from {{ ref('agg_line_hourly') }}
    where {{ between_hours(span.rebuilt, 'hour_start') }}

),

venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ between_hours(span.rebuilt, 'hour_start') }}

),

sales as (

    select * from {{ ref('fct_ticket_sales') }}
    where {{ between_hours(span.read, 'hour_start') }}

),

admissions as (

    select * from {{ ref('fct_admissions') }}
    where {{ between_hours(span.read, 'hour_start') }}

),

services as (

    select
        run_id,
        venue_id,
        hour_start,
        sale_began_at as began_at,
        sale_us as service_us
    from sales
    union all
    select
        run_id,
        venue_id,
        hour_start,
        scan_began_at as began_at,
        scan_us as service_us
    from admissions

),

-- what was done of services before an hour in which they go on
carried_over as (

    select
        run_id,
        venue_id,
        busy_hour + interval 1 hour as hour_start,
        sum({{ microseconds_between('began_at', 'busy_hour + interval 1 hour') }}) as done_us
    from services
    cross join {{ earlier_hours() }}
    where began_at < hour_start
    group by run_id, venue_id, busy_hour

),

ended as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(service_us) as service_us
    from services
    group by run_id, venue_id, hour_start

),

busy as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(busy_us) as busy_us
    from lines
    group by run_id, venue_id, hour_start

),

compared as (

    select
        venue_hours.run_id,
        venue_hours.venue_id,
        venue_hours.hour_start,
        coalesce(busy.busy_us, 0) as busy_us,
        coalesce(ended.service_us, 0) as service_us,
        coalesce(carried_in.done_us, 0) as done_before_us,
        coalesce(carried_out.done_us, 0) as done_until_end_us
    from venue_hours
    left join busy
        on
            venue_hours.run_id = busy.run_id
            and venue_hours.venue_id = busy.venue_id
            and venue_hours.hour_start = busy.hour_start
    left join ended
        on
            venue_hours.run_id = ended.run_id
            and venue_hours.venue_id = ended.venue_id
            and venue_hours.hour_start = ended.hour_start
    left join carried_over as carried_in
        on
            venue_hours.run_id = carried_in.run_id
            and venue_hours.venue_id = carried_in.venue_id
            and venue_hours.hour_start = carried_in.hour_start
    left join carried_over as carried_out
        on
            venue_hours.run_id = carried_out.run_id
            and venue_hours.venue_id = carried_out.venue_id
            and venue_hours.hour_start + interval 1 hour = carried_out.hour_start

),

final as (

    {{ differences('compared', [['busy_us', 'service_us - done_before_us + done_until_end_us', 'busy_us']]) }}

)

select * from final
