"""News of failed runs, posted to a webhook that runs here."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import dagster as dg
import pytest

from ticketsim_assets.automation.alerts import alert_sensors, send_alert
from ticketsim_assets.exceptions import AlertRefused
from ticketsim_assets.settings import Settings

from ...http_server import serve


class Webhook:
    """Takes what is posted; answers with ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.posted: list[dict] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(webhook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = serve(Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/T0/hidden"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    running = Webhook()
    yield running
    running.server.shutdown()
    running.server.server_close()


def failed_run(instance: dg.DagsterInstance) -> tuple[dg.DagsterRun, dg.DagsterEvent]:
    @dg.op
    def breaks() -> None:
        raise ValueError("the seventh hour is wrong")

    @dg.job
    def hourly() -> None:
        breaks()

    tags = {"dagster/asset_partition_range_start": "2026-11-20-03:00", "dagster/asset_partition_range_end": "x"}
    result = hourly.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    return result.dagster_run, result.get_run_failure_event()


def look(run: dg.DagsterRun, event: dg.DagsterEvent, instance: dg.DagsterInstance) -> object:
    [sensor] = alert_sensors(Settings())
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name, dagster_event=event, dagster_instance=instance, dagster_run=run
    ).for_run_failure()
    return sensor(context)


def test_nobody_is_told_unless_somebody_wants_to_be():
    assert alert_sensors(Settings()) == []


def test_a_failed_run_is_told_with_its_job_and_hours(webhook: Webhook, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TICKETSIM_ALERT_URL", webhook.url)
    with dg.DagsterInstance.ephemeral() as instance:
        run, event = failed_run(instance)
        look(run, event, instance)
    [posted] = webhook.posted
    assert posted["text"].startswith(f"Ticketsim: hourly failed for 2026-11-20-03:00 to x (run {run.run_id}): ")


def test_a_webhook_that_refuses_fails_the_sensor_and_its_address_stays_secret(webhook: Webhook):
    webhook.status = 403
    with pytest.raises(AlertRefused, match="answered 403") as refused:
        send_alert(webhook.url, "hourly failed")
    assert "hidden" not in str(refused.value)
    webhook.server.shutdown()
    webhook.server.server_close()
    with pytest.raises(AlertRefused, match="does not answer") as silent:
        send_alert(webhook.url, "hourly failed")
    assert "hidden" not in str(silent.value)
