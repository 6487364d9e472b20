"""Alerts for failed runs: a line of text posted to a webhook, as Slack, Mattermost and Google Chat accept it."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Final

import dagster as dg

from ticketsim_assets.exceptions import AlertRefused
from ticketsim_assets.hours.run_history import has_crashed
from ticketsim_assets.hours.run_tags import partition_range
from ticketsim_assets.settings import Settings

_TIMEOUT_S: Final = 15.0


def send_alert(url: str, text: str) -> None:
    """Post ``{"text": text}`` to the webhook.

    Raises:
        AlertRefused: The webhook did not accept it. The address stays secret: anyone who has it can post there.
    """
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - configured
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        raise AlertRefused(f"The webhook of TICKETSIM_ALERT_URL answered {error.code}; not delivered: {text}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AlertRefused(
            f"The webhook of TICKETSIM_ALERT_URL does not answer ({type(error).__name__}); not delivered: {text}"
        ) from None


def _alert_after_failure(context: dg.RunFailureSensorContext, url: str) -> dg.SkipReason | None:
    """Post an alert for a failed run, unless its process was killed: such a run is requested again."""
    run = context.dagster_run
    if has_crashed(run):
        return dg.SkipReason("the run was killed and will be requested again")
    hours = " to ".join(dict.fromkeys(partition_range(run.tags) or ()))
    send_alert(
        url,
        f"Ticketsim: {run.job_name} failed{f' for {hours}' if hours else ''} (run {run.run_id}): "
        f"{context.failure_event.message}",
    )
    return None


def alert_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """Return the alert sensor, or nothing where no webhook is configured."""
    if settings.alert_url is None:
        return []
    url = settings.alert_url.get_secret_value()

    @dg.run_failure_sensor(
        name="alert_after_failure",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts to the webhook of TICKETSIM_ALERT_URL when a run fails.",
    )
    def alert_after_failure(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        return _alert_after_failure(context, url)

    return [alert_after_failure]
