{#-
  Percentile by nearest rank within a group: the smallest value that at least `percent` percent of the group's values do
  not exceed. `position` is the value's row_number in ascending order, `size` the number of values in the group. Integers
  only, so that both engines agree to the microsecond; each engine's own percentile function interpolates or guesses.
-#}
{% macro nearest_rank(value, position, size, percent) -%}
    min(case when {{ position }} * 100 >= {{ size }} * {{ percent }} then {{ value }} end)
{%- endmacro %}

{#- Mean of an integer column, rounded to a whole number; null if there is no row. -#}
{% macro whole_mean(value) -%}
    cast(round(sum({{ value }}) / nullif(count({{ value }}), 0)) as bigint)
{%- endmacro %}

{#- Sum of a measure over the rows of one activity; 0 if there are none. -#}
{% macro total_of(activity, measure) -%}
    cast(coalesce(sum(case when activity = '{{ activity }}' then {{ measure }} end), 0) as bigint)
{%- endmacro %}

{#- The smaller of two values; the other one if one is null, which the engines' least() sees differently. -#}
{% macro smaller_of(left, right) -%}
    coalesce(least({{ left }}, {{ right }}), {{ left }}, {{ right }})
{%- endmacro %}

{#- The larger of two values; the other one if one is null. -#}
{% macro larger_of(left, right) -%}
    coalesce(greatest({{ left }}, {{ right }}), {{ left }}, {{ right }})
{%- endmacro %}
