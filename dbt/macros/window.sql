{#-
  The window of this invocation, [--event-time-start, --event-time-end), as {'start': datetime, 'end': datetime}; none
  without these options: then everything is rebuilt.
-#}
{% macro window() -%}
    {%- set start = invocation_args_dict.get('event_time_start') -%}
    {%- set end = invocation_args_dict.get('event_time_end') -%}
    {%- if not start -%}
        {{- return(none) -}}
    {%- endif -%}
    {#- A programmatic invocation may hand over texts instead of datetimes. -#}
    {%- set start = modules.datetime.datetime.fromisoformat(start) if start is string else start -%}
    {%- set end = modules.datetime.datetime.fromisoformat(end) if end is string else end -%}
    {%- for edge in [start, end] if edge.minute or edge.second or edge.microsecond -%}
        {{- exceptions.raise_compiler_error(
            'window edge ' ~ edge.isoformat() ~ ' is not the start of an hour; give --event-time-start and '
            ~ '--event-time-end as full hours, for example 2026-11-20T03:00:00'
        ) -}}
    {%- endfor -%}
    {%- if flags.FULL_REFRESH -%}
        {{- exceptions.raise_compiler_error(
            '--full-refresh with the window ' ~ start.isoformat() ~ ' to ' ~ end.isoformat() ~ ' would drop all other '
            ~ 'hours; leave out --event-time-start and --event-time-end'
        ) -}}
    {%- endif -%}
    {{- return({'start': start, 'end': end}) -}}
{%- endmacro %}

{#-
  Condition that a row's `column` lies in the window, widened by whole hours at either end; `true` without a window.
  event_date is named as well: it is what partitions (BigQuery) and the zone maps of long histories (DuckDB) prune by.
-#}
{% macro in_window(column='event_time', hours_before=0, hours_after=0, table='') -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        true
    {%- else -%}
        {%- set start = window.start - modules.datetime.timedelta(hours=hours_before) -%}
        {%- set end = window.end + modules.datetime.timedelta(hours=hours_after) -%}
        {%- set prefix = table ~ '.' if table else '' -%}
        {%- set last = end - modules.datetime.timedelta(seconds=1) -%}
        (
            {{ prefix }}event_date between date '{{ start.date() }}' and date '{{ last.date() }}'
            and {{ prefix }}{{ column }} >= {{ timestamp_literal(start) }}
            and {{ prefix }}{{ column }} < {{ timestamp_literal(end) }}
        )
    {%- endif -%}
{%- endmacro %}

{#-
  Hours before the window that a model settles anew (its config `meta.lookback_hours`): the delete of hour_window and
  the model's data tests reach back as far.
-#}
{% macro lookback_hours(node) -%}
    {{- return(node.config.get('meta', {}).get('lookback_hours', 0)) -}}
{%- endmacro %}

{#- dbt's hook for a data test's `where`: `__window__` stands for the window of the model under test. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where == '__window__' -%}
        {%- set tested = graph.nodes.get(model.attached_node) if execute else none -%}
        {%- set where = in_window('hour_start', hours_before=lookback_hours(tested) if tested else 0) -%}
    {%- endif -%}
    {%- if where in ['', 'true'] -%}
        {{- return(relation) -}}
    {%- endif -%}
    {{- return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') dbt_subquery') -}}
{%- endmacro %}
