{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_marts_hourly'}}}) }}

select * from {{ ref('reconciliation_marts_hourly') }}
where {{ in_window('hour_start') }} and state = 'wrong'
