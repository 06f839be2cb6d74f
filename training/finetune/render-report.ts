import type { Estimate } from '../evaluation/statistics.js';
import { percent, withInterval } from '../evaluation/table.js';
import type { GeneratedPatches } from './generated-patches.js';
import type { OwnAnalyses } from './own-analyses.js';
import type { Lift, PipelineLift } from './pipeline-lift.js';
import type { AgentReport, Report } from './report.js';
import type { Dropped } from './rows.js';

/** A picture that goes with a report: its file beside it, and what it shows. */
export interface Plot {
  readonly file: string;
  readonly title: string;
}

/** The report for people, with links to its pictures. */
export function renderReport(report: Report, plots: readonly Plot[]): string {
  const { rows, training, agents } = report;
  const names = agents.map(({ agent }) => agent).join(' and ');
  const how = agents.length > 1 ? ', trained together' : '';
  return `# Fine-tuning of ${names}${how}

${agents.map(answer).join('\n\n')}

${agents.map(renderAgent).join('\n')}
## The run

${liftText(report.pipeline_lift)}${generatedText(report.generated)}${ownText(report.own_analyses)}
- Rows: ${rows.train} to train, ${rows.valid} to validate, ${rows.held_out} held out, ${rows.dropped.length} left out${droppedText(rows.dropped)}.
- Training: ${training.step} steps in ${training.seconds.toFixed(0)} s, best at step ${training.bestStep}${training.stopped_early ? ', stopped early' : ''}; validation ${training.validations[0]!.valid_loss.toFixed(4)} → ${training.bestLoss.toFixed(4)}.
- Backbone ${report.backbone.slice(0, 12)}.

${plots.map(({ file, title }) => `![${title}](${file})\n`).join('\n')}`;
}

/** Is it better, by how much, is it more than chance, and may it be published: one sentence each. */
function answer({ agent, held_out, gate, rows }: AgentReport): string {
  const { cross_entropy: nats, improvement_percent: percent } = held_out.difference;
  const by = `${Math.abs(percent.value).toFixed(2)} %`;
  const direction = percent.value > 0 ? `falls by ${by}` : `does not fall (it rises by ${by})`;
  const chance = nats.low > 0 || nats.high < 0 ? 'which is more than chance' : 'which may be chance';
  const better = percent.value > 0 && nats.low > 0 ? 'better' : 'not shown to be better';
  const range = `95 % interval ${percent.low.toFixed(2)} to ${percent.high.toFixed(2)} % less, ${rows.held_out} rows`;
  const verdict = gate.publishable ? 'Better, and publishable.' : `Not publishable: ${gate.reasons.join('; ')}.`;
  return `The ${agent} agent is ${better}: its held-out cross-entropy ${direction} (${range}), ${chance}. ${verdict}`;
}

function renderAgent({ agent, held_out, parameter_locality: locality, ...report }: AgentReport): string {
  const { before, after, difference } = held_out;
  const { parameters, operations, wall_time: time } = report.adaptation_cost;
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const giga = (value: number): string => (value / 1e9).toFixed(2);
  return `## ${agent}

| held-out rows (${report.rows.held_out}) | before | after | difference (95 % interval) |
|---|---|---|---|
| cross-entropy, nats per token | ${before.cross_entropy.toFixed(4)} | ${after.cross_entropy.toFixed(4)} | ${interval(difference.cross_entropy, 4)} less |
| bits per byte of text | ${before.bits_per_byte.toFixed(4)} | ${after.bits_per_byte.toFixed(4)} | |
| improvement | | | ${interval(difference.improvement_percent, 2)} % |
| token accuracy | ${percent(before.mean_token_accuracy)} | ${percent(after.mean_token_accuracy)} | ${interval(difference.accuracy_points, 2)} points |

- Parameter locality: ${locality.agent_tensors_changed.length} of ${locality.agent_tensors} tensors of the agent changed; outside of it ${locality.files_changed.length} of ${locality.files_hashed} files.
- Adaptation cost, counted: ${parameters.trainable} of ${parameters.total} parameters (${parameters.percent.toFixed(2)} %); ${giga(operations.agent_epoch)} GFLOP per epoch against ${giga(operations.full_epoch)} for all parameters (${operations.ratio.toFixed(1)} times less), and ${giga(operations.encode_once)} once for the encoder.
- Adaptation cost, on the clock: ${time.epoch_seconds.toFixed(1)} s per epoch, and ${time.encode_seconds.toFixed(1)} s once for the encoder; all parameters would take ${time.full_epoch_seconds.toFixed(1)} s per epoch at the same operations per second (extrapolated, not run).
- Trial: ${report.trial.fault ? report.trial.fault.message : 'a copy was loaded as a server loads it, gave the recorded output of its probe, and answered a request.'}
- Parent ${report.parent.slice(0, 12)}, candidate ${report.generation.slice(0, 12)}.
`;
}

function liftText(lift: PipelineLift | undefined): string {
  if (!lift) return '- Pipeline lift: not measured; the other agent or windows with analyses are missing.';
  const row = (when: string, of: Lift): string =>
    `| ${when} | ${of.without_analysis.toFixed(4)} | ${of.own_analysis.toFixed(4)} | ${interval(of.own_lift_percent, 2)} % | ` +
    `${of.given_analysis.toFixed(4)} | ${interval(of.given_lift_percent, 2)} % |\n`;
  return (
    `Pipeline lift (${lift.rows} held-out rows): what the patch costs, nats per token, by what the code agent reads before it\n\n` +
    "| | no analysis | the analysis agent's own | less | the given one | less |\n|---|---|---|---|---|---|\n" +
    row('before', lift.before) +
    row('after', lift.after)
  );
}

function generatedText(generated: GeneratedPatches | undefined): string {
  if (!generated)
    return '\n- Generated patches: not measured; not asked for, or the other agent or rows with whole files are missing.';
  const { rows, skipped, syntax_judge, before, after } = generated;
  const row = (name: string, of: keyof typeof before): string =>
    `| ${name} | ${withInterval(before[of], percent)} | ${withInterval(after[of], percent)} |\n`;
  return (
    `\n\nGenerated patches (one for each of ${rows} held-out rows, asked as a server is; ${skipped} rows without whole files left out; syntax by ${syntax_judge})\n\n` +
    '| | before | after |\n|---|---|---|\n' +
    row('exact match, of rows', 'exact_match') +
    row('applies, of patches', 'applies') +
    row('syntax sound, of patches', 'syntax_valid') +
    row('held back by default, of rows', 'abstained')
  );
}

function ownText(own: OwnAnalyses | undefined): string {
  if (!own) return '';
  return `\n- Own analyses: ${own.rows} rows, evenly spread over the parts, were shown to the code agent with what the analysis agent ${own.analyst.slice(0, 12)} wrote, too (${own.seconds.toFixed(0)} s).`;
}

function interval({ value, low, high }: Estimate, digits: number): string {
  return `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

function droppedText(dropped: readonly Dropped[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of dropped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts.size === 0 ? '' : ` (${[...counts].map(([reason, count]) => `${reason} ${count}`).join(', ')})`;
}
