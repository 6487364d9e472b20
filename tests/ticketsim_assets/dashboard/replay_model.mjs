// Runs the page's own model on what the page embeds: packed days on stdin, each with staffings; waits on stdout.
import { readFileSync } from "node:fs";
import { readDay } from "../../../dashboard/src/replay/days.ts";
import { run } from "../../../dashboard/src/replay/model.ts";

const { stepUs, days } = JSON.parse(readFileSync(0, "utf8"));
const waits = (began, joined) => Array.from(began, (moment, at) => (moment - joined(at)) * stepUs);
const found = days.map(({ day: packed, staffings }) => {
  const day = readDay(packed, stepUs);
  const groupOf = new Uint32Array(day.scan.length);
  for (let group = 0; group < day.buys.length; group++) groupOf.fill(group, day.firstScan[group], day.firstScan[group + 1]);
  return staffings.map((staffing) => {
    const found = run(day, staffing ?? day.recorded);
    const sellers = waits(found.sellerBegan, (group) => found.sellerJoined[group]);
    return { sellers: sellers.filter((_, group) => day.buys[group]), scanners: waits(found.scanBegan, (scan) => found.scannerJoined[groupOf[scan]]) };
  });
});
process.stdout.write(JSON.stringify(found));
