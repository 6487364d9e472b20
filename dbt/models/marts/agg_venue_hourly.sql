{%- set durations = activities() | reject('equalto', 'bus_arrival') | list -%}

with

{% for activity in activities() %}
{{ activity }} as (

    select * from {{ ref('stg_' ~ activity) }}
    where {{ in_window() }}

),

{% endfor %}
receipts as (

    select * from {{ ref('stg_hour_closed') }}
    where {{ in_window() }}

),

-- one row per venue, hour and activity; the receipts' rows keep hours in which nothing happened
activities as (

    {% for activity in activities() %}
    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        '{{ activity }}' as activity,
        count(*) as events,
        sum(party_size) as visitors,
        sum(duration_us * party_size) as visitor_us,
        {{ 'sum(amount_cents)' if activity == 'buy_tickets' else '0' }} as revenue_cents,
        sum({{ microseconds_between('arrived_at', 'event_time') }} * party_size) as time_in_system_us
    from {{ activity }}
    group by run_id, venue_id, hour_start, event_date
    union all
    {% endfor %}
    select distinct
        run_id,
        venue_id,
        hour_start,
        event_date,
        'hour_closed' as activity,
        0 as events,
        0 as visitors,
        0 as visitor_us,
        0 as revenue_cents,
        0 as time_in_system_us
    from receipts

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,

        ---------- counts
        {{ total_of('bus_arrival', 'events') }} as buses,
        {{ total_of('bus_arrival', 'visitors') }} as visitors_arrived,
        {{ total_of('buy_tickets', 'events') }} as groups_served,
        {{ total_of('scan_tickets', 'visitors') }} as visitors_admitted,
        {{ total_of('buy_tickets', 'revenue_cents') }} as revenue_cents,

        ---------- durations, weighted by visitors
        {% for activity in durations %}
        {{ total_of(activity, 'visitors') }} as {{ activity }}_visitors,
        {{ total_of(activity, 'visitor_us') }} as {{ activity }}_visitor_us,
        {% endfor %}
        {{ total_of('scan_tickets', 'time_in_system_us') }} as time_in_system_us

    from activities
    group by run_id, venue_id, hour_start, event_date

)

select * from final
