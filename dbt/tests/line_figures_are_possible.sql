{{ config(meta={'dagster': {'ref': {'name': 'agg_line_hourly'}}}) }}

with

lines as (

    select * from {{ ref('agg_line_hourly') }}
    where {{ between_hours(service_span().rebuilt, 'hour_start') }}

),

final as (

    select
        run_id,
        venue_id,
        hour_start,
        concat(stage, ' line ', cast(line as string)) as figure,
        'utilisation of 0 to 1 and 0.6 s a service, 0 <= p50 <= p95 <= max, mean <= max' as expected,
        concat(
            'utilisation ', coalesce(cast(utilisation as string), 'unknown'),
            ', p50 ', coalesce(cast(wait_p50_us as string), 'none'),
            ', p95 ', coalesce(cast(wait_p95_us as string), 'none'),
            ', max ', coalesce(cast(wait_max_us as string), 'none'),
            ', mean ', coalesce(cast(wait_mean_us as string), 'none')
        ) as actual
    from lines
    where
        -- besides those that ended in the hour, each server may be serving when it ends
        utilisation not between 0 and 1 + {{ rounding_us() }} * (served + servers) / (servers * 3600000000)
        or wait_p50_us not between 0 and wait_p95_us
        or wait_p95_us > wait_max_us
        or wait_mean_us > wait_max_us

)

select * from final
