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
  Condition that every row meets. BigQuery refuses to read all days of a table unless the query says so in this way.
-#}
{% macro every_row(table='') -%}
    {{- return(adapter.dispatch('every_row')(table)) -}}
{%- endmacro %}

{% macro duckdb__every_row(table) -%}
    {{- return('true') -}}
{%- endmacro %}

{% macro bigquery__every_row(table) -%}
    {%- set date = (table ~ '.' if table else '') ~ 'event_date' -%}
    {{- return('(' ~ date ~ ' is null or ' ~ date ~ ' is not null)') -}}
{%- endmacro %}

{#-
  Condition that a row's `column` lies in the window, widened by whole hours at either end; every row without a window.
-#}
{% macro in_window(column='event_time', hours_before=0, hours_after=0, table='') -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- every_row(table) -}}
    {%- else -%}
        {{- between_hours({
            'start': window.start - modules.datetime.timedelta(hours=hours_before),
            'end': window.end + modules.datetime.timedelta(hours=hours_after),
        }, column, table) -}}
    {%- endif -%}
{%- endmacro %}

{#-
  Condition that a row's `column` lies in `span`, as window() gives it; every row if that is none. event_date is named as
  well: it is what partitions (BigQuery) and the zone maps of long histories (DuckDB) prune by.
-#}
{% macro between_hours(span, column='event_time', table='') -%}
    {%- if span is none -%}
        {{- every_row(table) -}}
    {%- else -%}
        {%- set prefix = table ~ '.' if table else '' -%}
        {%- set last = span.end - modules.datetime.timedelta(seconds=1) -%}
        (
            {{ prefix }}event_date between date '{{ span.start.date() }}' and date '{{ last.date() }}'
            and {{ prefix }}{{ column }} >= {{ timestamp_literal(span.start) }}
            and {{ prefix }}{{ column }} < {{ timestamp_literal(span.end) }}
        )
    {%- endif -%}
{%- endmacro %}

{#- Condition, by the partitioning column alone, that a row lies in the window or after it; every row without one. -#}
{% macro from_window() -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- return(every_row()) -}}
    {%- endif -%}
    {{- return("event_date >= date '" ~ window.start.date() ~ "'") -}}
{%- endmacro %}

{#- Condition that a row's hour lies after the window; `false` without one. -#}
{% macro after_window() -%}
    {%- set window = window() if execute else none -%}
    {%- if window is none -%}
        {{- return('false') -}}
    {%- endif -%}
    {{- return(
        "(event_date >= date '" ~ window.end.date() ~ "' and hour_start >= " ~ timestamp_literal(window.end) ~ ')'
    ) -}}
{%- endmacro %}

{#-
  Condition that a row of `node` is one that the invocation replaces: those of its window, with `meta.reaches_back: services`
  those of earlier hours too that services of the window keep busy, with `meta.reaches_back: activities` those in which somebody
  walked, waited or was served who ended in the window (macros/activity_span.sql), with `meta.reaches_back: journeys`
  those of later hours that can reach back into it, with `meta.reaches_back: hours_of_journeys` all of the hours that have such
  rows (macros/journeys.sql).
-#}
{% macro replaced_rows(node) -%}
    {%- set reaches_back = node.config.get('meta', {}).get('reaches_back') -%}
    {%- if reaches_back == 'services' -%}
        {{- return(between_hours(service_span().rebuilt, 'hour_start')) -}}
    {%- endif -%}
    {%- if reaches_back == 'activities' -%}
        {{- return(between_hours(activity_span().rebuilt, 'hour_start')) -}}
    {%- endif -%}
    {%- if reaches_back == 'hours_of_journeys' -%}
        {{- return(between_hours(hours_of_journeys(), 'hour_start')) -}}
    {%- endif -%}
    {%- set rows = in_window('hour_start') -%}
    {%- if reaches_back == 'journeys' and rows != every_row() -%}
        {#- BigQuery takes a table's partition filter from conjunctions: an `or` of two ranges of days is none. -#}
        {%- set rows = '(' ~ from_window() ~ ' and (' ~ rows ~ ' or ' ~ reaches_back_into_window() ~ '))' -%}
    {%- endif -%}
    {{- return(rows) -}}
{%- endmacro %}

{#-
  dbt's hook for a data test's `where`: `__window__` stands for the rows that the invocation replaces in the model under
  test, or those of its window in a source; a dimension, which has no hours, is tested as a whole.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') or '' -%}
    {%- if where == '__window__' -%}
        {%- set tested = graph.nodes.get(model.attached_node) if execute else none -%}
        {%- if not execute or (tested and tested.config.get('incremental_strategy') == 'merge') -%}
            {%- set where = '' -%}
        {%- elif tested -%}
            {%- set where = replaced_rows(tested) -%}
        {%- else -%}
            {%- set where = in_window(graph.sources[model.depends_on.nodes[0]].config.meta.window_column) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if where in ['', 'true'] -%}
        {{- return(relation) -}}
    {%- endif -%}
    {{- return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') dbt_subquery') -}}
{%- endmacro %}
