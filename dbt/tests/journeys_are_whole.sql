{{ config(meta={'dagster': {'ref': {'name': 'fct_visitor_journeys'}}}, severity='warn') }}

with

journeys as (

    select * from {{ ref('fct_visitor_journeys') }}
    where {{ in_window('hour_start') }}

),

counted as (

    select
        run_id,
        venue_id,
        hour_start,
        0 as expected,
        sum(case when is_complete then 0 else 1 end) as incomplete,
        sum(case when gaps_us <> 0 then 1 else 0 end) as with_gaps
    from journeys
    group by run_id, venue_id, hour_start

),

final as (

    {{ differences('counted', [
        ['journeys without all parts', 'expected', 'incomplete'],
        ['journeys with gaps', 'expected', 'with_gaps'],
    ]) }}

)

select * from final
