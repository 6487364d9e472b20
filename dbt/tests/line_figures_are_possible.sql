{{ config(meta={'dagster': {'ref': {'name': 'agg_line_hourly'}}}) }}

-- Nobody serves more than all the time, and percentiles are in order.

select
    run_id,
    venue_id,
    hour_start,
    stage,
    line
from {{ ref('agg_line_hourly') }}
where
    {{ in_window('hour_start', hours_before=1) }}
    and (
        utilisation not between 0 and 1
        or wait_p50_us not between 0 and wait_p95_us
        or wait_p95_us > wait_max_us
        or wait_mean_us > wait_max_us
    )
