{#-
  Body of a staging view: the rows of one activity, with the hour in which it ended and its duration.

  `event_type` names the activity, `of_group` tells whether a buying group does it (all but the bus), `facts` are columns
  that only this activity carries.
-#}
{% macro staged_activity(event_type, of_group=true, facts=[]) -%}
with

events as (

    select * from {{ source('raw', 'events') }}
    where event_type = '{{ event_type }}' and {{ every_row() }}

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,
        bus_id,
        {% if of_group %}
        group_id,
        {% endif %}
        first_visitor_id,

        ---------- facts
        party_size,
        {% for column in (['channel', 'line'] if of_group else []) + facts %}
        {{ column }},
        {% endfor %}

        ---------- times
        arrived_at,
        started_at,
        event_time,
        event_date,
        {{ hour_of('event_time') }} as hour_start,
        {{ microseconds_between('started_at', 'event_time') }} as duration_us

    from events

)

select * from final
{%- endmacro %}
