import type { CompletionRequest, PatchRequest, PipelineOptions } from '../../pipeline/types.js';

/** The first request of a model or an agent: short, so that it is worth its time at every start. */
export const warmUpRequest: PatchRequest = {
  issue: { title: 'Warm up', body: '' },
  files: [{ path: 'warm.py', content: 'def warm(up):\n    return up\n' }],
  max_new_tokens: 8,
};

/** The first text of an agent outside of the pipeline. */
export const warmUpCompletion: Omit<CompletionRequest, 'agent'> = {
  prompt: 'def warm(up):\n',
  max_tokens: 8,
  temperature: 0,
  top_p: 1,
  seed: 0,
  stop: [],
};

/** One hypothesis of a few tokens: every graph runs once, nothing is searched. */
export const warmUpOptions: Partial<PipelineOptions> = {
  maxProblemTokens: 1,
  maxHintTokens: 1,
  hypothesesOnBestWindow: 1,
  analysisBeamWidth: 1,
};
