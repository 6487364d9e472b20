with

scans as (

    select * from {{ ref('stg_scan_tickets') }}
    where {{ in_window() }}

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,
        hour_start,
        event_date,
        line,
        bus_id,
        group_id,
        first_visitor_id,

        ---------- facts
        party_size,
        channel,

        ---------- times
        arrived_at,
        started_at as scan_began_at,
        event_time as admitted_at,
        duration_us as scan_us,
        {{ microseconds_between('arrived_at', 'event_time') }} as time_in_system_us

    from scans

)

select * from final
