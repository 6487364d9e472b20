{#- Merged from the window into what is known, so that an hour costs the same whatever the history. -#}
with

venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ in_window('hour_start') }}

),

receipts as (

    select * from {{ ref('stg_hour_closed') }}
    where {{ in_window() }}

),

seen as (

    select
        run_id,
        venue_id,
        min(hour_start) as first_hour,
        max(hour_start) as last_hour
    from venue_hours
    group by run_id, venue_id

),

told as (

    select
        run_id,
        venue_id,
        max(case when of_event_type = 'buy_tickets' then servers end) as sellers,
        max(case when of_event_type = 'scan_tickets' then servers end) as scanners,
        max(run_venues) as run_venues,
        max(case when final then hour_start end) as final_hour
    from receipts
    group by run_id, venue_id

),

incoming as (

    select
        seen.*,
        told.sellers,
        told.scanners,
        told.run_venues,
        told.final_hour
    from seen
    left join told
        on
            seen.run_id = told.run_id
            and seen.venue_id = told.venue_id

),

{% if is_incremental() %}
known as (

    select * from {{ this }}

),

merged as (

    select
        incoming.run_id,
        incoming.venue_id,
        {{ smaller_of('incoming.first_hour', 'known.first_hour') }} as first_hour,
        {{ larger_of('incoming.last_hour', 'known.last_hour') }} as last_hour,
        {% for column in ['sellers', 'scanners', 'run_venues', 'final_hour'] %}
        {{ larger_of('incoming.' ~ column, 'known.' ~ column) }} as {{ column }}{% if not loop.last %},{% endif %}

        {% endfor %}
    from incoming
    left join known
        on
            incoming.run_id = known.run_id
            and incoming.venue_id = known.venue_id

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

        ---------- span
        first_hour,
        last_hour,
        final_hour,

        ---------- staffing
        cast(sellers as bigint) as sellers,
        cast(scanners as bigint) as scanners,
        cast(run_venues as bigint) as run_venues

    from merged

)

select * from final
