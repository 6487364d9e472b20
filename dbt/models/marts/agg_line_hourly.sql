{#- Services of the window began in hours before it: `meta.reaches_back: services` has those built again. -#}
with

waits as (

    select * from {{ ref('int_line_waits_hourly') }}

),

services as (

    select * from {{ ref('int_line_services_hourly') }}

),

-- hours that were built: of all others an overlap would be known and no more
venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ replaced_rows(model) }}

),

staffing as (

    select * from {{ ref('int_stage_servers_hourly') }}

),

lines as (

    select
        coalesce(waits.run_id, services.run_id) as run_id,
        coalesce(waits.venue_id, services.venue_id) as venue_id,
        coalesce(waits.hour_start, services.hour_start) as hour_start,
        coalesce(waits.event_date, services.event_date) as event_date,
        coalesce(waits.stage, services.stage) as stage,
        coalesce(waits.line, services.line) as line,
        waits.wait_mean_us,
        waits.wait_p50_us,
        waits.wait_p95_us,
        waits.wait_max_us,
        services.service_mean_us,
        services.service_max_us,
        coalesce(services.served_at_once, 0) as served_at_once,
        coalesce(services.served, 0) as served,
        coalesce(services.visitors, 0) as visitors,
        coalesce(waits.wait_count, 0) as wait_count,
        coalesce(services.busy_us, 0) as busy_us
    from waits
    full outer join services
        on
            waits.run_id = services.run_id
            and waits.venue_id = services.venue_id
            and waits.hour_start = services.hour_start
            and waits.stage = services.stage
            and waits.line = services.line

),

staffed as (

    select
        lines.*,
        -- a shared line is always line 1; where another line was used each line has one server
        case
            when max(lines.line) over (partition by lines.run_id, lines.venue_id, lines.hour_start, lines.stage) > 1
                then 1
            else staffing.servers
        end as servers_declared
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

-- whoever serves six at once has six servers, whatever the receipts say
observed as (

    select
        *,
        case when servers_declared is not null then greatest(servers_declared, served_at_once) end as servers
    from staffed

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
        service_max_us,
        served_at_once,
        cast(busy_us as bigint) as busy_us,
        servers,
        busy_us / (servers * 3600000000) as utilisation

    from observed

)

select * from final
