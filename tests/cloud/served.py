"""The wait for an emulator that was started."""

import urllib.request

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed


def wait_until_served(url: str, *, seconds: float) -> None:
    """Ask for ``url`` until it is answered; after ``seconds`` the last error is raised."""
    retrying = Retrying(
        retry=retry_if_exception_type(OSError), stop=stop_after_delay(seconds), wait=wait_fixed(0.05), reraise=True
    )
    retrying(lambda: urllib.request.urlopen(url, timeout=5).close())  # noqa: S310
