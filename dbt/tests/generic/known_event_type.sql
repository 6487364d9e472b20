{#-
  Accepted values of a column of event types: the activities and, unless `receipts` is false, the receipts' own type. The list
  stands in `activities()` alone, so that a new type need not be named here.
-#}
{% test known_event_type(model, column_name, receipts=true) %}

select {{ column_name }}
from {{ model }}
where
    {{ column_name }} not in (
        {% for event_type in activities() + (['hour_closed'] if receipts else []) %}
        '{{ event_type }}'{% if not loop.last %},{% endif %}
        {% endfor %}
    )

{% endtest %}
