with

quarantine as (

    select * from {{ source('raw', 'quarantine') }}
    where {{ every_row() }}

),

final as (

    select

        ---------- ids
        topic,
        kafka_partition,
        kafka_offset,

        ---------- facts
        reason,

        ---------- times
        kafka_timestamp,
        ingested_at,
        event_date,
        {{ hour_of('kafka_timestamp') }} as hour_start

    from quarantine

)

select * from final
