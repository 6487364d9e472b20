with

venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}

),

by_activity as (

    {% for activity in timed_activities() %}
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        '{{ activity }}' as activity,
        {{ activity }}_visitors as visitors,
        {{ activity }}_visitor_us as visitor_us
    from venue_hours
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        activity,

        ---------- durations
        visitors,
        visitor_us / 1000000 as visitor_seconds,
        visitor_us / nullif(visitors, 0) / 1000000 as average_seconds

    from by_activity

)

select * from final
