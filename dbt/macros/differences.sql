{#-
  One row per venue, hour and figure of which what a test expects is not what it found: `figures` lists [name, expected,
  actual], the last two as expressions over the columns of `relation`. The checks' messages are made from these columns.
-#}
{% macro differences(relation, figures) -%}
    {%- for name, expected, actual in figures %}
select
    run_id,
    venue_id,
    hour_start,
    '{{ name }}' as figure,
    cast({{ expected }} as string) as expected,
    cast({{ actual }} as string) as actual
from {{ relation }}
where {{ expected }} <> {{ actual }}
        {%- if not loop.last %}
union all
        {%- endif %}
    {%- endfor %}
{%- endmacro %}
