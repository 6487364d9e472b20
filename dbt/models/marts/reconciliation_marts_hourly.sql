{%- set sums = receipt_sums() -%}

with

receipts as (

    select * from {{ ref('stg_hour_closed') }}

),

measures as (

    {% for sum in sums %}
    select
        '{{ sum.mart }}' as mart,
        '{{ sum.column }}' as measure,
        '{{ sum.activity }}' as event_type,
        '{{ sum.of_receipt }}' as of_receipt,
        {{ "'" ~ sum.rows ~ "'" if sum.rows else 'cast(null as string)' }} as of_rows
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

expected as (

    select
        receipts.run_id,
        receipts.venue_id,
        receipts.hour_start,
        receipts.event_date,
        measures.mart,
        measures.measure,
        measures.event_type,
        case measures.of_receipt
            {% for of_receipt in sums | map(attribute='of_receipt') | unique %}
            when '{{ of_receipt }}' then receipts.{{ of_receipt }}
            {% endfor %}
        end as expected,
        cast(null as bigint) as actual,
        1 as receipts
    from receipts
    inner join measures on receipts.of_event_type = measures.event_type

),

{% for mart in sums | map(attribute='mart') | unique %}
{%- set of_mart = sums | selectattr('mart', 'equalto', mart) | list %}
of_{{ mart }} as (

    select
        {{ mart }}.run_id,
        {{ mart }}.venue_id,
        {{ mart }}.hour_start,
        {{ mart }}.event_date,
        measures.mart,
        measures.measure,
        measures.event_type,
        cast(null as bigint) as expected,
        case measures.measure
            {% for column in of_mart | map(attribute='column') | unique %}
            when '{{ column }}' then {{ mart }}.{{ column | replace(' + ', ' + ' ~ mart ~ '.') }}
            {% endfor %}
        end as actual,
        0 as receipts
    from {{ ref(mart) }} as {{ mart }}
    inner join measures
        on
            measures.mart = '{{ mart }}'
            {%- for told_by in of_mart | map(attribute='told_by') | select | unique %}
            and (measures.of_rows is null or {{ mart }}.{{ told_by }} = measures.of_rows)
            {%- endfor %}

),

{% endfor %}
-- a full outer join written as group by: conditions on event_date reach all tables
figures as (

    select * from expected
    {% for mart in sums | map(attribute='mart') | unique %}
    union all
    select * from of_{{ mart }}
    {% endfor %}

),

compared as (

    select
        run_id,
        venue_id,
        hour_start,
        event_date,
        mart,
        measure,
        event_type,
        cast(max(expected) as bigint) as expected,
        cast(coalesce(sum(actual), 0) as bigint) as actual,
        max(receipts) as receipts,
        count(actual) as mart_rows
    from figures
    group by run_id, venue_id, hour_start, event_date, mart, measure, event_type

),

located as (

    select
        *,
        -- an hour without anybody has no lines and no waits, but its row of the venue
        sum(mart_rows) over (partition by run_id, venue_id, hour_start, event_date) as rows_of_hour
    from compared

),

judged as (

    select
        *,
        case
            when receipts = 0 or rows_of_hour = 0 then 'unproved'
            when expected is null then 'counted'
            when actual = expected then 'proved'
            else 'wrong'
        end as state
    from located

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        mart,
        measure,
        event_type,

        ---------- figures
        expected,
        case when rows_of_hour > 0 then actual end as actual,

        ---------- judgement
        state,
        case
            when state = 'proved' then cast(null as string)
            when receipts = 0 then 'no receipt'
            when rows_of_hour = 0 then 'the hour stands in no mart'
            when expected is null then 'the receipt does not state this sum'
            else concat(
                mart, '.', measure, ' is ', cast(actual as string), ', by the receipt ', cast(expected as string)
            )
        end as difference

    from judged

)

select * from final
