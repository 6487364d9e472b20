{#-
  Condition that a visitor was admitted after the window but arrived before its end: then parts of the journey may lie in
  the window, and the journey is built again with it. `false` without a window.
-#}
{% macro reaches_back_into_window() -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- return('false') -}}
    {%- endif -%}
    {{- return('(' ~ after_window() ~ ' and arrived_at < ' ~ timestamp_literal(window.end) ~ ')') -}}
{%- endmacro %}

{#-
  The hours that journeys are built in: the window, and the hours after it to the last admission that reaches back into it, as
  window() gives it. None without a window. Models without a ref to fct_admissions must be downstream of it all the same.
-#}
{% macro hours_of_journeys() -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set node = graph.nodes['model.ticketsim.fct_admissions'] -%}
    {%- set admissions = api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias) -%}
    {{- return({'start': window.start, 'end': journey_span(admissions).end}) -}}
{%- endmacro %}

{#-
  The hours in which parts of the journeys that this invocation builds may lie, as window() gives it: from the earliest
  `arrived_at` among their `admissions` to their last admission. None without a window. It is asked for while the model
  compiles, so that the query itself names constants, which is what both engines prune by.
-#}
{% macro journey_span(admissions) -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none or not load_relation(admissions) -%}
        {{- return(window) -}}
    {%- endif -%}
    {%- set asked -%}
        select
            max({{ microseconds_between('arrived_at', timestamp_literal(window.start)) }}) as before_us,
            max({{ microseconds_between(timestamp_literal(window.start), 'hour_start') }}) as after_us
        from {{ admissions }}
        where {{ from_window() }} and ({{ in_window('hour_start') }} or {{ reaches_back_into_window() }})
    {%- endset -%}
    {%- set found = run_query(asked).rows[0] -%}
    {%- if found['before_us'] is none -%}
        {{- return(window) -}}
    {%- endif -%}
    {%- set hour_us = 3600000000 -%}
    {%- set hours_before = [0, (found['before_us'] | int + hour_us - 1) // hour_us] | max -%}
    {%- set last_hour = window.start + modules.datetime.timedelta(hours=found['after_us'] | int // hour_us) -%}
    {{- return({
        'start': window.start - modules.datetime.timedelta(hours=hours_before),
        'end': [window.end, last_hour + modules.datetime.timedelta(hours=1)] | max,
    }) -}}
{%- endmacro %}
