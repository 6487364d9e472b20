{#-
  Lower edges of the bins in which durations are counted, seconds; the last bin is open. Bins of four seconds up to 16 s, from
  there on four to each doubling: a bin is no wider than a quarter of its lower edge.
-#}
{% macro duration_bin_edges() -%}
    {{- return([
        0, 4, 8, 12,
        16, 20, 24, 28,
        32, 40, 48, 56,
        64, 80, 96, 112,
        128, 160, 192, 224,
        256, 320, 384, 448,
        512, 640, 768, 896,
        1024, 1280, 1536, 1792,
        2048, 2560, 3072, 3584,
        4096, 5120, 6144, 7168,
        8192, 10240, 12288, 14336,
    ]) -}}
{%- endmacro %}

{#- Where the bin of a duration begins, microseconds. -#}
{% macro bin_from(duration_us) -%}
    {%- set edges = duration_bin_edges() -%}
    cast(
        case
            {%- for edge in edges[1:] %}
            when {{ duration_us }} < {{ edge * 1000000 }} then {{ edges[loop.index0] * 1000000 }}
            {%- endfor %}
            else {{ edges[-1] * 1000000 }}
        end as bigint
    )
{%- endmacro %}

{#- Where the next bin begins, microseconds; null for a duration of the last bin. -#}
{% macro bin_to(duration_us) -%}
    cast(
        case
            {%- for edge in duration_bin_edges()[1:] %}
            when {{ duration_us }} < {{ edge * 1000000 }} then {{ edge * 1000000 }}
            {%- endfor %}
        end as bigint
    )
{%- endmacro %}

{#-
  Select of a percentile of durations that were counted in bins: for each value of `keys` the bin, `from_us` and `to_us`, of
  which the nearest rank is, and `value_us` in it, as if the durations of a bin lay at equal distances; of the open bin it is
  the lower edge. `relation` has `keys`, `from_us`, `to_us` and the number of durations, or of their visitors, in `counted`;
  `percent` is a whole number. docs/data-dictionary.md says how exact it is.
-#}
{% macro percentile_from_bins(relation, keys, counted, percent) -%}
    {%- set listed = keys | join(', ') -%}
select
    {{ listed }},
    from_us,
    to_us,
    case
        when to_us is null then from_us
        else cast(
            from_us + (to_us - from_us) * (size_until * {{ percent }} / 100 - (size_until_bin - size_of_bin))
            / size_of_bin as bigint
        )
    end as value_us
from (
    select
        *,
        row_number() over (partition by {{ listed }} order by from_us) as position
    from (
        select
            *,
            sum(size_of_bin) over (
                partition by {{ listed }}
                order by from_us
                rows between unbounded preceding and current row
            ) as size_until_bin,
            sum(size_of_bin) over (partition by {{ listed }}) as size_until
        from (
            select
                {{ listed }},
                from_us,
                to_us,
                sum({{ counted }}) as size_of_bin
            from {{ relation }}
            group by {{ listed }}, from_us, to_us
        ) as bins
    ) as added_up
    where size_until_bin * 100 >= size_until * {{ percent }}
) as reached
where position = 1
{%- endmacro %}
