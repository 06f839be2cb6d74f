import type { Stage } from '../../pipeline/types.js';

/** Begins the name of every metric but those of HTTP, Node and the process. */
export const prefix = 'agentic_';

/** OpenTelemetry's buckets for the duration of one generation request, seconds. */
export const requestBuckets = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
export const stageBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** OpenTelemetry's for `gen_ai.server.time_to_first_token`, and longer waits in the queue. */
export const firstTokenBuckets = [0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30];
/** Between tokens; forced ones follow at once, so the smallest is well below a step of the decoder. */
export const tokenGapBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1];
export const ratioBuckets = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

export const STAGES = ['retrieval', 'encode', 'analysis', 'code', 'ranking'] as const satisfies readonly Stage[];
