import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bundle } from "../bundle.mjs";

const MOST_BYTES = 400_000;

test("the bundle that the page embeds is what make page builds, byte for byte, and has its licences", async () => {
  const committed = readFileSync(new URL("../../ticketsim_assets/dashboard/page.js", import.meta.url), "utf8");
  assert.ok((await bundle()) === committed, "ticketsim_assets/dashboard/page.js is not what dashboard/src builds: make page");
  assert.ok(Buffer.byteLength(committed) <= MOST_BYTES, `the bundle has more than ${MOST_BYTES} bytes`);
  for (const name of ["preact", "@preact/signals", "@observablehq/plot", "d3-scale"]) {
    assert.ok(committed.slice(0, committed.indexOf("*/")).includes(name), `no licence of ${name}`);
  }
});
