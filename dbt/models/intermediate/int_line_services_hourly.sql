{#- A service keeps its line busy from the hour in which it began to that of its end: macros/activity_span.sql says
    which hours are built, and in which the services end that matter to them. -#}
{%- set span = service_span() -%}

with

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

-- what a service keeps its line busy: in the hour in which it ends, and in each hour before from that in which it began
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
        greatest(began_at, hour_start) as busy_from,
        ended_at as busy_until
    from services
    union all
    select
        run_id,
        venue_id,
        busy_hour as hour_start,
        stage,
        line,
        0 as served,
        0 as visitors,
        null as service_us,
        greatest(began_at, busy_hour) as busy_from,
        busy_hour + interval 1 hour as busy_until
    from services
    cross join {{ earlier_hours() }}
    where began_at < hour_start

),

-- one more at once from here on, and one less; an overlap that rounding explains is none
steps as (

    {% for column, step in [('busy_from', 1), ('busy_until', -1)] %}
    select
        run_id,
        venue_id,
        hour_start,
        stage,
        line,
        {{ step }} as step,
        {{ microseconds_between('hour_start', column) }}{{ ' + ' ~ rounding_us() if step == 1 }} as at_us
    from service_parts
    where {{ microseconds_between('busy_from', 'busy_until') }} > {{ rounding_us() }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

at_once as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        line,
        sum(step) over (
            partition by run_id, venue_id, hour_start, stage, line
            order by at_us, step
            rows between unbounded preceding and current row
        ) as served_at_once
    from steps

),

most_at_once as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        line,
        max(served_at_once) as served_at_once
    from at_once
    group by run_id, venue_id, hour_start, stage, line

),

totals as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        line,
        sum(served) as served,
        sum(visitors) as visitors,
        {{ whole_mean('service_us') }} as service_mean_us,
        max(service_us) as service_max_us,
        sum({{ microseconds_between('busy_from', 'busy_until') }}) as busy_us
    from service_parts
    group by run_id, venue_id, hour_start, stage, line

),

final as (

    select
        totals.*,
        cast(totals.hour_start as date) as event_date,
        cast(coalesce(most_at_once.served_at_once, 0) as bigint) as served_at_once
    from totals
    left join most_at_once
        on
            totals.run_id = most_at_once.run_id
            and totals.venue_id = most_at_once.venue_id
            and totals.hour_start = most_at_once.hour_start
            and totals.stage = most_at_once.stage
            and totals.line = most_at_once.line

)

select * from final
