{#- A full outer join of receipts and events, written as union and group by, with each of them read once: conditions on
    the keys then reach the raw table, so that reading one hour costs one hour. -#}

with

receipts as (

    select * from {{ ref('stg_hour_closed') }}

),

{% for activity in activities() %}
{{ activity }} as (

    select * from {{ ref('stg_' ~ activity) }}

),

{% endfor %}
figures as (

    {% for activity in activities() %}
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        '{{ activity }}' as event_type,
        count(*) as actual_count,
        sum(duration_us) as actual_duration_us,
        cast(null as bigint) as expected_count,
        cast(null as bigint) as expected_duration_us
    from {{ activity }}
    group by run_id, venue_id, hour_start, event_date
    union all
    {% endfor %}
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        of_event_type as event_type,
        0 as actual_count,
        0 as actual_duration_us,
        event_count as expected_count,
        duration_us as expected_duration_us
    from receipts

),

activity_types as (

    {% for activity in activities() %}
    select '{{ activity }}' as event_type
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- an hour of which anything is known gets all seven types: a receipt that is missing is a row, not a gap
spread as (

    select
        figures.run_id,
        figures.venue_id,
        figures.hour_start,
        figures.event_date,
        activity_types.event_type,
        case when figures.event_type = activity_types.event_type then figures.actual_count else 0 end
            as actual_count,
        case when figures.event_type = activity_types.event_type then figures.actual_duration_us else 0 end
            as actual_duration_us,
        case when figures.event_type = activity_types.event_type then figures.expected_count end
            as expected_count,
        case when figures.event_type = activity_types.event_type then figures.expected_duration_us end
            as expected_duration_us
    from figures
    cross join activity_types

),

compared as (

    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        event_type,
        sum(actual_count) as actual_count,
        sum(actual_duration_us) as actual_duration_us,
        max(expected_count) as expected_count,
        max(expected_duration_us) as expected_duration_us,
        min(expected_count) <> max(expected_count)
        or min(expected_duration_us) <> max(expected_duration_us) as receipts_differ
    from spread
    group by run_id, venue_id, hour_start, event_date, event_type

),

judged as (

    select
        *,
        case
            when expected_count is null then 'unproved'
            when
                not receipts_differ
                and actual_count = expected_count
                and actual_duration_us = expected_duration_us
                then 'proved'
            else 'wrong'
        end as state,
        case
            when expected_count is null then 'no receipt'
            when receipts_differ then 'receipts contradict each other'
            when actual_count < expected_count
                then concat(
                    cast(expected_count - actual_count as string), ' of ', cast(expected_count as string), ' missing'
                )
            when actual_count > expected_count
                then concat(
                    cast(actual_count - expected_count as string),
                    ' more than the ',
                    cast(expected_count as string),
                    ' of the receipt'
                )
            when actual_duration_us <> expected_duration_us
                then concat(
                    'duration differs by ', cast(abs(actual_duration_us - expected_duration_us) as string), ' us'
                )
        end as difference
    from compared

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        event_type,

        ---------- figures
        cast(expected_count as bigint) as expected_count,
        cast(actual_count as bigint) as actual_count,
        cast(expected_duration_us as bigint) as expected_duration_us,
        cast(actual_duration_us as bigint) as actual_duration_us,

        ---------- judgement
        state,
        difference

    from judged

)

select * from final
