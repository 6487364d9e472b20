{#- A journey belongs to the hour of admission; its parts may lie in earlier hours, and a part that came late belongs to
    journeys of later hours: macros/journeys.sql says which rows are built, and from which hours. -#}
{%- set span = journey_span(ref('fct_admissions')) -%}

with

admissions as (

    select * from {{ ref('fct_admissions') }}
    where {{ replaced_rows(model) }}

),

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ between_hours(span, 'hour_start') }}

),

sales as (

    select * from {{ ref('fct_ticket_sales') }}
    where {{ between_hours(span, 'hour_start') }}

),

walks_to_seller as (

    select * from {{ ref('stg_walk_to_seller') }}
    where {{ between_hours(span) }}

),

walks_to_scanner as (

    select * from {{ ref('stg_walk_to_scanner') }}
    where {{ between_hours(span) }}

),

seller_waits as (

    select * from waits
    where stage = 'seller'

),

scanner_waits as (

    select * from waits
    where stage = 'scanner'

),

-- at the sellers the group is one party, from the walk to the scanners on every visitor is; where the parts of a
-- journey may lie is said for each, from arrival to admission, so that no figure depends on hours built together
joined as (

    select
        admissions.*,
        sales.line as seller_line,
        walks_to_seller.duration_us as walk_to_seller_us,
        seller_waits.wait_us as wait_in_seller_line_us,
        sales.sale_us as buy_tickets_us,
        walks_to_scanner.duration_us as walk_to_scanner_us,
        scanner_waits.wait_us as wait_in_scanner_line_us,
        walks_to_seller.started_at as walk_to_seller_began_at,
        walks_to_seller.event_time as walk_to_seller_ended_at,
        seller_waits.joined_at as seller_line_joined_at,
        seller_waits.served_at as seller_line_left_at,
        sales.sale_began_at,
        sales.sold_at,
        walks_to_scanner.started_at as walk_to_scanner_began_at,
        walks_to_scanner.event_time as walk_to_scanner_ended_at,
        scanner_waits.joined_at as scanner_line_joined_at,
        scanner_waits.served_at as scanner_line_left_at
    from admissions
    {% for part, key in [
        ('walks_to_seller', 'group_id'),
        ('seller_waits', 'group_id'),
        ('sales', 'group_id'),
        ('walks_to_scanner', 'first_visitor_id'),
        ('scanner_waits', 'first_visitor_id'),
    ] %}
    left join {{ part }}
        on
            admissions.run_id = {{ part }}.run_id
            and admissions.venue_id = {{ part }}.venue_id
            and admissions.{{ key }} = {{ part }}.{{ key }}
            and {{ part }}.hour_start >= {{ hour_of('admissions.arrived_at') }}
            and {{ part }}.hour_start <= admissions.hour_start
    {% endfor %}

),

-- null as soon as one part of the way is missing
added_up as (

    select
        *,
        case
            when channel = 'box_office'
                then walk_to_seller_us + wait_in_seller_line_us + buy_tickets_us
            else 0
        end
        + walk_to_scanner_us + wait_in_scanner_line_us + scan_us as parts_us,
        case
            when channel = 'box_office'
                then
                    {{ microseconds_between('arrived_at', 'walk_to_seller_began_at') }}
                    + {{ microseconds_between('walk_to_seller_ended_at', 'seller_line_joined_at') }}
                    + {{ microseconds_between('seller_line_left_at', 'sale_began_at') }}
                    + {{ microseconds_between('sold_at', 'walk_to_scanner_began_at') }}
            else {{ microseconds_between('arrived_at', 'walk_to_scanner_began_at') }}
        end
        + {{ microseconds_between('walk_to_scanner_ended_at', 'scanner_line_joined_at') }}
        + {{ microseconds_between('scanner_line_left_at', 'scan_began_at') }} as gaps_us
    from joined

),

final as (

    select

        ---------- ids
        event_id,
        run_id,
        venue_id,
        hour_start,
        event_date,
        bus_id,
        group_id,
        first_visitor_id,
        seller_line,
        line as scanner_line,

        ---------- facts
        party_size,
        channel,
        parts_us is not null as is_complete,

        ---------- times
        arrived_at,
        admitted_at,
        walk_to_seller_us,
        wait_in_seller_line_us,
        buy_tickets_us,
        walk_to_scanner_us,
        wait_in_scanner_line_us,
        scan_us as scan_tickets_us,
        gaps_us,
        time_in_system_us

    from added_up

)

select * from final
