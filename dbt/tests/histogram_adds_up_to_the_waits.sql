{{ config(meta={'dagster': {'ref': {'name': 'agg_wait_histogram_hourly'}}}) }}

with

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ in_window('hour_start') }}

),

bins as (

    select * from {{ ref('agg_wait_histogram_hourly') }}
    where {{ in_window('hour_start') }}

),

expected_sums as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        line,
        channel,
        count(*) as waits,
        sum(party_size) as visitors
    from waits
    group by run_id, venue_id, hour_start, stage, line, channel

),

bin_sums as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        line,
        channel,
        sum(waits) as waits,
        sum(visitors) as visitors
    from bins
    group by run_id, venue_id, hour_start, stage, line, channel

),

compared as (

    select
        coalesce(expected_sums.run_id, bin_sums.run_id) as run_id,
        coalesce(expected_sums.venue_id, bin_sums.venue_id) as venue_id,
        coalesce(expected_sums.hour_start, bin_sums.hour_start) as hour_start,
        coalesce(expected_sums.waits, 0) as expected_waits,
        coalesce(expected_sums.visitors, 0) as expected_visitors,
        coalesce(bin_sums.waits, 0) as bin_waits,
        coalesce(bin_sums.visitors, 0) as bin_visitors
    from expected_sums
    full outer join bin_sums
        on
            expected_sums.run_id = bin_sums.run_id
            and expected_sums.venue_id = bin_sums.venue_id
            and expected_sums.hour_start = bin_sums.hour_start
            and expected_sums.stage = bin_sums.stage
            and expected_sums.line = bin_sums.line
            and expected_sums.channel = bin_sums.channel

),

final as (

    {{ differences('compared', [
        ['waits', 'expected_waits', 'bin_waits'],
        ['visitors', 'expected_visitors', 'bin_visitors'],
    ]) }}

)

select * from final
