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

{#- A statement that fails rolls back what the transaction did before it. -#}
{% macro bigquery__in_transaction(statements) -%}
    {{- return('begin transaction;\n' ~ statements ~ '\ncommit transaction;') -}}
{%- endmacro %}

{#-
  dbt-bigquery knows its own strategies only, and asks these two macros of its own which one it is and what to run; of the
  project's macros of a name dbt takes those first. on_schema_change, which is not `ignore`, has made the temporary table.
-#}
{% macro dbt_bigquery_validate_get_incremental_strategy(config) -%}
    {%- set strategy = config.get('incremental_strategy') -%}
    {%- if strategy not in ['hour_window', 'merge'] -%}
        {%- do exceptions.raise_compiler_error(
            "incremental_strategy " ~ strategy ~ " is not one of this project's: hour_window, merge"
        ) -%}
    {%- endif -%}
    {{- return(strategy) -}}
{%- endmacro %}

{% macro bq_generate_incremental_build_sql(
    strategy, tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns,
    tmp_relation_exists, copy_partitions, incremental_predicates
) -%}
    {%- if strategy == 'hour_window' -%}
        {{- return(get_incremental_hour_window_sql({
            'target_relation': target_relation, 'temp_relation': tmp_relation, 'dest_columns': dest_columns
        })) -}}
    {%- endif -%}
    {{- return(bq_generate_incremental_merge_build_sql(
        tmp_relation, target_relation, sql, unique_key, partition_by, dest_columns, tmp_relation_exists,
        incremental_predicates
    )) -}}
{%- endmacro %}
