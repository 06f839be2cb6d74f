import { TrainingError } from './errors.js';
import { accuracy, crossEntropy, evaluateAgent } from './evaluation.js';
import type { LearningGraphs } from './graphs.js';
import type { Learner } from './learner.js';
import type { RunState, ValidFigures, ValidReport } from './run-state.js';

/** A validation loss this many times the first one means that the training has left the road. */
const DIVERGED = 2;

/** What a validation needs of a run. */
interface ValidatedRun {
  readonly graphs: LearningGraphs;
  readonly validRows: number;
  readonly settings: { readonly microBatch: number };
  readonly onReport?: ((report: ValidReport) => void) | undefined;
}

/** Measures all agents of a run on the validation rows and tells it. Throws `TrainingError` (`loss_not_finite`). */
export async function validate(
  { graphs, validRows, settings, onReport }: ValidatedRun,
  learners: readonly Learner[],
  { step, bestLoss }: Pick<RunState, 'step' | 'bestLoss'>,
): Promise<ValidReport> {
  const figures: [string, ValidFigures][] = [];
  for (const { agent, lesson, parameters } of learners) {
    const { total } = await evaluateAgent(graphs, parameters, lesson.valid, {
      rows: validRows,
      microBatch: settings.microBatch,
    });
    const loss = crossEntropy(total);
    if (!Number.isFinite(loss)) throw new TrainingError('loss_not_finite', 'The validation loss is not a number.');
    figures.push([agent, { valid_loss: loss, valid_mean_token_accuracy: accuracy(total) }]);
  }
  // Each agent weighs the same, however many tokens it writes.
  const mean = (of: (agent: ValidFigures) => number): number =>
    figures.reduce((sum, [, agent]) => sum + of(agent), 0) / figures.length;
  const loss = mean(({ valid_loss }) => valid_loss);
  const report = {
    step,
    valid_loss: loss,
    valid_mean_token_accuracy: mean(({ valid_mean_token_accuracy }) => valid_mean_token_accuracy),
    best: loss < bestLoss,
    agents: Object.fromEntries(figures),
  };
  onReport?.(report);
  return report;
}

/** Throws `TrainingError` (`loss_diverged`) if the last validation of an agent is far above its first. */
export function checkNotDiverged(validations: readonly ValidReport[]): void {
  const [first, last] = [validations[0]!, validations.at(-1)!];
  for (const [agent, { valid_loss: loss }] of Object.entries(last.agents)) {
    const before = first.agents[agent as keyof typeof first.agents]!.valid_loss;
    if (loss > DIVERGED * before) {
      throw new TrainingError(
        'loss_diverged',
        `The validation loss of ${agent} is ${loss.toFixed(3)} after ${last.step} steps, ${before.toFixed(3)} before; use a lower learning rate.`,
      );
    }
  }
}
