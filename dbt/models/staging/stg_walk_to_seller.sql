with

events as (

    select * from {{ source('raw', 'events') }}
    where event_type = 'walk_to_seller'

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,
        bus_id,
        group_id,
        first_visitor_id,

        ---------- facts
        party_size,
        channel,
        line,

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
