with

sales as (

    select * from {{ ref('stg_buy_tickets') }}
    where {{ in_window() }}

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,
        hour_start,
        event_date,
        line,
        bus_id,
        group_id,
        first_visitor_id,

        ---------- facts
        party_size,
        amount_cents,

        ---------- times
        arrived_at,
        started_at as sale_began_at,
        event_time as sold_at,
        duration_us as sale_us

    from sales

)

select * from final
