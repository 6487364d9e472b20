with

venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,

        ---------- visitors
        visitors_arrived,
        visitors_admitted,
        revenue_cents / 100 as revenue,

        ---------- time in system
        time_in_system_us / 1000000 as time_in_system_visitor_seconds,
        time_in_system_us / nullif(visitors_admitted, 0) / 1000000 as average_time_in_system_seconds

    from venue_hours

)

select * from final
