with

bus_arrival as (

    select * from {{ ref('stg_bus_arrival') }}
    where {{ in_window() }}

),

scan_tickets as (

    select * from {{ ref('stg_scan_tickets') }}
    where {{ in_window() }}

),

-- of the visitors of each bus, who was admitted within the hour of its arrival
admitted_by_bus as (

    select
        run_id,
        venue_id,
        hour_start,
        bus_id,
        sum(party_size) as admitted
    from scan_tickets
    where arrived_at >= hour_start
    group by run_id, venue_id, hour_start, bus_id

),

-- counted from the buses' side: a bus has at most its own visitors left
left_by_bus as (

    select
        bus_arrival.run_id,
        bus_arrival.venue_id,
        bus_arrival.hour_start,
        sum(greatest(bus_arrival.party_size - coalesce(admitted_by_bus.admitted, 0), 0)) as inside
    from bus_arrival
    left join admitted_by_bus
        on
            bus_arrival.run_id = admitted_by_bus.run_id
            and bus_arrival.venue_id = admitted_by_bus.venue_id
            and bus_arrival.hour_start = admitted_by_bus.hour_start
            and bus_arrival.bus_id = admitted_by_bus.bus_id
    group by bus_arrival.run_id, bus_arrival.venue_id, bus_arrival.hour_start

),

admitted_of_hour as (

    select
        run_id,
        venue_id,
        hour_start,
        sum(admitted) as admitted
    from admitted_by_bus
    group by run_id, venue_id, hour_start

),

final as (

    select
        coalesce(left_by_bus.run_id, admitted_of_hour.run_id) as run_id,
        coalesce(left_by_bus.venue_id, admitted_of_hour.venue_id) as venue_id,
        coalesce(left_by_bus.hour_start, admitted_of_hour.hour_start) as hour_start,
        cast(coalesce(admitted_of_hour.admitted, 0) as bigint) as arrivals_admitted,
        cast(coalesce(left_by_bus.inside, 0) as bigint) as arrivals_inside
    from left_by_bus
    full outer join admitted_of_hour
        on
            left_by_bus.run_id = admitted_of_hour.run_id
            and left_by_bus.venue_id = admitted_of_hour.venue_id
            and left_by_bus.hour_start = admitted_of_hour.hour_start

)

select * from final
