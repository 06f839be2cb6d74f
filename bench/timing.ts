import { quantile } from '../training/evaluation/statistics.js';

/** Milliseconds of something: on the clock, and of all processors' time in this process. */
export interface Timing {
  readonly wall: number;
  readonly cpu: number;
}

export async function timed(work: () => unknown): Promise<Timing> {
  const before = process.cpuUsage();
  const started = performance.now();
  await work();
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / 1000 };
}

/** Ways of doing the same, by name. */
export type Contestants = Readonly<Record<string, () => Promise<Timing>>>;

/** What was measured of each contestant, in order of rounds. */
export type Measurements = Readonly<Record<string, readonly Timing[]>>;

/**
 * Measures all contestants in each round, every other round in reverse order, so that what else the machine does
 * hits all of them alike. One round before is not counted: it reads weights from disk and grows buffers.
 */
export async function rounds(count: number, contestants: Contestants): Promise<Measurements> {
  const names = Object.keys(contestants);
  const measured = Object.fromEntries(names.map((name): [string, Timing[]] => [name, []]));
  for (let round = -1; round < count; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const timing = await contestants[name]!();
      if (round >= 0) measured[name]!.push(timing);
    }
  }
  return measured;
}

/** Medians over the rounds. */
export function medianOf(timings: readonly Timing[]): Timing {
  const median = (of: keyof Timing): number =>
    quantile(
      timings.map((timing) => timing[of]),
      0.5,
    );
  return { wall: median('wall'), cpu: median('cpu') };
}

/** The median over rounds of the ratio of two contestants' times. */
export function medianRatio(ours: readonly Timing[], rival: readonly Timing[], of: keyof Timing): number {
  return quantile(
    ours.map((timing, round) => timing[of] / rival[round]![of]),
    0.5,
  );
}
