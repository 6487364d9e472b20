with

events as (

    select * from {{ source('raw', 'events') }}
    where event_type = 'bus_arrival'

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,
        bus_id,
        first_visitor_id,

        ---------- facts
        party_size,

        ---------- times
        arrived_at,
        started_at,
        event_time,
        event_date,
        {{ hour_of('event_time') }} as hour_start,
        {{ microseconds_between('started_at', 'event_time') }} as duration_us

    from events

)

select * from final
