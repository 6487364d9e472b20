{#-
  The schemas are called exactly `staging` and `marts`, without the target's schema in front. On BigQuery, where they are
  datasets of a project that others may use, the settings' prefix stands before them.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set prefix = env_var('TICKETSIM_BIGQUERY_DATASET_PREFIX', '') if target.type == 'bigquery' else '' -%}
    {{- prefix ~ custom_schema_name | trim if custom_schema_name else target.schema -}}
{%- endmacro %}
