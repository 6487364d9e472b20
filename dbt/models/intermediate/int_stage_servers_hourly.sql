{#- Which hours are built depends on the services of the window: they must be there before this is compiled. -#}
-- depends_on: {{ ref('fct_ticket_sales') }}, {{ ref('fct_admissions') }}
with

receipts as (

    select * from {{ ref('stg_hour_closed') }}
    where {{ replaced_rows(model) }} and of_event_type in ('buy_tickets', 'scan_tickets')

),

final as (

    select
        run_id,
        venue_id,
        hour_start,
        case of_event_type when 'buy_tickets' then 'seller' else 'scanner' end as stage,
        max(servers) as servers
    from receipts
    group by run_id, venue_id, hour_start, of_event_type

)

select * from final
