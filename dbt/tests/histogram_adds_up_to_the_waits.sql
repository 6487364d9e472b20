{{ config(meta={'dagster': {'ref': {'name': 'agg_wait_histogram_hourly'}}}) }}

with

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ in_window('hour_start') }}

),

buckets as (

    select * from {{ ref('agg_wait_histogram_hourly') }}
    where {{ in_window('hour_start') }}

),

expected_sums as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        count(*) as waits,
        sum(party_size) as visitors
    from waits
    group by run_id, venue_id, hour_start, stage

),

bucket_sums as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        sum(waits) as waits,
        sum(visitors) as visitors
    from buckets
    group by run_id, venue_id, hour_start, stage

),

compared as (

    select
        coalesce(expected_sums.run_id, bucket_sums.run_id) as run_id,
        coalesce(expected_sums.venue_id, bucket_sums.venue_id) as venue_id,
        coalesce(expected_sums.hour_start, bucket_sums.hour_start) as hour_start,
        coalesce(expected_sums.waits, 0) as expected_waits,
        coalesce(expected_sums.visitors, 0) as expected_visitors,
        coalesce(bucket_sums.waits, 0) as bucket_waits,
        coalesce(bucket_sums.visitors, 0) as bucket_visitors
    from expected_sums
    full outer join bucket_sums
        on
            expected_sums.run_id = bucket_sums.run_id
            and expected_sums.venue_id = bucket_sums.venue_id
            and expected_sums.hour_start = bucket_sums.hour_start
            and expected_sums.stage = bucket_sums.stage

),

final as (

    {{ differences('compared', [
        ['waits', 'expected_waits', 'bucket_waits'],
        ['visitors', 'expected_visitors', 'bucket_visitors'],
    ]) }}

)

select * from final
