{#-
  Incremental strategy `hour_window`: replaces the whole window, whatever its length, by one delete and one insert in one
  transaction; without a window it replaces everything. (dbt's own microbatch asks one query per hour and model.)
-#}
{% macro get_incremental_hour_window_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set replace -%}
        delete from {{ arg_dict['target_relation'] }}
        where {{ replaced_rows(model) }};

        insert into {{ arg_dict['target_relation'] }} ({{ columns }})
        select {{ columns }} from {{ arg_dict['temp_relation'] }};
    {%- endset -%}
    {{- return(adapter.dispatch('in_transaction')(replace)) -}}
{%- endmacro %}

{#- dbt-duckdb runs a model's statements between BEGIN and COMMIT already. -#}
{% macro duckdb__in_transaction(statements) -%}
    {{- return(statements) -}}
{%- endmacro %}

{% macro bigquery__in_transaction(statements) -%}
    {{- return('begin transaction;\n' ~ statements ~ '\ncommit transaction;') -}}
{%- endmacro %}
