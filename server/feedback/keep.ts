import type { Logger } from 'pino';
import type { InferenceResult } from '../inference/messages.js';
import type { TextRequest } from '../request-checks.js';
import type { FeedbackStore } from './store.js';

/**
 * Keeps an answer, on disk before it is out: whoever holds its id may judge it. `marks` are the texts that must not reach the
 * disk. An answer that cannot be kept is still an answer: that is logged, nothing is thrown.
 */
export async function keepForFeedback(
  { feedback, logger }: { readonly feedback: FeedbackStore | undefined; readonly logger: Logger },
  id: string,
  { issue, files }: Pick<TextRequest, 'issue' | 'files'>,
  { result, release }: InferenceResult,
  marks: readonly string[],
): Promise<void> {
  const answer = { id, release: release.id, issue, files, patches: result.patches };
  await feedback?.remember(answer, marks).catch((error: unknown) => {
    logger.error({ id, err: error }, 'answer not kept for feedback');
  });
}
