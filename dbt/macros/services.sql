{#- In logs rounded to two decimals of a minute a service may overlap the next one by so much (docs/replay.md). -#}
{% macro rounding_us() -%}
    {{- return(600000) -}}
{%- endmacro %}

{#-
  The start of every hour from that in which a service began to the one before that in which it ended, as an item of `from`
  with the column `busy_hour`; for services that began in an earlier hour than they ended.
-#}
{% macro earlier_hours() -%}
    {{- adapter.dispatch('earlier_hours')() -}}
{%- endmacro %}

{% macro duckdb__earlier_hours() -%}
    unnest(generate_series({{ hour_of('began_at') }}, hour_start - interval 1 hour, interval 1 hour)) as earlier (busy_hour)
{%- endmacro %}

{% macro bigquery__earlier_hours() -%}
    unnest(generate_timestamp_array({{ hour_of('began_at') }}, hour_start - interval 1 hour, interval 1 hour)) as busy_hour
{%- endmacro %}
