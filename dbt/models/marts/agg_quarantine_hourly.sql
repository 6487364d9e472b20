with

quarantine as (

    select * from {{ ref('stg_quarantine') }}

),

final as (

    select

        ---------- ids
        hour_start,
        event_date,
        topic,
        reason,

        ---------- counts
        count(*) as messages,
        min(kafka_timestamp) as first_at,
        max(kafka_timestamp) as last_at

    from quarantine
    group by hour_start, event_date, topic, reason

)

select * from final
