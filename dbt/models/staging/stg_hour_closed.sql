with

events as (

    select * from {{ source('raw', 'events') }}
    where event_type = 'hour_closed' and {{ every_row() }}

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,

        ---------- facts
        of_event_type,
        event_count,
        duration_us,
        servers,
        run_venues,
        final,
        digest,
        visitors,
        visitor_us,
        revenue_cents,
        time_in_system_us,

        ---------- times
        event_time,
        event_date,
        hour_start

    from events

)

select * from final
