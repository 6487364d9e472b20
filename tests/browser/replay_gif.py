"""Make docs/images/replay.gif from a page: the day as it was, then with two sellers more, as Chromium draws it.

``make replay-gif`` takes the page that ``make demo`` built.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from ticketsim.stack.chromium import find_chromium

MOST_BYTES: Final = 2_000_000

_WIDTH: Final = 980
_HEIGHT: Final = 1000
_FRAME_MS: Final = 110
_LAST_MS: Final = 2500

#: The part of the day that is shown, minutes, and how far two frames are apart.
_FROM, _UNTIL, _STEP = 8 * 60, 11 * 60, 3

#: Few colours make small files, and the page has few.
_COLOURS: Final = 64


@contextmanager
def opened(page_file: Path) -> Iterator[Page]:
    """Open the replay of a page, alone on the screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, offline=True, color_scheme="light")
        page.goto(page_file.absolute().as_uri())
        page.locator("#replay-section").scroll_into_view_if_needed()
        page.wait_for_selector("#what-if")
        # the filters stick to the top, over whatever is there
        page.locator(".filters").evaluate("(filters) => { filters.style.position = 'static'; }")
        page.locator("#replay-section").evaluate("(section) => { scrollTo(0, section.offsetTop); }")
        yield page
        browser.close()


def frames(page: Page) -> Iterator[Image.Image]:
    """Yield the pictures: the morning as it was, and the same morning with eight sellers."""
    for minute in range(_FROM, _UNTIL, _STEP):
        yield _frame(page, minute)
    sellers = page.locator("#what-if-sellers")
    for more in (1, 2):
        sellers.press("ArrowRight")
        page.wait_for_url(lambda url, more=more: url.endswith(f"s={6 + more}"))
        for _ in range(3):
            yield _frame(page, _UNTIL)
    for minute in range(_FROM, _UNTIL + 1, 2 * _STEP):
        yield _frame(page, minute)


def _frame(page: Page, minute: int) -> Image.Image:
    page.locator("#replay-time").evaluate(
        "(slider, minute) => { slider.value = minute; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        minute,
    )
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    top = page.locator("#replay-section").bounding_box()
    table = page.locator("#replay-section .outcome").bounding_box()
    assert top is not None
    assert table is not None
    shot = page.screenshot(clip={**top, "height": table["y"] + table["height"] - top["y"] + 8})
    return Image.open(BytesIO(shot)).convert("RGB")


def main(page_file: str, picture: str) -> None:
    """Write the moving picture.

    Raises:
        ValueError: It would be larger than a README should load.
    """
    with opened(Path(page_file)) as page:
        shots = list(frames(page))
    # one palette for all, or still parts flicker: that of a frame with everything in it
    palette = shots[-1].quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    first, *rest = (shot.quantize(palette=palette, dither=Image.Dither.NONE) for shot in shots)
    written = BytesIO()
    durations = [_FRAME_MS] * len(rest) + [_LAST_MS]
    first.save(written, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, optimize=True)
    if len(written.getvalue()) > MOST_BYTES:
        raise ValueError(f"The picture has {len(written.getvalue()):,} bytes; expected at most {MOST_BYTES:,}.")
    Path(picture).write_bytes(written.getvalue())


if __name__ == "__main__":
    main(*sys.argv[1:])
