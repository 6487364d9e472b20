{#-
  The hours that activities of the window go on in, as {'rebuilt': span, 'read': span}; spans as window() gives them, none without
  a window.

  `rebuilt`: the window, and before it as many hours as the longest activity lasts that ends in the window, or ended there
  before the window's hours were loaded again. `read`: the hours in which activities end that go on in `rebuilt`; those that
  began in the window may end any time after it.

  It is asked for while a model compiles, so that the query itself names constants, which is what both engines prune by.
  `sources` lists [model, when an activity began, how long it took]; of a mart that keeps the longest of its hours the second
  is none. Models and tests without a ref to them must be downstream of them all the same.
-#}
{% macro span_of_activities(sources) -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- return({'rebuilt': none, 'read': none}) -}}
    {%- endif -%}
    {%- set found_sources = [] -%}
    {%- for model, began_at, longest in sources -%}
        {%- set node = graph.nodes['model.ticketsim.' ~ model] -%}
        {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- if relation -%}
            {%- do found_sources.append((relation, began_at, longest)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not found_sources -%}
        {{- return({'rebuilt': window, 'read': window}) -}}
    {%- endif -%}
    {%- set asked -%}
        select
            max(longest_us) as longest_us,
            max(after_us) as after_us
        from (
            {%- for relation, began_at, longest in found_sources %}
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
        ) as activities
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

{#- The hours that services keep lines busy. -#}
{% macro service_span() -%}
    {{- return(span_of_activities([
        ('fct_ticket_sales', 'sale_began_at', 'sale_us'),
        ('fct_admissions', 'scan_began_at', 'scan_us'),
        ('agg_line_hourly', none, 'service_max_us'),
    ])) -}}
{%- endmacro %}

{#- The hours in which visitors walk, wait and are served. -#}
{% macro activity_span() -%}
    {{- return(span_of_activities([
        ('stg_walk_to_seller', 'started_at', 'duration_us'),
        ('stg_walk_to_scanner', 'started_at', 'duration_us'),
        ('fct_queue_waits', 'joined_at', 'wait_us'),
        ('fct_ticket_sales', 'sale_began_at', 'sale_us'),
        ('fct_admissions', 'scan_began_at', 'scan_us'),
        ('agg_occupancy_5min', none, 'longest_us'),
    ])) -}}
{%- endmacro %}
