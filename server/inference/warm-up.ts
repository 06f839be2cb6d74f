import type { PatchRequest } from '../../pipeline/types.js';

/** The first request of a model or an agent: short, so that it is worth its time at every start. */
export const warmUpRequest: PatchRequest = {
  issue: { title: 'Warm up', body: '' },
  files: [{ path: 'warm.py', content: 'def warm(up):\n    return up\n' }],
  max_new_tokens: 8,
};
