with

seller_waits as (

    select
        *,
        'seller' as stage
    from {{ ref('stg_wait_in_seller_line') }}
    where {{ in_window() }}

),

scanner_waits as (

    select
        *,
        'scanner' as stage
    from {{ ref('stg_wait_in_scanner_line') }}
    where {{ in_window() }}

),

waits as (

    select * from seller_waits
    union all
    select * from scanner_waits

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        line,
        group_id,
        first_visitor_id,

        ---------- facts
        party_size,
        channel,
        started_at as joined_at,
        event_time as served_at,
        duration_us as wait_us

    from waits

)

select * from final
