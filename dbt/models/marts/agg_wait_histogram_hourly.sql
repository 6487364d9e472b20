with

waits as (

    select * from {{ ref('fct_queue_waits') }}
    where {{ in_window('hour_start') }}

),

sorted_in as (

    select
        *,
        {{ bin_from('wait_us') }} as from_us,
        {{ bin_to('wait_us') }} as to_us
    from waits

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        stage,
        line,
        channel,
        from_us,
        to_us,

        ---------- counts
        count(*) as waits,
        cast(sum(party_size) as bigint) as visitors

    from sorted_in
    group by run_id, venue_id, hour_start, event_date, stage, line, channel, from_us, to_us

)

select * from final
