{#- Which hours are built depends on the services of the window: they must be there before this is compiled. -#}
-- depends_on: {{ ref('fct_ticket_sales') }}, {{ ref('fct_admissions') }}
with

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ replaced_rows(model) }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by run_id, venue_id, hour_start, stage, line
            order by wait_us
        ) as wait_position,
        count(*) over (
            partition by run_id, venue_id, hour_start, stage, line
        ) as wait_count
    from waits

),

final as (

    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        line,
        count(*) as wait_count,
        {{ whole_mean('wait_us') }} as wait_mean_us,
        {{ nearest_rank('wait_us', 'wait_position', 'wait_count', 50) }} as wait_p50_us,
        {{ nearest_rank('wait_us', 'wait_position', 'wait_count', 95) }} as wait_p95_us,
        max(wait_us) as wait_max_us
    from ranked
    group by run_id, venue_id, hour_start, event_date, stage, line

)

select * from final
