import { ablations } from './ablations.js';
import { adaptation } from './adaptation.js';
import type { Experiment } from './experiment.js';
import { humaneval } from './humaneval.js';
import { lift } from './lift.js';
import { moe } from './moe.js';
import { sweBench } from './swe-bench.js';

/** All experiments in the order in which `all` runs them. */
export const EXPERIMENTS: readonly Experiment[] = [sweBench, humaneval, adaptation, moe, ablations, lift];
