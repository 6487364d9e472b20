{%- set edges = wait_histogram_edges() -%}

with

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ in_window('hour_start') }}

),

sorted_in as (

    select
        *,
        cast(
            case
                {% for edge in edges[1:] %}
                when wait_us < {{ edge * 1000000 }} then {{ edges[loop.index0] * 1000000 }}
                {% endfor %}
                else {{ edges[-1] * 1000000 }}
            end as bigint
        ) as from_us,
        cast(
            case
                {% for edge in edges[1:] %}
                when wait_us < {{ edge * 1000000 }} then {{ edge * 1000000 }}
                {% endfor %}
            end as bigint
        ) as to_us
    from waits

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        from_us,
        to_us,

        ---------- counts
        count(*) as waits,
        cast(sum(party_size) as bigint) as visitors

    from sorted_in
    group by run_id, venue_id, hour_start, event_date, stage, from_us, to_us

)

select * from final
