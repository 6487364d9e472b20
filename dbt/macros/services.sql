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

{#-
  The hours that the services of the window keep lines busy, as {'rebuilt': span, 'read': span}; spans as window() gives
  them, none without a window.

  `rebuilt`: the window, and before it as many hours as the longest service lasts that ends in the window, or ended there
  before the window's hours were loaded again. `read`: the hours in which services end that keep a line busy in `rebuilt`;
  services that began in the window may end any time after it.

  It is asked for while a model compiles, so that the query itself names constants, which is what both engines prune by.
  Models and tests without a ref to fct_ticket_sales and fct_admissions must be downstream of both all the same.
-#}
{% macro service_span() -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- return({'rebuilt': none, 'read': none}) -}}
    {%- endif -%}
    {%- set sources = [] -%}
    {%- for model, began_at, longest in [
        ('fct_ticket_sales', 'sale_began_at', 'sale_us'),
        ('fct_admissions', 'scan_began_at', 'scan_us'),
        ('agg_line_hourly', none, 'service_max_us'),
    ] -%}
        {%- set node = graph.nodes['model.ticketsim.' ~ model] -%}
        {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- if relation -%}
            {%- do sources.append((relation, began_at, longest)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not sources -%}
        {{- return({'rebuilt': window, 'read': window}) -}}
    {%- endif -%}
    {%- set asked -%}
        select
            max(longest_us) as longest_us,
            max(after_us) as after_us
        from (
            {%- for relation, began_at, longest in sources %}
            select
                max({{ longest }}) as longest_us,
                cast(null as bigint) as after_us
            from {{ relation }}
            where {{ in_window('hour_start') }}
            {%- if began_at %}
            union all
            select
                cast(null as bigint) as longest_us,
                max({{ microseconds_between(timestamp_literal(window.end), 'hour_start') }}) as after_us
            from {{ relation }}
            where {{ after_window() }} and {{ began_at }} < {{ timestamp_literal(window.end) }}
            {%- endif %}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as services
    {%- endset -%}
    {%- set found = run_query(asked).rows[0] -%}
    {%- set hour_us = 3600000000 -%}
    {%- set before = ((found['longest_us'] or 0) | int + hour_us - 1) // hour_us -%}
    {%- set after = 0 if found['after_us'] is none else found['after_us'] | int // hour_us + 1 -%}
    {%- set start = window.start - modules.datetime.timedelta(hours=before) -%}
    {{- return({
        'rebuilt': {'start': start, 'end': window.end},
        'read': {'start': start, 'end': window.end + modules.datetime.timedelta(hours=after)},
    }) -}}
{%- endmacro %}
