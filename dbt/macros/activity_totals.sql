{#-
  Body of an intermediate model: events, visitors, durations and revenue of each of `activity_names`, by venue and hour of
  the window. One row per run, venue, hour and activity.
-#}
{% macro activity_totals(activity_names) -%}
with

{% for activity in activity_names %}
{{ activity }} as (

    select * from {{ ref('stg_' ~ activity) }}
    where {{ in_window() }}

),

{% endfor %}
final as (

    {% for activity in activity_names %}
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        '{{ activity }}' as activity,
        count(*) as events,
        sum(party_size) as visitors,
        sum(duration_us * party_size) as visitor_us,
        {{ 'sum(amount_cents)' if activity == 'buy_tickets' else '0' }} as revenue_cents,
        sum({{ microseconds_between('arrived_at', 'event_time') }} * party_size) as time_in_system_us
    from {{ activity }}
    group by run_id, venue_id, hour_start, event_date
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
{%- endmacro %}
