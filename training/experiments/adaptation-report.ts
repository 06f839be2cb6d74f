import { REQUIRED_AGENTS } from '../../agents/names.js';
import type { Estimate } from '../evaluation/statistics.js';
import { claimsOf, claimTable } from './adaptation-claims.js';
import { computeRatio, improvementOf, type AdaptationRun } from './adaptation-run.js';
import type { ExperimentResult, FailedRow, Sample, Table } from './experiment.js';
import { estimateText, type Improvement } from './intervals.js';
import { barsOf } from './plots.js';
import { seedKeys } from './snapshot.js';

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
