with

admissions as (

    select * from {{ ref('fct_admissions') }}
    where {{ in_window('hour_start') }}

),

sorted_in as (

    select
        *,
        {{ bin_from('time_in_system_us') }} as from_us,
        {{ bin_to('time_in_system_us') }} as to_us
    from admissions

),

final as (

    select

        ---------- ids
        run_id,
        venue_id,
        hour_start,
        event_date,
        channel,
        from_us,
        to_us,

        ---------- visitors and their times
        cast(sum(party_size) as bigint) as visitors,
        cast(sum(time_in_system_us * party_size) as bigint) as visitor_us

    from sorted_in
    group by run_id, venue_id, hour_start, event_date, channel, from_us, to_us

)

select * from final
