{{ config(meta={'dagster': {'ref': {'name': 'agg_wait_histogram_hourly'}}}) }}

with

lines as (

    select * from {{ ref('agg_line_hourly') }}
    where {{ in_window('hour_start') }}

),

bins as (

    select * from {{ ref('agg_wait_histogram_hourly') }}
    where {{ in_window('hour_start') }}

),

{% for percent in [50, 95] %}
p{{ percent }} as (

    {{ percentile_from_bins('bins', ['run_id', 'venue_id', 'hour_start', 'stage', 'line'], 'waits', percent) }}

),

{% endfor %}
final as (

    {% for percent in [50, 95] %}
    select
        lines.run_id,
        lines.venue_id,
        lines.hour_start,
        concat(lines.stage, ' line ', cast(lines.line as string), ', p{{ percent }} of waits, us') as figure,
        concat(cast(p{{ percent }}.from_us as string), ' to ', coalesce(cast(p{{ percent }}.to_us as string), 'any'))
            as expected,
        cast(lines.wait_p{{ percent }}_us as string) as actual
    from lines
    inner join p{{ percent }}
        on
            lines.run_id = p{{ percent }}.run_id
            and lines.venue_id = p{{ percent }}.venue_id
            and lines.hour_start = p{{ percent }}.hour_start
            and lines.stage = p{{ percent }}.stage
            and lines.line = p{{ percent }}.line
    where
        lines.wait_p{{ percent }}_us < p{{ percent }}.from_us
        or lines.wait_p{{ percent }}_us >= p{{ percent }}.to_us
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
