{{ config(meta={'dagster': {'ref': {'name': 'agg_line_hourly'}}}) }}

with

lines as (

    select * from {{ ref('agg_line_hourly') }}
    where {{ in_window('hour_start', hours_before=1) }}

),

final as (

    select
        run_id,
        venue_id,
        hour_start,
        concat(stage, ' line ', cast(line as string)) as figure,
        'utilisation of 0 to 1, 0 <= p50 <= p95 <= max, mean <= max' as expected,
        concat(
            'utilisation ', coalesce(cast(utilisation as string), 'unknown'),
            ', p50 ', coalesce(cast(wait_p50_us as string), 'none'),
            ', p95 ', coalesce(cast(wait_p95_us as string), 'none'),
            ', max ', coalesce(cast(wait_max_us as string), 'none'),
            ', mean ', coalesce(cast(wait_mean_us as string), 'none')
        ) as actual
    from lines
    where
        utilisation not between 0 and 1
        or wait_p50_us not between 0 and wait_p95_us
        or wait_p95_us > wait_max_us
        or wait_mean_us > wait_max_us

)

select * from final
