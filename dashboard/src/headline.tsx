/** One sentence of what stands out in the chosen hours. */

import { useMemo } from "preact/hooks";
import { quantile, shareBelow } from "./bins.ts";
import { duration, share } from "./figures.ts";
import { bucketRows } from "./series.ts";
import { channel, countWaits, data, line, range, scope, series, stage as chosenStage, target, unit, waits, zone } from "./state.ts";
import { zoneName } from "./zone.ts";

/** Say when waits were longest, at which station, and how many of all waits there were shorter than the target. */
export function Headline() {
  const [of, by, inZone, within] = [series.value, unit.value, zone.value, range.value];
  const found = useMemo(() => {
    const rows = bucketRows(of, by, inZone, undefined);
    const bucketOf = new Uint32Array(within.to - within.from);
    rows.forEach(({ i, from, to }) => bucketOf.fill(i, from - within.from, to - within.from));
    const stages = data.head.stages.map((_, at) => at).filter((at) => chosenStage.value === -1 || at === chosenStage.value);
    const counts = countWaits(within, 2 * rows.length, line.value, (i) => data.waits.stage[i] * rows.length + bucketOf[data.waits.hour[i] - within.from]);
    return stages
      .flatMap((stage) => rows.map((row) => ({ stage, when: row.when, p95: quantile(counts[stage * rows.length + row.i], data.head.edges, 0.95) })))
      .reduce((longest, each) => ((each.p95 ?? -1) > (longest.p95 ?? -1) ? each : longest));
  }, [of, by, inZone, within, scope.value, line.value, channel.value, chosenStage.value]);
  if (found.p95 === null) return null;
  const name = data.head.stages[found.stage];
  const quick = shareBelow(waits.value[found.stage], data.head.edges, target.value * 60);
  return (
    <p class="wide headline" id="headline">
      {`Waits at the ${name}s were longest ${by === "hour" ? "in the hour from" : "on"} ${found.when} ${zoneName(inZone)}: 95 % of visitors waited up to `}
      <strong>{duration(found.p95 * 1e6, "min")}</strong>
      {`. In all these hours ${share(quick)} of those who waited there did so for less than ${target.value} min.`}
    </p>
  );
}
