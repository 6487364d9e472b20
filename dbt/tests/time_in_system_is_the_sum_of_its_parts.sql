{{ config(meta={'dagster': {'ref': {'name': 'fct_visitor_journeys'}}}) }}

with

journeys as (

    select * from {{ ref('fct_visitor_journeys') }}
    where {{ in_window('hour_start') }} and is_complete

),

added_up as (

    select
        *,
        coalesce(walk_to_seller_us, 0) + coalesce(wait_in_seller_line_us, 0) + coalesce(buy_tickets_us, 0)
        + walk_to_scanner_us + wait_in_scanner_line_us + scan_tickets_us + gaps_us as parts_us
    from journeys

),

final as (

    {{ differences('added_up', [['time_in_system_us', 'time_in_system_us', 'parts_us']]) }}

)

select * from final
