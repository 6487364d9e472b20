{#- Only the runs of the window are summed up, from one row per venue: hours are not read again. -#}
with

touched as (

    select distinct run_id
    from {{ ref('agg_venue_hourly') }}
    where {{ in_window('hour_start') }}

),

venues as (

    select dim_venues.*
    from {{ ref('dim_venues') }} as dim_venues
    inner join touched on dim_venues.run_id = touched.run_id

),

summed_up as (

    select
        run_id,
        min(first_hour) as first_hour,
        max(last_hour) as last_hour,
        max(run_venues) as venues,
        count(*) as venues_seen,
        count(final_hour) as venues_finished
    from venues
    group by run_id

),

final as (

    select

        ---------- ids
        run_id,

        ---------- span
        first_hour,
        last_hour,

        ---------- venues
        venues,
        venues_seen,
        venues_finished,
        coalesce(venues_finished = venues, false) as is_finished

    from summed_up

)

select * from final
