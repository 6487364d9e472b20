"""raw/events as a run of Dagster has it."""

from datetime import UTC, datetime

import dagster as dg

from streaming.hour import Hour
from ticketsim_assets.assets.partitions import hourly_partitions
from ticketsim_assets.assets.raw import LoadConfig, raw_assets
from ticketsim_assets.keys import RAW_EVENTS
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.resources.warehouse import warehouse_resource
from ticketsim_assets.settings import Settings

from ..conftest import START


def test_a_run_loads_nothing_from_a_lake_that_lacks_an_offset_even_if_it_is_to_load_the_hour_as_it_is(
    maker, run_messages, instance, tmp_path
):
    """Whoever asks for runs looks as well, but anybody may ask for one."""
    maker.append(run_messages)
    maker.table.delete("topic = 'ticketsim.scan_tickets' and kafka_offset = 5")
    run = dg.materialize(
        raw_assets(hourly_partitions(datetime(2026, 1, 1, tzinfo=UTC)), "duckdb"),
        selection=[RAW_EVENTS],
        partition_key=Hour.containing(START).key,
        resources={"lake": LakeResource(uri=str(maker.root)), "warehouse": warehouse_resource(Settings(home=tmp_path))},
        run_config=dg.RunConfig({"raw__events": LoadConfig(allow_incomplete=True)}),
        instance=instance,
        raise_on_error=False,
    )
    assert not run.success
    [failed] = [event for event in run.all_events if event.is_step_failure]
    assert "ticketsim.scan_tickets/0: 1 offsets between" in failed.step_failure_data.error.to_string()
    assert not (tmp_path / "warehouse.duckdb").exists()
