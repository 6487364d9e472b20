{#-
  Which figures of which mart follow from the receipts of which activity: `column` is the mart's, summed over the rows of a venue
  and hour (those whose `told_by` is `rows`, unless it is none), `of_receipt` is what the receipt states.
-#}
{% macro receipt_sums() -%}
    {%- set sums = [] -%}
    {%- set venue_hours = [
        ('buses', 'bus_arrival', 'event_count'),
        ('visitors_arrived', 'bus_arrival', 'visitors'),
        ('arrivals_admitted + arrivals_inside', 'bus_arrival', 'visitors'),
        ('groups_served', 'buy_tickets', 'event_count'),
        ('revenue_cents', 'buy_tickets', 'revenue_cents'),
        ('visitors_admitted', 'scan_tickets', 'visitors'),
        ('time_in_system_us', 'scan_tickets', 'time_in_system_us'),
    ] -%}
    {%- for column, activity, of_receipt in venue_hours -%}
        {%- do sums.append(_receipt_sum('agg_venue_hourly', column, activity, of_receipt)) -%}
    {%- endfor -%}
    {%- for activity in timed_activities() -%}
        {%- for of_receipt in ['visitors', 'visitor_us'] -%}
            {%- do sums.append(_receipt_sum('agg_venue_hourly', activity ~ '_' ~ of_receipt, activity, of_receipt)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for stage, service in [('seller', 'buy_tickets'), ('scanner', 'scan_tickets')] -%}
        {%- set wait = 'wait_in_' ~ stage ~ '_line' -%}
        {%- do sums.append(_receipt_sum('agg_line_hourly', 'wait_count', wait, 'event_count', 'stage', stage)) -%}
        {%- do sums.append(_receipt_sum('agg_line_hourly', 'served', service, 'event_count', 'stage', stage)) -%}
        {%- do sums.append(_receipt_sum('agg_line_hourly', 'visitors', service, 'visitors', 'stage', stage)) -%}
        {%- for column, of_receipt in [('waits', 'event_count'), ('visitors', 'visitors')] -%}
            {%- do sums.append(_receipt_sum('agg_wait_histogram_hourly', column, wait, of_receipt, 'stage', stage)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set scan = 'scan_tickets' -%}
    {%- do sums.append(_receipt_sum('agg_time_in_system_hourly', 'visitors', scan, 'visitors')) -%}
    {%- do sums.append(_receipt_sum('agg_time_in_system_hourly', 'visitor_us', scan, 'time_in_system_us')) -%}
    {%- do sums.append(_receipt_sum('agg_journey_hourly', 'visitors', scan, 'visitors', 'step', scan)) -%}
    {%- do sums.append(_receipt_sum('agg_journey_hourly', 'visitor_us', scan, 'time_in_system_us')) -%}
    {{- return(sums) -}}
{%- endmacro %}

{% macro _receipt_sum(mart, column, activity, of_receipt, told_by=none, rows=none) -%}
    {{- return({
        'mart': mart, 'column': column, 'activity': activity, 'of_receipt': of_receipt, 'told_by': told_by, 'rows': rows
    }) -}}
{%- endmacro %}
