{#-
  A dimension's hook after it was merged into: removes the runs that are forgotten. Their hours are replaced as all hours are;
  what was merged into from a window is not taken out by the next one.
-#}
{% macro remove_forgotten_runs() -%}
    {{- return(
        'delete from ' ~ this ~ ' where run_id in (select run_id from ' ~ ref('stg_forgotten_runs') ~ ')'
    ) -}}
{%- endmacro %}
