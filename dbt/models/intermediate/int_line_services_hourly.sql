{#- Services that end in the hour after the window began inside of it: hence one hour more of them at the end. -#}
{%- set before = lookback_hours(model) -%}

with

sales as (

    select * from {{ ref('fct_ticket_sales') }}
    where {{ in_window('hour_start', hours_before=before, hours_after=1) }}

),

admissions as (

    select * from {{ ref('fct_admissions') }}
    where {{ in_window('hour_start', hours_before=before, hours_after=1) }}

),

services as (

    select
        run_id,
        venue_id,
        hour_start,
        'seller' as stage,
        line,
        party_size,
        sale_began_at as began_at,
        sold_at as ended_at,
        sale_us as service_us
    from sales
    union all
    select
        run_id,
        venue_id,
        hour_start,
        'scanner' as stage,
        line,
        party_size,
        scan_began_at as began_at,
        admitted_at as ended_at,
        scan_us as service_us
    from admissions

),

-- what a service keeps its line busy: in the hour in which it ends, and in the hour before if it began there
service_parts as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        line,
        1 as served,
        party_size as visitors,
        service_us,
        {{ microseconds_between('greatest(began_at, hour_start)', 'ended_at') }} as busy_us
    from services
    union all
    select
        run_id,
        venue_id,
        hour_start - interval 1 hour as hour_start,
        stage,
        line,
        0 as served,
        0 as visitors,
        null as service_us,
        {{ microseconds_between('greatest(began_at, hour_start - interval 1 hour)', 'hour_start') }} as busy_us
    from services
    where began_at < hour_start

),

final as (

    select
        run_id,
        venue_id,
        hour_start,
        cast(hour_start as date) as event_date,
        stage,
        line,
        sum(served) as served,
        sum(visitors) as visitors,
        {{ whole_mean('service_us') }} as service_mean_us,
        sum(busy_us) as busy_us
    from service_parts
    group by run_id, venue_id, hour_start, stage, line

)

select * from final
