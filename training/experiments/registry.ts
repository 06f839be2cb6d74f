import type { Experiment } from './experiment.js';

/** All experiments in the order in which `all` runs them. */
export const EXPERIMENTS: readonly Experiment[] = [];
