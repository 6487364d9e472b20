{#- No visitor is looked for further back than this many hours before the hour of admission. -#}
{% macro journey_hours() -%}
    {{- return(24) -}}
{%- endmacro %}

{#-
  Condition that a visitor was admitted after the window but arrived before its end: then parts of the journey may lie in
  the window, and the journey is built again with it. `false` without a window.
-#}
{% macro reaches_back() -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- return('false') -}}
    {%- endif -%}
    {%- set later = {'start': window.end, 'end': window.end + modules.datetime.timedelta(hours=journey_hours())} -%}
    {%- set arrived_before = 'arrived_at < ' ~ timestamp_literal(window.end) -%}
    {{- return('(' ~ between_hours(later, 'hour_start') ~ ' and ' ~ arrived_before ~ ')') -}}
{%- endmacro %}

{#-
  The hours in which parts of the journeys that this invocation builds may lie, as window() gives it: from the earliest
  `arrived_at` among their `admissions`, at most journey_hours() before the window, to their last admission. None without
  a window. It is asked for while the model compiles, so that the query itself names constants, which is what both
  engines prune by.
-#}
{% macro journey_span(admissions) -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none or not load_relation(admissions) -%}
        {{- return(window) -}}
    {%- endif -%}
    {%- set asked -%}
        select
            max({{ microseconds_between('arrived_at', timestamp_literal(window.start)) }}) as before_us,
            max({{ microseconds_between(timestamp_literal(window.start), 'hour_start') }}) as after_us,
            sum(case when arrived_at < hour_start - interval {{ journey_hours() }} hour then 1 else 0 end) as too_far
        from {{ admissions }}
        where {{ in_window('hour_start') }} or {{ reaches_back() }}
    {%- endset -%}
    {%- set found = run_query(asked).rows[0] -%}
    {%- if found['before_us'] is none -%}
        {{- return(window) -}}
    {%- endif -%}
    {%- if found['too_far'] -%}
        {%- do exceptions.warn(
            found['too_far'] | int ~ ' visitors admitted from ' ~ window.start ~ ' on had arrived more than '
            ~ journey_hours() ~ ' hours before: parts of their journeys are not looked for'
        ) -%}
    {%- endif -%}
    {%- set hour_us = 3600000000 -%}
    {%- set hours_before = [0, [(found['before_us'] | int + hour_us - 1) // hour_us, journey_hours()] | min] | max -%}
    {%- set last_hour = window.start + modules.datetime.timedelta(hours=found['after_us'] | int // hour_us) -%}
    {{- return({
        'start': window.start - modules.datetime.timedelta(hours=hours_before),
        'end': [window.end, last_hour + modules.datetime.timedelta(hours=1)] | max,
    }) -}}
{%- endmacro %}
