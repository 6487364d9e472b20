{#- A part that came late changes journeys of later hours, which are built again with it, and so are their sums. -#}
with

journeys as (

    select * from {{ ref('fct_visitor_journeys') }}
    where {{ replaced_rows(model) }}

),

-- what is left of the way beside the steps that were found: nothing, in a simulated run whose messages all came
with_rest as (

    select
        *,
        time_in_system_us
        - coalesce(walk_to_seller_us, 0) - coalesce(wait_in_seller_line_us, 0) - coalesce(buy_tickets_us, 0)
        - coalesce(walk_to_scanner_us, 0) - coalesce(wait_in_scanner_line_us, 0) - scan_tickets_us
            as between_steps_us
    from journeys

),

steps as (

    {% for step in timed_activities() + ['between_steps'] %}
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        channel,
        '{{ step }}' as step,
        party_size,
        {{ step }}_us as step_us
    from with_rest
    where {{ step }}_us is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        channel,
        step,

        ---------- durations, weighted by visitors
        cast(sum(party_size) as bigint) as visitors,
        cast(sum(step_us * party_size) as bigint) as visitor_us

    from steps
    group by run_id, venue_id, hour_start, event_date, channel, step

)

select * from final
