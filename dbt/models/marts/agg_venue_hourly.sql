{%- set durations = activities() | reject('equalto', 'bus_arrival') | list -%}

with

{% for activity in activities() %}
{{ activity }} as (

    select * from {{ ref('stg_' ~ activity) }}
    where {{ in_window() }}

),

{% endfor %}
receipts as (

    select * from {{ ref('stg_hour_closed') }}
    where {{ in_window() }}

),

-- one row per venue, hour and activity; the receipts' rows keep hours in which nothing happened
activities as (

    {% for activity in activities() %}
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        '{{ activity }}' as activity,
        count(*) as events,
        sum(party_size) as visitors,
        sum(duration_us * party_size) as visitor_us,
        {{ 'sum(amount_cents)' if activity == 'buy_tickets' else '0' }} as revenue_cents,
        sum({{ microseconds_between('arrived_at', 'event_time') }} * party_size) as time_in_system_us
    from {{ activity }}
    group by run_id, venue_id, hour_start, event_date
    union all
    {% endfor %}
    select distinct
        run_id,
        venue_id,
        hour_start,
        event_date,
        'hour_closed' as activity,
        0 as events,
        0 as visitors,
        0 as visitor_us,
        0 as revenue_cents,
        0 as time_in_system_us
    from receipts

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

totals as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,

        ---------- counts
        {{ total_of('bus_arrival', 'events') }} as buses,
        {{ total_of('bus_arrival', 'visitors') }} as visitors_arrived,
        {{ total_of('buy_tickets', 'events') }} as groups_served,
        {{ total_of('scan_tickets', 'visitors') }} as visitors_admitted,
        {{ total_of('buy_tickets', 'revenue_cents') }} as revenue_cents,

        ---------- durations, weighted by visitors
        {% for activity in durations %}
        {{ total_of(activity, 'visitors') }} as {{ activity }}_visitors,
        {{ total_of(activity, 'visitor_us') }} as {{ activity }}_visitor_us,
        {% endfor %}
        {{ total_of('scan_tickets', 'time_in_system_us') }} as time_in_system_us

    from activities
    group by run_id, venue_id, hour_start, event_date

),

final as (

    select
        totals.*,
        cast(coalesce(admitted_of_hour.admitted, 0) as bigint) as arrivals_admitted,
        cast(coalesce(left_by_bus.inside, 0) as bigint) as arrivals_inside
    from totals
    left join admitted_of_hour
        on
            totals.run_id = admitted_of_hour.run_id
            and totals.venue_id = admitted_of_hour.venue_id
            and totals.hour_start = admitted_of_hour.hour_start
    left join left_by_bus
        on
            totals.run_id = left_by_bus.run_id
            and totals.venue_id = left_by_bus.venue_id
            and totals.hour_start = left_by_bus.hour_start

)

select * from final
