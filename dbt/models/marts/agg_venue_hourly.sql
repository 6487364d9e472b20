with

at_sellers as (

    select * from {{ ref('int_seller_activities_hourly') }}

),

at_scanners as (

    select * from {{ ref('int_scanner_activities_hourly') }}

),

arrivals as (

    select * from {{ ref('int_arrivals_hourly') }}

),

receipts as (

    select * from {{ ref('stg_hour_closed') }}
    where {{ in_window() }}

),

-- one row per venue, hour and activity; the receipts' rows keep hours in which nothing happened
activities as (

    select * from at_sellers
    union all
    select * from at_scanners
    union all
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
        {% for activity in timed_activities() %}
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
        coalesce(arrivals.arrivals_admitted, 0) as arrivals_admitted,
        coalesce(arrivals.arrivals_inside, 0) as arrivals_inside
    from totals
    left join arrivals
        on
            totals.run_id = arrivals.run_id
            and totals.venue_id = arrivals.venue_id
            and totals.hour_start = arrivals.hour_start

)

select * from final
