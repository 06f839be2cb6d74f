import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import type { Estimate } from '../evaluation/statistics.js';
import type { Operations, ParameterCount } from '../finetune/cost.js';
import type { Sums } from '../finetune/graphs.js';
import type { Settings } from '../finetune/trainer.js';
import type { ExperimentResult, FailedRow, Sample, Table } from './experiment.js';
import { estimateText, improvement, overSeeds, type Improvement } from './intervals.js';
import type { ParameterLocality } from './locality.js';
import { barsOf } from './plots.js';
import { seedKeys, type Snapshot } from './snapshot.js';
import type { Taught } from './teaching.js';

/** One agent adapted to one repository. */
export interface AdaptationRun {
  readonly repository: string;
  readonly agent: RequiredAgent;
  readonly seed: number;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly taught: Taught;
  readonly test: readonly string[];
  readonly settings: Settings;
  readonly locality: ParameterLocality;
  readonly parameters: ParameterCount;
  readonly operations: Operations;
}

/** What the seed's README claims (row 97); finding 15 says where the figures come from. */
const CLAIMS = { cross_entropy: -7.6, accuracy: 11, parameters: 19, compute: 11.5 } as const;

/** The figure that an agent's adaptation is to improve: for the code agent, as in the seed, after the right analysis. */
function targetRows(agent: RequiredAgent, of: Snapshot): readonly Sums[] {
  return agent === 'issue-analysis' ? of.issue : of.code_gold_gist;
}

function improvementOf(runs: readonly AdaptationRun[], agent: RequiredAgent): Improvement {
  const rows = (which: 'before' | 'after') => runs.flatMap((run) => targetRows(agent, run[which]));
  return improvement(rows('before'), rows('after'), 0);
}

/** How many times less the adaptation computes than the same epochs of a training of everything, the encoder's pass included. */
function computeRatio({ operations, settings }: AdaptationRun): number {
  const { agent_epoch: own, encode_once: once, full_epoch: full } = operations;
  return (settings.epochs * full) / (settings.epochs * own + once);
}

/** Everything the adaptations say. */
export function adaptationResult(runs: readonly AdaptationRun[], failed: readonly FailedRow[]): ExperimentResult {
  const claims = claimsOf(runs);
  const bars = runs
    .filter(({ seed }) => seed === runs[0]?.seed)
    .map((run) => ({ run, change: improvementOf([run], run.agent) }));
  const plot = (id: string, title: string, of: (change: Improvement) => Estimate) => ({
    id,
    title,
    caption: 'Held-out rows, one seed.',
    spec: barsOf(
      bars.map(({ run, change }) => ({ x: run.repository, y: of(change).value, series: run.agent })),
      { x: 'repository', y: '%' },
    ),
  });
  return {
    findings: claims.map(({ sentence }) => sentence),
    tables: runs.length === 0 ? [] : [claimTable(claims), runTable(runs), costTable(runs)],
    plots:
      runs.length === 0
        ? []
        : [
            plot('cross-entropy', 'Change of the cross-entropy by adaptation', (of) => of.cross_entropy_percent),
            plot('accuracy', 'Change of the token accuracy by adaptation', (of) => of.accuracy_percent),
          ],
    samples: runs.filter(({ seed }) => seed === runs[0]?.seed).flatMap(samplesOf),
    failed,
    data: runs.map((run) => ({
      repository: run.repository,
      seed: run.seed,
      rows: { ...run.taught.rows, test: run.test },
      improvement: improvementOf([run], run.agent),
      ...metricsOf(run),
    })),
    files: Object.fromEntries(
      runs.map((run) => [`${run.repository}-${run.agent}-seed${run.seed}/metrics.json`, metricsOf(run)]),
    ),
  };
}

/** One run with the keys of the seed's metrics.json (row 90). */
function metricsOf(run: AdaptationRun): object {
  const [before, after] = [seedKeys(run.before), seedKeys(run.after)];
  const { trainable, total } = run.parameters;
  return {
    target_agent: run.agent,
    target_agent_id: REQUIRED_AGENTS.indexOf(run.agent),
    config: run.settings,
    before,
    after,
    delta: Object.fromEntries(Object.keys(before).map((key) => [`delta_${key}`, after[key]! - before[key]!])),
    adaptation_cost: { trainable_params: trainable, total_params: total, AC_trainable_ratio: trainable / total },
    detailed_efficiency: {
      operations: run.operations,
      times_less_compute: computeRatio(run),
      train_seconds: run.taught.train_seconds,
    },
    parameter_locality: run.locality,
  };
}

interface Claim {
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

function claimsOf(runs: readonly AdaptationRun[]): Claim[] {
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

function claimTable(claims: readonly Claim[]): Table {
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

function runTable(runs: readonly AdaptationRun[]): Table {
  return {
    id: 'runs',
    title: 'Each adaptation',
    columns: [
      'repository',
      'agent',
      'seed',
      'cross-entropy',
      'change of cross-entropy, %',
      'accuracy',
      'change of accuracy, %',
      'tensors changed',
      'changed elsewhere',
    ],
    rows: runs.map((run) => {
      const [before, after] = [seedKeys(run.before), seedKeys(run.after)];
      const figure = run.agent === 'issue-analysis' ? 'issue' : 'code_gold_gist';
      const pair = (key: string): string => `${before[key]!.toFixed(4)} → ${after[key]!.toFixed(4)}`;
      const change = improvementOf([run], run.agent);
      return [
        run.repository,
        run.agent,
        run.seed,
        pair(`${figure}_ce`),
        estimateText(change.cross_entropy_percent),
        pair(`${figure}_tok_acc`),
        estimateText(change.accuracy_percent),
        `${run.locality.target_changed_count} of 6`,
        run.locality.non_target_changed_count,
      ];
    }),
    notes: [
      'Held-out rows; the code agent after the right analysis, as in the seed. The other figures are in each run’s metrics.json.',
      'Changed elsewhere: tensors of the other agent, and files of the backbone by SHA-256.',
    ],
  };
}

function costTable(runs: readonly AdaptationRun[]): Table {
  return {
    id: 'cost',
    title: 'What an adaptation takes against training everything',
    columns: [
      'repository',
      'agent',
      'parameters',
      '% of all',
      'GFLOP',
      'GFLOP, everything',
      'times less',
      'seconds',
      'seconds, everything',
    ],
    rows: runs
      .filter(({ seed }) => seed === runs[0]!.seed)
      .map((run) => {
        const { operations, settings, parameters, taught } = run;
        const epochs = settings.epochs;
        return [
          run.repository,
          run.agent,
          parameters.trainable,
          parameters.percent,
          (epochs * operations.agent_epoch + operations.encode_once) / 1e9,
          (epochs * operations.full_epoch) / 1e9,
          computeRatio(run),
          taught.train_seconds,
          taught.train_seconds * operations.ratio,
        ];
      }),
    notes: [
      'Operations are counted from the lengths. Seconds on the clock of the training with its validations, without encoding; those of training everything are extrapolated by the operations and were not run.',
    ],
  };
}

function samplesOf(run: AdaptationRun): Sample[] {
  return run.after.samples.map((after, at) => {
    const before = run.before.samples.find(({ row }) => row === after.row);
    const shown = (title: string, sample: typeof before): string =>
      `# ${title}\n${sample?.analysis ?? '(none)'}\n${sample === undefined || sample.diff === '' ? '(no patch)' : sample.diff}\n`;
    return {
      id: `${run.repository}-${run.agent}-sample${at}`,
      text: `# ${after.row}\n${after.source}\n${shown('before', before)}${shown('after', after)}`,
    };
  });
}
