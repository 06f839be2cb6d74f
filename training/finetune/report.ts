import type { AgentName } from '../../agents/names.js';
import type { Estimate } from '../evaluation/statistics.js';
import type { RunState } from './checkpoint.js';
import type { Operations, ParameterCount } from './cost.js';
import { accuracy, crossEntropy } from './evaluation.js';
import type { Verdict } from './gate.js';
import type { Sums } from './graphs.js';
import type { Difference } from './paired-bootstrap.js';
import type { PipelineLift } from './pipeline-lift.js';
import type { Dropped } from './rows.js';
import type { Trial } from './trial.js';
import type { Settings, ValidReport } from './trainer.js';

/** An agent on the held-out rows. */
export interface Figures {
  /** Nats per token. */
  readonly cross_entropy: number;
  /** The same for each byte of text that was to be written: comparable between tokenizers. */
  readonly bits_per_byte: number;
  readonly mean_token_accuracy: number;
  readonly tokens: number;
}

/** Sums over the held-out targets, which have so many bytes of text. */
export function figuresOf(sums: Sums, bytes: number): Figures {
  return {
    cross_entropy: crossEntropy(sums),
    bits_per_byte: sums.loss / Math.LN2 / bytes,
    mean_token_accuracy: accuracy(sums),
    tokens: sums.count,
  };
}

/** Everything a run has to say, as it is written to report.json. */
export interface Report {
  readonly agent: AgentName;
  readonly backbone: string;
  readonly parent: string;
  readonly generation: string;
  readonly file: string;
  readonly settings: Settings;
  readonly rows: {
    readonly train: number;
    readonly valid: number;
    readonly held_out: number;
    readonly dropped: readonly Dropped[];
  };
  readonly held_out: { readonly before: Figures; readonly after: Figures; readonly difference: Difference };
  /** Of the candidate together with the other agent; missing where that is not at hand or no row shows a window. */
  readonly pipeline_lift: PipelineLift | undefined;
  readonly training: RunState & { readonly stopped_early: boolean; readonly validations: readonly ValidReport[] };
  readonly parameter_locality: {
    readonly agent_tensors: number;
    readonly agent_tensors_changed: readonly string[];
    readonly files_hashed: number;
    readonly files_changed: readonly string[];
  };
  readonly adaptation_cost: { readonly parameters: ParameterCount; readonly operations: Operations };
  readonly trial: Trial;
  readonly gate: Verdict;
}

/** The report for people. */
export function renderReport(report: Report): string {
  const { before, after, difference } = report.held_out;
  const { parameters, operations } = report.adaptation_cost;
  const { parameter_locality: locality, training, rows, gate } = report;
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const giga = (value: number): string => (value / 1e9).toFixed(2);
  return `# Fine-tuning of ${report.agent}

${gate.publishable ? 'Better, and publishable.' : `Not publishable: ${gate.reasons.join('; ')}.`}

| held-out rows (${rows.held_out}) | before | after | difference (95 % interval) |
|---|---|---|---|
| cross-entropy, nats per token | ${before.cross_entropy.toFixed(4)} | ${after.cross_entropy.toFixed(4)} | ${interval(difference.cross_entropy, 4)} less |
| bits per byte of text | ${before.bits_per_byte.toFixed(4)} | ${after.bits_per_byte.toFixed(4)} | |
| improvement | | | ${interval(difference.improvement_percent, 2)} % |
| token accuracy | ${percent(before.mean_token_accuracy)} | ${percent(after.mean_token_accuracy)} | ${interval(difference.accuracy_points, 2)} points |

- ${liftText(report.pipeline_lift)}
- Rows: ${rows.train} to train, ${rows.valid} to validate, ${rows.held_out} held out, ${rows.dropped.length} left out${droppedText(rows.dropped)}.
- Training: ${training.step} steps in ${training.seconds.toFixed(0)} s, best at step ${training.bestStep}${training.stopped_early ? ', stopped early' : ''}; validation ${training.firstLoss.toFixed(4)} → ${training.bestLoss.toFixed(4)}.
- Parameter locality: ${locality.agent_tensors_changed.length} of ${locality.agent_tensors} tensors of the agent changed; outside of it ${locality.files_changed.length} of ${locality.files_hashed} files.
- Adaptation cost: ${parameters.trainable} of ${parameters.total} parameters (${parameters.percent.toFixed(2)} %); ${giga(operations.agent_epoch)} GFLOP per epoch against ${giga(operations.full_epoch)} for all parameters (${operations.ratio.toFixed(1)} times less), and ${giga(operations.encode_once)} once for the encoder. Counted, not measured.
- Trial: ${report.trial.fault ? report.trial.fault.message : 'a copy was loaded as a server loads it, gave the recorded output of its probe, and answered a request.'}
- Parent ${report.parent.slice(0, 12)}, candidate ${report.generation.slice(0, 12)}, backbone ${report.backbone.slice(0, 12)}.
`;
}

function liftText(lift: PipelineLift | undefined): string {
  if (!lift) return 'Pipeline lift: not measured; the other agent or windows with analyses are missing.';
  const { without_analysis: without, own_analysis: own, given_analysis: given } = lift;
  return (
    `Pipeline lift (${lift.rows} held-out rows): the patch costs ${without.toFixed(4)} nats per token without an analysis, ` +
    `${own.toFixed(4)} after the analysis agent's own (${interval(lift.own_lift_percent, 2)} % less), ` +
    `${given.toFixed(4)} after the given one (${interval(lift.given_lift_percent, 2)} % less).`
  );
}

function interval({ value, low, high }: Estimate, digits: number): string {
  return `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

function droppedText(dropped: readonly Dropped[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of dropped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts.size === 0 ? '' : ` (${[...counts].map(([reason, count]) => `${reason} ${count}`).join(', ')})`;
}
