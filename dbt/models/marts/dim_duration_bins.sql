{%- set edges = duration_bin_edges() -%}

with

bins as (

    {% for edge in edges %}
    select
        {{ loop.index0 }} as bin,
        {{ edge * 1000000 }} as from_us,
        {{ 'null' if loop.last else edges[loop.index] * 1000000 }} as to_us
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        cast(bin as bigint) as bin,
        cast(from_us as bigint) as from_us,
        cast(to_us as bigint) as to_us
    from bins

)

select * from final
