{#- Merged from the window into what is known, so that an hour costs the same whatever the history. -#}
with

line_hours as (

    select * from {{ ref('agg_line_hourly') }}
    where {{ between_hours(service_span().rebuilt, 'hour_start') }}

),

incoming as (

    select
        run_id,
        venue_id,
        stage,
        line,
        min(hour_start) as first_hour,
        max(hour_start) as last_hour,
        -- an hour in which only line 1 was used looks like one of a shared line; any other hour tells better
        min(servers) as servers,
        max(served_at_once) as served_at_once
    from line_hours
    group by run_id, venue_id, stage, line

),

{% if is_incremental() %}
known as (

    select * from {{ this }}

),

merged as (

    select
        incoming.run_id,
        incoming.venue_id,
        incoming.stage,
        incoming.line,
        {{ smaller_of('incoming.first_hour', 'known.first_hour') }} as first_hour,
        {{ larger_of('incoming.last_hour', 'known.last_hour') }} as last_hour,
        {{ smaller_of('incoming.servers', 'known.servers') }} as servers,
        {{ larger_of('incoming.served_at_once', 'known.served_at_once') }} as served_at_once
    from incoming
    left join known
        on
            incoming.run_id = known.run_id
            and incoming.venue_id = known.venue_id
            and incoming.stage = known.stage
            and incoming.line = known.line

),
{% else %}
merged as (

    select * from incoming

),
{% endif %}

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        stage,
        line,

        ---------- span
        first_hour,
        last_hour,

        ---------- staffing
        cast(case when servers is not null then greatest(servers, served_at_once) end as bigint) as servers,
        served_at_once

    from merged

)

select * from final
