import type { PatchRequest, PipelineOptions } from '../../pipeline/types.js';

/** The first request of a model or an agent: short, so that it is worth its time at every start. */
export const warmUpRequest: PatchRequest = {
  issue: { title: 'Warm up', body: '' },
  files: [{ path: 'warm.py', content: 'def warm(up):\n    return up\n' }],
  max_new_tokens: 8,
};

/** One hypothesis of a few tokens: every graph runs once, nothing is searched. */
export const warmUpOptions: Partial<PipelineOptions> = {
  maxProblemTokens: 1,
  maxHintTokens: 1,
  hypothesesOnBestWindow: 1,
  analysisBeamWidth: 1,
};
