"""Vega, Vega-Lite and vega-embed as one script, bundled once per version of the package that has them."""

import importlib.metadata
import os
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def vega_script() -> str:
    """Return a script that defines ``vegaEmbed`` and no other global.

    It is kept in the user's cache folder, since bundling starts a JavaScript engine: 1.4 s of CPU for each page. Where
    nothing can be kept it is bundled in each process.
    """
    kept: Path | None = None
    with suppress(OSError, RuntimeError):  # no home, none that can be read, or the first page of all
        kept = _place()
        return kept.read_text(encoding="utf-8")
    script = _bundled()
    if kept is not None:
        with suppress(OSError):
            _keep(script, kept)
    return script


def _place() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "ticketsim"
    return folder / f"vega-{importlib.metadata.version('vl-convert-python')}.js"


def _bundled() -> str:
    import vl_convert  # noqa: PLC0415 - a V8 engine

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # a function around it, because the bundle would fill the page with its globals
    return "(()=>{" + bundle.replace("</script", "<\\/script") + "})()"


def _keep(script: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        unfinished.write_text(script, encoding="utf-8")
        unfinished.replace(place)
    finally:
        unfinished.unlink(missing_ok=True)
