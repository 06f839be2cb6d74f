import { Ours } from './ours.js';
import { Rival } from './rival.js';
import { medianOf, medianRatio, rounds, type Contestants, type Measurements, type Timing } from './timing.js';

/** Sizes of the comparison. */
export const INPUT = 512;
export const OUTPUT = 250;
/** Target tokens in the cache when single steps are timed. */
const CONTEXT = 128;
const STEPS = 20;
const BATCHES = [1, 4, 8] as const;

/** One line of the result: a way of doing something, and how it compares with llama.cpp in the same rounds. */
export interface Line {
  readonly what: string;
  readonly ours: Timing;
  readonly rival?: Timing;
  /** Median over rounds of our time by the rival's, on the clock and in processor time. */
  readonly ratio?: { readonly wall: number; readonly cpu: number };
}

/** What eight candidates for {@link INPUT} tokens take beside one. */
export interface SearchCosts {
  readonly one: Timing;
  readonly eight: Timing;
  /** Median over rounds, on the clock. */
  readonly ratio: number;
}

interface Pairing {
  readonly what: string;
  readonly ours: string;
  readonly rival: string;
}

const PAIRINGS: readonly Pairing[] = [
  { what: `${INPUT} in, ${OUTPUT} out: analysis + patch, a known answer`, ours: 'known', rival: 'rival request' },
  { what: `${INPUT} in, ${OUTPUT} out: the agents' own choice, no end`, ours: 'own', rival: 'rival request' },
  { what: `${INPUT} in, ${OUTPUT} out: all tokens sampled one by one`, ours: 'unaided', rival: 'rival request' },
  { what: 'the same request as served (3 hypotheses, beam)', ours: 'served', rival: 'rival request' },
  { what: `reading ${INPUT} tokens`, ours: 'encode', rival: 'rival prefill' },
  ...BATCHES.map((rows) => ({
    what: `decoder step, batch ${rows}, context ${INPUT} + ${CONTEXT}`,
    ours: `decode ${rows}`,
    rival: `rival decode ${rows}`,
  })),
];

/** Times everything in interleaved rounds; without a rival only our side. */
export async function compare(
  ours: Ours,
  rival: Rival | undefined,
  count: number,
  onMeasured: (name: string) => void,
): Promise<{ readonly lines: Line[]; readonly search: SearchCosts; readonly raw: Measurements }> {
  const contestants: Record<string, () => Promise<Timing>> = {
    known: () => ours.answer('known', OUTPUT),
    own: () => ours.answer('own', OUTPUT),
    unaided: () => ours.answer('unaided', OUTPUT),
    served: () => ours.served(),
    'one candidate': () => ours.oneCandidate(),
    'eight candidates': () => ours.eightCandidates(),
    encode: () => ours.encode(),
  };
  for (const rows of BATCHES) contestants[`decode ${rows}`] = () => ours.decode(rows, CONTEXT, STEPS);
  if (rival) {
    contestants['rival request'] = () => rival.measure({ name: 'request', input: INPUT, output: OUTPUT });
    contestants['rival prefill'] = () => rival.measure({ name: 'prefill', input: INPUT });
    for (const rows of BATCHES) {
      const command = { name: 'decode', rows, context: INPUT + CONTEXT, steps: STEPS } as const;
      contestants[`rival decode ${rows}`] = () => rival.measure(command);
    }
  }
  const raw = await rounds(count, reported(contestants, onMeasured));
  const [one, eight] = [raw['one candidate']!, raw['eight candidates']!];
  const search = { one: medianOf(one), eight: medianOf(eight), ratio: medianRatio(eight, one, 'wall') };
  return { lines: PAIRINGS.map((pairing) => lineOf(pairing, raw)), search, raw };
}

function reported(contestants: Contestants, onMeasured: (name: string) => void): Contestants {
  return Object.fromEntries(
    Object.entries(contestants).map(([name, measure]) => [
      name,
      async () => {
        const timing = await measure();
        onMeasured(name);
        return timing;
      },
    ]),
  );
}

function lineOf({ what, ours, rival }: Pairing, raw: Measurements): Line {
  const [mine, theirs] = [raw[ours]!, raw[rival]];
  if (!theirs) return { what, ours: medianOf(mine) };
  return {
    what,
    ours: medianOf(mine),
    rival: medianOf(theirs),
    ratio: { wall: medianRatio(mine, theirs, 'wall'), cpu: medianRatio(mine, theirs, 'cpu') },
  };
}
