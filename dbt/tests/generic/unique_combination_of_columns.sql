{#-
  The primary key of a model or source: fails for every combination of columns that stands in more than one row, or of which
  a part is null. Name and argument are those of dbt_utils, by which dbt and its tools recognise a key.
-#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

select
    {{ combination_of_columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ combination_of_columns | join(', ') }}
having
    count(*) > 1
    {% for column in combination_of_columns %}
    or {{ column }} is null
    {% endfor %}

{% endtest %}
