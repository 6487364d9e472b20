import { axisX, axisY, barY, gridY, plot } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { bucketName, edgeName, shareBelow, TARGET_S } from "../buckets.ts";
import { Chart } from "../chart.tsx";
import { count, share } from "../figures.ts";
import { data, waits } from "../state.ts";

const { edges, stages } = data.head;

/** How long visitors waited: their share by the length of the wait, at sellers and scanners side by side. */
export function Waits() {
  const counts = waits.value;
  const last = edges.findLastIndex((_, i) => counts.some((count) => count[i] > 0));
  const quick = counts.map((of) => shareBelow(of, edges, TARGET_S));
  const words = stages.map((stage, at) => {
    const below = quick[at] === null ? "" : `: about ${share(quick[at])} below ${edgeName(TARGET_S)}`;
    return `at the ${stage}s${below}`;
  });
  const draw = useMemo(() => {
    const names = edges.slice(0, last + 1).map((_, i) => bucketName(edges, i));
    const sums = counts.map((of) => of.reduce((sum, each) => sum + each, 0));
    const bars = stages.flatMap((stage, at) =>
      names.map((_, i) => ({ stage, i, share: sums[at] ? counts[at][i] / sums[at] : 0 })),
    );
    return (width: number, height: number) => {
      const figure = plot({
        width,
        height,
        className: "plot",
        marginLeft: 52,
        marginRight: 16,
        marginTop: 8,
        marginBottom: 22,
        x: { type: "band", domain: names.map((_, i) => i), padding: 0.15 },
        y: { zero: true, nice: true, label: null },
        marks: [
          gridY({ ticks: 4, stroke: "var(--line)", strokeOpacity: 1 }),
          axisY({ ticks: 4, tickSize: 0, label: null, tickFormat: (part: number) => `${Math.round(100 * part)} %` }),
          axisX(thinned(names.length, width), { tickFormat: (i: number) => names[i], tickSize: 0, label: null }),
          ...stages.map((stage, at) =>
            barY(
              bars.filter((bar) => bar.stage === stage),
              { x: "i", y: "share", fill: at ? "var(--scanner)" : "var(--first)", ...(at ? { insetLeft: width / names.length / 2.35 } : { insetRight: width / names.length / 2.35 }), ry2: 2 },
            ),
          ),
        ],
      });
      const scale = figure.scale("x")!;
      const xs = names.map((_, i) => scale.apply(i) + scale.bandwidth! / 2);
      const tip = (i: number) => ({
        head: names[i],
        lines: stages.map((stage, at): [string, string] => [
          `at the ${stage}s`,
          `${count(counts[at][i])}, ${share(sums[at] ? counts[at][i] / sums[at] : null)}`,
        ]),
      });
      return { svg: figure, tips: { xs, of: tip } };
    };
  }, [counts]);
  return (
    <section class="card wide" aria-labelledby="waits-title">
      <h2 id="waits-title">
        How long visitors wait <span class="hint">share of visitors by the length of their wait; derived</span>
      </h2>
      <ul class="legend">
        {stages.map((stage, at) => (
          <li key={stage}>
            <i class={`swatch bar ${at ? "scanner" : "first"}`} />
            <span id={`waits-${stage}`}>{words[at]}</span>
          </li>
        ))}
      </ul>
      {last < 0 ? (
        <p class="nothing">Nobody waited in these hours.</p>
      ) : (
        <Chart id="waits" label={`Share of visitors by the length of their wait; ${words.join("; ")}`} height={220} draw={draw} />
      )}
    </section>
  );
}

/** Return the positions of as many names as there is room for. */
function thinned(names: number, width: number): number[] {
  const step = Math.ceil((names * 76) / width);
  return Array.from({ length: names }, (_, i) => i).filter((i) => i % step === 0);
}
