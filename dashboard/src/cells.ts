/** Colours of cells: the stronger, the more; another colour from a limit on. */

/** Return the colour of a value of which `most` is the strongest; at `limit` and beyond the colour that warns. */
export function shade(value: number, most: number, limit = Infinity): string {
  const strength = Math.round(12 + 88 * Math.min(1, most > 0 ? value / most : 0));
  return `color-mix(in oklab, var(${value >= limit ? "--second" : "--first"}) ${strength}%, var(--card))`;
}

/** Return the colour of text on a cell that is shaded by the same values. */
export const onShade = (value: number, most: number): string => (value > 0.5 * most ? "var(--card)" : "var(--ink)");
