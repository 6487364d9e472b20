{#- Activities of the window began in hours before it: `meta.reaches_back: activities` has those built again. -#}
{%- set states = ['walking', 'waiting', 'serving'] -%}
{%- set slot_us = 300000000 -%}

with

parts as (

    select * from {{ ref('int_activity_parts_hourly') }}

),

-- hours that were built: of all others those would be known who are still there later, and no more
venue_hours as (

    select * from {{ ref('agg_venue_hourly') }}
    where {{ replaced_rows(model) }}

),

parts_of_hours as (

    select parts.*
    from parts
    inner join venue_hours
        on
            parts.run_id = venue_hours.run_id
            and parts.venue_id = venue_hours.venue_id
            and parts.hour_start = venue_hours.hour_start

),

-- more people from here on, or fewer; every five minutes begin with a row, whether or not somebody is there
changes as (

    {% for at_us, sign in [('from_us', ''), ('until_us', '-')] %}
    select
        run_id,
        venue_id,
        hour_start,
        stage,
        {% for state in states %}
        case when state = '{{ state }}' then {{ sign }}party_size else 0 end as {{ state }},
        {% endfor %}
        {{ at_us }} as at_us
    from parts_of_hours
    where {{ at_us }} < 3600000000
    union all
    {% endfor %}
    {% for stage in ['seller', 'scanner'] %}
    {% set of_stage = loop %}
    {% for slot in range(12) %}
    select
        run_id,
        venue_id,
        hour_start,
        '{{ stage }}' as stage,
        0 as walking,
        0 as waiting,
        0 as serving,
        {{ slot * slot_us }} as at_us
    from venue_hours
    {% if not (loop.last and of_stage.last) %}union all{% endif %}
    {% endfor %}
    {% endfor %}

),

-- of what changes in one moment only the outcome was ever there
moments as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        {% for state in states %}
        sum({{ state }}) as {{ state }},
        {% endfor %}
        at_us
    from changes
    group by run_id, venue_id, hour_start, stage, at_us

),

people as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        {% for state in states %}
        sum({{ state }}) over (
            partition by run_id, venue_id, hour_start, stage
            order by at_us
            rows between unbounded preceding and current row
        ) as {{ state }},
        {% endfor %}
        at_us,
        at_us - mod(at_us, {{ slot_us }}) as slot_us
    from moments

),

slots as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        slot_us,
        {% for state in states %}
        max(case when at_us = slot_us then {{ state }} end) as {{ state }},
        max({{ state }}) as {{ state }}_max,
        {% endfor %}
        max({{ states | join(' + ') }}) as people_max
    from people
    group by run_id, venue_id, hour_start, stage, slot_us

),

ended as (

    select
        run_id,
        venue_id,
        hour_start,
        stage,
        until_us - mod(until_us, {{ slot_us }}) as slot_us,
        max(ended_after_us) as longest_us
    from parts_of_hours
    where ended_after_us is not null
    group by run_id, venue_id, hour_start, stage, until_us - mod(until_us, {{ slot_us }})

),

final as (

    select

        ---------- ids
        slots.run_id,
        slots.venue_id,
        slots.hour_start,
        cast(slots.hour_start as date) as event_date,
        {{ after_microseconds('slots.hour_start', 'slots.slot_us') }} as slot_start,
        slots.stage,

        ---------- visitors at the start
        {% for state in states %}
        cast(slots.{{ state }} as bigint) as {{ state }},
        {% endfor %}

        ---------- most visitors at once
        {% for state in states %}
        cast(slots.{{ state }}_max as bigint) as {{ state }}_max,
        {% endfor %}
        cast(slots.people_max as bigint) as people_max,

        ---------- durations
        coalesce(ended.longest_us, 0) as longest_us

    from slots
    left join ended
        on
            slots.run_id = ended.run_id
            and slots.venue_id = ended.venue_id
            and slots.hour_start = ended.hour_start
            and slots.stage = ended.stage
            and slots.slot_us = ended.slot_us

)

select * from final
