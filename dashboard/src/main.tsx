/** Draws the page into its element, and what belongs to the browser rather than to a part of the page. */

import { render } from "preact";
import { redrawAll } from "./chart.tsx";
import { follow } from "./live.ts";
import { Heading } from "./heading.tsx";
import { Page } from "./page.tsx";
import { isPlaying } from "./replay/player.tsx";

// what the address holds is what is chosen: a link within the page must leave it alone
document.getElementById("badge")?.addEventListener("click", (event) => {
  event.preventDefault();
  const target = document.getElementById("offending") ?? document.getElementById("receipts");
  target?.scrollIntoView({ block: "start" });
  target?.focus({ preventScroll: true });
});

// a sheet is narrower than a screen: the charts are drawn for it before it is printed
for (const [name, printed] of [["beforeprint", true], ["afterprint", false]] as const) {
  addEventListener(name, () => {
    document.body.classList.toggle("sheet", printed);
    redrawAll();
  });
}

render(<Heading />, document.getElementById("heading")!);
render(<Page />, document.getElementById("page")!);
follow(() => isPlaying.value);
