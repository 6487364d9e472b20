{#- The seven event types that describe what visitors do, in the order in which a visitor meets them. -#}
{% macro activities() -%}
    {{- return([
        'bus_arrival',
        'walk_to_seller',
        'wait_in_seller_line',
        'buy_tickets',
        'walk_to_scanner',
        'wait_in_scanner_line',
        'scan_tickets',
    ]) -}}
{%- endmacro %}
