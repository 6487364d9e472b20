{{ config(meta={'dagster': {'ref': {'name': 'agg_occupancy_5min'}}}) }}

with

slots as (

    select * from {{ ref('agg_occupancy_5min') }}
    where {{ between_hours(activity_span().rebuilt, 'hour_start') }}

),

final as (

    select
        run_id,
        venue_id,
        hour_start,
        concat(stage, ' at ', cast(slot_start as string)) as figure,
        'nobody or more, and at the start no more than at most' as expected,
        concat(
            'walking ', cast(walking as string), ' of ', cast(walking_max as string),
            ', waiting ', cast(waiting as string), ' of ', cast(waiting_max as string),
            ', serving ', cast(serving as string), ' of ', cast(serving_max as string),
            ', at once ', cast(people_max as string)
        ) as actual
    from slots
    where
        walking not between 0 and walking_max
        or waiting not between 0 and waiting_max
        or serving not between 0 and serving_max
        or people_max not between walking + waiting + serving and walking_max + waiting_max + serving_max

)

select * from final
