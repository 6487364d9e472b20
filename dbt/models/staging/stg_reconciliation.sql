with

comparison as (

    select * from {{ source('raw', 'reconciliation') }}

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
        state,
        difference

    from comparison

)

select * from final
