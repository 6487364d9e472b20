{#- Microseconds from one point in time to a later one, as an integer. -#}
{% macro microseconds_between(start, end) -%}
    {{- adapter.dispatch('microseconds_between')(start, end) -}}
{%- endmacro %}

{% macro duckdb__microseconds_between(start, end) -%}
    date_diff('microsecond', {{ start }}, {{ end }})
{%- endmacro %}

{% macro bigquery__microseconds_between(start, end) -%}
    timestamp_diff({{ end }}, {{ start }}, microsecond)
{%- endmacro %}

{#- So many microseconds after a point in time. -#}
{% macro after_microseconds(time, microseconds) -%}
    {{- adapter.dispatch('after_microseconds')(time, microseconds) -}}
{%- endmacro %}

{% macro duckdb__after_microseconds(time, microseconds) -%}
    {{ time }} + to_microseconds({{ microseconds }})
{%- endmacro %}

{% macro bigquery__after_microseconds(time, microseconds) -%}
    timestamp_add({{ time }}, interval {{ microseconds }} microsecond)
{%- endmacro %}

{#- The start of the UTC hour in which a point in time lies. -#}
{% macro hour_of(time) -%}
    {{- adapter.dispatch('hour_of')(time) -}}
{%- endmacro %}

{% macro duckdb__hour_of(time) -%}
    date_trunc('hour', {{ time }})
{%- endmacro %}

{% macro bigquery__hour_of(time) -%}
    timestamp_trunc({{ time }}, hour)
{%- endmacro %}

{#- A datetime of Jinja, UTC, as a literal of the engine's type for event_time. -#}
{% macro timestamp_literal(time) -%}
    {{- adapter.dispatch('timestamp_literal')(time) -}}
{%- endmacro %}

{% macro duckdb__timestamp_literal(time) -%}
    timestamp '{{ time.strftime("%Y-%m-%d %H:%M:%S") }}'
{%- endmacro %}

{% macro bigquery__timestamp_literal(time) -%}
    timestamp '{{ time.strftime("%Y-%m-%d %H:%M:%S") }}+00'
{%- endmacro %}
