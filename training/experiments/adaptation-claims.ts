import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import type { Estimate } from '../evaluation/statistics.js';
import type { Table } from './experiment.js';
import { computeRatio, improvementOf, type AdaptationRun } from './adaptation-run.js';
import { estimateText, overSeeds, type Improvement } from './intervals.js';

/** What the seed's README claims (row 97); finding 15 says where the figures come from. */
const CLAIMS = { cross_entropy: -7.6, accuracy: 11, parameters: 19, compute: 11.5 } as const;

/** One claim and what became of it. */
export interface Claim {
  readonly name: string;
  readonly seed: string;
  readonly ours: readonly string[];
  readonly seeds: string;
  readonly verdict: string;
  readonly sentence: string;
}

/** `reached` and `not reached` only where the whole interval says so. */
function verdict({ low, high, value }: Estimate, reached: (value: number) => boolean): string {
  if (reached(low) && reached(high)) return 'reached';
  if (!reached(low) && !reached(high)) return 'not reached';
  return `${reached(value) ? 'reached' : 'not reached'}, within chance`;
}

/** The four claims, each answered from all runs. */
export function claimsOf(runs: readonly AdaptationRun[]): Claim[] {
  if (runs.length === 0) return [];
  const of = (agent: RequiredAgent): AdaptationRun[] => runs.filter((run) => run.agent === agent);
  const present = REQUIRED_AGENTS.filter((agent) => of(agent).length > 0);
  const changes = present.map((agent) => improvementOf(of(agent), agent));
  const claim = (
    name: string,
    seedText: string,
    figure: (change: Improvement) => Estimate,
    reached: (value: number) => boolean,
  ): Claim => {
    const verdicts = changes.map((change, at) => `${present[at]!} ${verdict(figure(change), reached)}`);
    const seeds = present.map((agent) => estimateText(overSeeds(perSeed(of(agent), agent, figure))));
    const ours = changes.map((change) => estimateText(figure(change)));
    return {
      name,
      seed: seedText,
      ours,
      seeds: seeds.join('; '),
      verdict: verdicts.join('; '),
      sentence: `${name}: the seed claims ${seedText}; here ${present.map((agent, at) => `${agent} ${ours[at]!} %`).join(', ')}: ${verdicts.join('; ')}.`,
    };
  };
  const counted = (
    name: string,
    seedText: string,
    value: (run: AdaptationRun) => number,
    unit: string,
    reached: (value: number) => boolean,
  ): Claim => {
    const values = present.map((agent) => value(of(agent)[0]!));
    const ours = values.map((one) => one.toFixed(2));
    const result = values.every(reached) ? 'reached' : values.some(reached) ? 'reached by one agent' : 'not reached';
    const text = ours.map((one, at) => `${present[at]!} ${one}${unit}`).join(', ');
    return {
      name,
      seed: seedText,
      ours,
      seeds: 'counted',
      verdict: result,
      sentence: `${name}: the seed claims ${seedText}; here ${text}: ${result}.`,
    };
  };
  return [
    claim(
      'Cross-entropy',
      '−7.6 %',
      (of) => of.cross_entropy_percent,
      (value) => value <= CLAIMS.cross_entropy,
    ),
    claim(
      'Token accuracy',
      '+11 %',
      (of) => of.accuracy_percent,
      (value) => value >= CLAIMS.accuracy,
    ),
    counted(
      'Parameters trained',
      '19 % of all',
      (run) => run.parameters.percent,
      ' %',
      (value) => value <= CLAIMS.parameters,
    ),
    counted('Compute', '11.5 times less', computeRatio, ' times less', (value) => value >= CLAIMS.compute),
  ];
}

/** The figure of each seed, its rows of all repositories together. */
function perSeed(
  runs: readonly AdaptationRun[],
  agent: RequiredAgent,
  figure: (change: Improvement) => Estimate,
): number[] {
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  return seeds.map(
    (seed) =>
      figure(
        improvementOf(
          runs.filter((run) => run.seed === seed),
          agent,
        ),
      ).value,
  );
}

/** The claims as a table. */
export function claimTable(claims: readonly Claim[]): Table {
  return {
    id: 'claims',
    title: 'The four headline claims, all repositories together',
    columns: ['claim', 'seed', ...REQUIRED_AGENTS.slice(0, claims[0]?.ours.length), 'over seeds', 'verdict'],
    rows: claims.map(({ name, seed, ours, seeds, verdict: text }) => [name, seed, ...ours, seeds, text]),
    notes: [
      'Change in per cent of the figure before. In brackets 95 % intervals: over rows by a paired bootstrap, over seeds by Student’s distribution (one seed has none).',
      'Compute: counted operations of the same epochs, all parameters against the agent with the encoder’s one pass.',
    ],
  };
}
