{#- The view raw.reconciliation: events of raw.events against the receipts of their hour. A full outer join of the two,
    written as group by, with the table read once: conditions on event_date reach it, so reading an hour costs an hour. -#}
with

-- the copies that a load left out although they say something else than the event of their identity
events as (

    {% for table in [raw_events, conflicting_copies] %}
    select
        run_id,
        venue_id,
        event_type = 'hour_closed' as is_receipt,
        {{ 'event_id' if table == conflicting_copies else 'cast(null as string)' }} as conflicting_id,
        case when event_type = 'hour_closed' then of_event_type else event_type end as event_type,
        -- a row that somebody took its time from is missed in its hour, and stands in the one that it is filed in
        coalesce(
            case when event_type = 'hour_closed' then hour_start end, {{ hour_of('event_time') }}, {{ filed_hour() }}
        ) as hour_start,
        event_date,
        {{ 'event_count' if table == raw_events else 'cast(null as bigint)' }} as receipt_count,
        {{ 'duration_us' if table == raw_events else 'cast(null as bigint)' }} as receipt_duration_us,
        {{ 'digest' if table == raw_events else 'cast(null as bigint)' }} as receipt_digest,
        {{ microseconds_between('started_at', 'event_time') }} as duration_us,
        {{ weight if table == raw_events else 'cast(null as bigint)' }} as weight
    from (
        select
            *,
            {{ sequence }} as sequence
        from {{ table }}
        -- true of every row: BigQuery refuses to read all days of a table unless it is asked in this way
        where event_date is null or event_date is not null
    ) as {{ 'arrived' if table == raw_events else 'conflicting' }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

figures as (

    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        event_type,
        max(case when is_receipt then receipt_count end) as expected_count,
        max(case when is_receipt then receipt_duration_us end) as expected_duration_us,
        max(receipt_digest) as expected_digest,
        min(case when is_receipt then receipt_count end) <> max(case when is_receipt then receipt_count end)
        or min(case when is_receipt then receipt_duration_us end)
        <> max(case when is_receipt then receipt_duration_us end)
        or min(receipt_digest) <> max(receipt_digest) as receipts_differ,
        count(distinct conflicting_id) as conflicting,
        min(conflicting_id) as first_conflicting,
        sum(case when is_receipt or conflicting_id is not null then 0 else 1 end) as actual_count,
        sum(case when is_receipt or conflicting_id is not null then 0 else duration_us end) as actual_duration_us,
        sum({{ squared('weight') }}) as content
    from events
    group by run_id, venue_id, hour_start, event_date, event_type

),

activity_types as (

    {% for activity in activity_names %}
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
        case when figures.event_type = activity_types.event_type then figures.expected_count end as expected_count,
        case when figures.event_type = activity_types.event_type then figures.expected_duration_us end
            as expected_duration_us,
        case when figures.event_type = activity_types.event_type then figures.expected_digest end as expected_digest,
        case when figures.event_type = activity_types.event_type and figures.receipts_differ then 1 else 0 end
            as receipts_differ,
        case when figures.event_type = activity_types.event_type then figures.conflicting else 0 end
            as conflicting,
        case when figures.event_type = activity_types.event_type then figures.first_conflicting end
            as first_conflicting,
        case when figures.event_type = activity_types.event_type then figures.actual_count else 0 end
            as actual_count,
        case when figures.event_type = activity_types.event_type then figures.actual_duration_us else 0 end
            as actual_duration_us,
        case when figures.event_type = activity_types.event_type then figures.content else 0 end as content
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
        cast(max(expected_count) as bigint) as expected_count,
        cast(sum(actual_count) as bigint) as actual_count,
        cast(max(expected_duration_us) as bigint) as expected_duration_us,
        cast(sum(actual_duration_us) as bigint) as actual_duration_us,
        cast(max(expected_digest) as bigint) as expected_digest,
        cast(sum(content) as bigint) as content,
        {{ keys_weight }} as keys_weight,
        max(receipts_differ) = 1 as receipts_differ,
        max(conflicting) as conflicting,
        min(first_conflicting) as first_conflicting
    from spread
    group by run_id, venue_id, hour_start, event_date, event_type

),

digested as (

    select
        *,
        cast(mod(content + {{ squared('keys_weight') }}, {{ digest_modulus }}) as bigint) as actual_digest
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
        expected_count,
        actual_count,
        expected_duration_us,
        actual_duration_us,
        expected_digest,
        actual_digest,

        ---------- judgement
        case
            when conflicting > 0 then 'wrong'
            when expected_count is null then 'unproved'
            when
                receipts_differ
                or actual_count <> expected_count
                or coalesce(actual_duration_us <> expected_duration_us, true)
                then 'wrong'
            when expected_digest is null then 'counted'
            when actual_digest = expected_digest then 'proved'
            else 'wrong'
        end as state,
        case
            when conflicting > 0
                then concat(
                    cast(conflicting as string), ' came again with other contents, the first ', first_conflicting
                )
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
            when actual_duration_us is null or expected_duration_us is null then 'durations are unknown'
            when expected_digest is null then 'contents not compared: the receipt has no digest'
            when actual_digest <> expected_digest then 'contents differ, in as many events of the same duration'
        end as difference

    from digested

)

select * from final
