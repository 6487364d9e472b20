{#- Services that end in the hour after the window began inside of it, and the hour before the window ends with the
    first services of the window: hence one hour more of services at the end and one more of results at the start. -#}
{%- set before = lookback_hours(model) -%}

with

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ in_window('hour_start', hours_before=before) }}

),

sales as (

    select * from {{ ref('fct_ticket_sales') }}
    where {{ in_window('hour_start', hours_before=before, hours_after=1) }}

),

admissions as (

    select * from {{ ref('fct_admissions') }}
    where {{ in_window('hour_start', hours_before=before, hours_after=1) }}

),

-- hours that were built: of all others an overlap would be known and no more
venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ in_window('hour_start', hours_before=before) }}

),

receipts as (

    select * from {{ ref('stg_hour_closed') }}
    where {{ in_window(hours_before=before) }}

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

ranked_waits as (

    select
        *,
        row_number() over (
            partition by run_id, venue_id, hour_start, stage, line
            order by wait_us
        ) as wait_position,
        count(*) over (
            partition by run_id, venue_id, hour_start, stage, line
        ) as wait_count
    from waits

),

waits_by_line as (

    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        line,
        count(*) as wait_count,
        {{ whole_mean('wait_us') }} as wait_mean_us,
        {{ nearest_rank('wait_us', 'wait_position', 'wait_count', 50) }} as wait_p50_us,
        {{ nearest_rank('wait_us', 'wait_position', 'wait_count', 95) }} as wait_p95_us,
        max(wait_us) as wait_max_us
    from ranked_waits
    group by run_id, venue_id, hour_start, event_date, stage, line

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

services_by_line as (

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

),

lines as (

    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        line
    from waits_by_line
    union distinct
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        line
    from services_by_line

),

staffing as (

    select
        run_id,
        venue_id,
        hour_start,
        case of_event_type when 'buy_tickets' then 'seller' else 'scanner' end as stage,
        max(servers) as servers
    from receipts
    where of_event_type in ('buy_tickets', 'scan_tickets')
    group by run_id, venue_id, hour_start, of_event_type

),

staffed_lines as (

    select
        lines.run_id,
        lines.venue_id,
        lines.hour_start,
        lines.event_date,
        lines.stage,
        lines.line,
        -- a shared line is always line 1; where another line was used each line has one server
        case
            when max(lines.line) over (partition by lines.run_id, lines.venue_id, lines.hour_start, lines.stage) > 1
                then 1
            else staffing.servers
        end as servers
    from lines
    inner join venue_hours
        on
            lines.run_id = venue_hours.run_id
            and lines.venue_id = venue_hours.venue_id
            and lines.hour_start = venue_hours.hour_start
    left join staffing
        on
            lines.run_id = staffing.run_id
            and lines.venue_id = staffing.venue_id
            and lines.hour_start = staffing.hour_start
            and lines.stage = staffing.stage

),

measured as (

    select
        staffed_lines.*,
        waits_by_line.wait_mean_us,
        waits_by_line.wait_p50_us,
        waits_by_line.wait_p95_us,
        waits_by_line.wait_max_us,
        services_by_line.service_mean_us,
        coalesce(services_by_line.served, 0) as served,
        coalesce(services_by_line.visitors, 0) as visitors,
        coalesce(waits_by_line.wait_count, 0) as wait_count,
        coalesce(services_by_line.busy_us, 0) as busy_us
    from staffed_lines
    left join waits_by_line
        on
            staffed_lines.run_id = waits_by_line.run_id
            and staffed_lines.venue_id = waits_by_line.venue_id
            and staffed_lines.hour_start = waits_by_line.hour_start
            and staffed_lines.stage = waits_by_line.stage
            and staffed_lines.line = waits_by_line.line
    left join services_by_line
        on
            staffed_lines.run_id = services_by_line.run_id
            and staffed_lines.venue_id = services_by_line.venue_id
            and staffed_lines.hour_start = services_by_line.hour_start
            and staffed_lines.stage = services_by_line.stage
            and staffed_lines.line = services_by_line.line

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        line,

        ---------- throughput
        cast(served as bigint) as served,
        cast(visitors as bigint) as visitors,

        ---------- waiting
        wait_count,
        wait_mean_us,
        wait_p50_us,
        wait_p95_us,
        wait_max_us,

        ---------- serving
        service_mean_us,
        cast(busy_us as bigint) as busy_us,
        servers,
        busy_us / (servers * 3600000000) as utilisation

    from measured

)

select * from final
