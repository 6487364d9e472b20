/** The buckets that waits are counted in, and how they are called. */

/** What plans are made for: so many visitors waited no longer than this, seconds. */
export const TARGET_S = 300;

export function edgeName(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
}

/** Return the name of the bucket that begins at `edges[i]`, e.g. "15–30 s", "30 s–2 min" or "2 h +". */
export function bucketName(edges: number[], i: number): string {
  const [from, to] = [edges[i], edges[i + 1]];
  if (to === undefined) return `${edgeName(from)} +`;
  if (from === 0) return `< ${edgeName(to)}`;
  const [first, last] = [edgeName(from), edgeName(to)];
  return `${first.split(" ")[1] === last.split(" ")[1] ? first.split(" ")[0] : first}–${last}`;
}

/** Return the share of `counts` in buckets that end at `seconds` or before; null if nobody waited. */
export function shareBelow(counts: Float64Array, edges: number[], seconds: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const quick = counts.reduce((sum, count, i) => (edges[i + 1] <= seconds ? sum + count : sum), 0);
  return all > 0 ? quick / all : null;
}
