{#-
  The activities whose visitors and durations `agg_venue_hourly` holds. A type that the contract gains is asked for its receipts at
  once (`activities()`), and changes no mart until it is named here, in `int_seller_activities_hourly` or
  `int_scanner_activities_hourly`, and in the mart's columns.
-#}
{% macro timed_activities() -%}
    {{- return([
        'walk_to_seller',
        'wait_in_seller_line',
        'buy_tickets',
        'walk_to_scanner',
        'wait_in_scanner_line',
        'scan_tickets',
    ]) -}}
{%- endmacro %}
