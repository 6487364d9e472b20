with

runs as (

    select * from {{ source('raw', 'forgotten_runs') }}

),

final as (

    select

        ---------- ids
        run_id,

        ---------- times
        forgotten_at,

        ---------- counts
        hours,
        events,
        receipts

    from runs

)

select * from final
