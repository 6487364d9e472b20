/** The bins that waits are counted in, and how they are called. */

/** What plans are made for: so many visitors waited no longer than this, seconds. */
export const TARGET_S = 300;

/** Return a length in the words of its size, e.g. "96 s", "5 min", "2:08 min" or, to the minute, "1:08 h". */
export function edgeName(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 3600 ? `${parts(seconds)} min` : `${parts(Math.round(seconds / 60))} h`;
}

function parts(small: number): string {
  const rest = small % 60;
  return rest === 0 ? `${small / 60}` : `${Math.floor(small / 60)}:${String(rest).padStart(2, "0")}`;
}

/** Return the name of the bin that begins at `edges[i]`, e.g. "16–20 s", "112 s–2:08 min" or "3:59 h +". */
export function bucketName(edges: number[], i: number): string {
  const [from, to] = [edges[i], edges[i + 1]];
  if (to === undefined) return `${edgeName(from)} +`;
  if (from === 0) return `< ${edgeName(to)}`;
  const [first, last] = [edgeName(from), edgeName(to)];
  return `${first.split(" ")[1] === last.split(" ")[1] ? first.split(" ")[0] : first}–${last}`;
}

/**
 * Return the share of `counts` below `seconds`; null if nobody waited. Of the bin in which `seconds` lies it is the part that
 * there would be if its waits lay at equal distances.
 */
export function shareBelow(counts: Float64Array, edges: number[], seconds: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const partOf = (i: number): number => Math.min(1, Math.max(0, (seconds - edges[i]) / ((edges[i + 1] ?? Infinity) - edges[i])));
  const quick = counts.reduce((sum, count, i) => sum + count * partOf(i), 0);
  return all > 0 ? quick / all : null;
}
