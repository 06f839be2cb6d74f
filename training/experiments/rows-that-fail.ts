import { AgentError } from '../../adapters/errors.js';
import { ModelError } from '../../model/errors.js';
import { TrainingError } from '../finetune/errors.js';
import type { FailedRow } from './experiment.js';

/**
 * Does something with a row, or one training among several; if that fails for a reason of its own, the row is added to
 * `failed` and the rest goes on. Throws what is a bug, and `ModelError` (`aborted`).
 */
export async function attempt<T>(
  failed: FailedRow[],
  row: string,
  step: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const isKnown = error instanceof ModelError || error instanceof TrainingError || error instanceof AgentError;
    if (isKnown && error.code === 'aborted') throw error;
    if (!isKnown && !(error instanceof RangeError)) throw error;
    failed.push({ row, step, reason: isKnown ? error.code : error.message });
    return undefined;
  }
}
