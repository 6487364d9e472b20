"""The lake's sensor as the daemon calls it."""

import dagster as dg
import pytest

from ticketsim_assets.automation.sensors import lake_sensor
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.settings import Settings

from ..conftest import hour_of


@pytest.mark.slow
@pytest.mark.parametrize("trigger", ["dagster", "airflow"])
def test_who_asks_for_first_loads_is_a_setting(maker, run_messages, instance, trigger):
    asks = trigger == "dagster"
    sensor = lake_sensor(Settings(trigger=trigger, bootstrap="127.0.0.1:9"))
    maker.append(run_messages)
    result = sensor(dg.build_sensor_context(instance, resources={"lake": LakeResource(uri=str(maker.root))}))
    offered = LakeCursor.from_json(result.cursor).offered
    assert bool(result.run_requests) is asks
    assert (offered is None) is asks
    tags = result.run_requests[0].tags if asks else offered[0].tags
    hours = sorted({hour_of(message).key for message in run_messages})
    assert tags["dagster/asset_partition_range_start"] == hours[0]
    assert tags["dagster/asset_partition_range_end"] == hours[-1]
    assert tags["dagster/max_retries"] == "0"
