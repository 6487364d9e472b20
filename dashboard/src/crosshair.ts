/** One moment that all charts over time point at together. */

import { signal } from "@preact/signals";

/** Milliseconds; undefined while no chart is pointed at. */
export const pointed = signal<number | undefined>(undefined);
