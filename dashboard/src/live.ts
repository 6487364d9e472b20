/** A page that is served asks whether there is a newer one, and takes it when nobody is at it: what is chosen, focus and place stay. */

const EVERY_MS = 10_000;

/** So long nobody has touched anything. */
const QUIET_MS = 3000;

/** Within that, what is in view is drawn. */
const DRAWN_MS = 800;

const KEY = "ticketsim-place";

interface Place {
  focus: string | null;
  scroll: number;
  open: number[];
}

const details = () => [...document.querySelectorAll("details")];

function leave(): void {
  const place: Place = {
    focus: document.activeElement?.id || null,
    scroll: scrollY,
    open: details().flatMap(({ open }, at) => (open ? [at] : [])),
  };
  sessionStorage.setItem(KEY, JSON.stringify(place));
  location.reload();
}

function comeBack(): void {
  const kept = sessionStorage.getItem(KEY);
  if (!kept) return;
  sessionStorage.removeItem(KEY);
  const { focus, scroll, open } = JSON.parse(kept) as Place;
  details().forEach((element, at) => (element.open = open.includes(at)));
  const until = performance.now() + DRAWN_MS;
  // what had the focus may be in a part that is drawn when it comes into view
  const look = () => {
    scrollTo({ top: scroll, behavior: "instant" });
    const element = focus === null ? null : document.getElementById(focus);
    element?.focus({ preventScroll: true });
    if (document.activeElement !== element && performance.now() < until) requestAnimationFrame(look);
  };
  look();
}

/**
 * Follow the page that is served, if it is: a file asks nobody.
 *
 * `busy` says whether something moves that a new page would stop.
 */
export function follow(busy: () => boolean): void {
  const shown = document.documentElement.dataset.live;
  if (shown === undefined) return;
  comeBack();
  let touched = -Infinity;
  for (const event of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    addEventListener(event, () => (touched = performance.now()), { passive: true });
  }
  const look = async () => {
    const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => undefined);
    const newest = answer?.ok ? answer.headers.get("ETag") : undefined;
    if (newest && newest !== `"${shown}"` && !busy() && performance.now() - touched > QUIET_MS) leave();
  };
  setInterval(() => void look(), EVERY_MS);
}
