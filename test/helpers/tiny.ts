import path from 'node:path';

/** Root of the repository, seen from dist/test/helpers. */
export const ROOT = path.resolve(import.meta.dirname, '../../..');

/** The tiny model of the unit tests: same architecture, random weights. */
export const TINY_DIRECTORY = path.join(ROOT, 'test/fixtures/tiny');

/** Graphs of a mixture of experts over the tiny model, and PyTorch's gradients of one. */
export const TINY_MOE_DIRECTORY = path.join(ROOT, 'test/fixtures/tiny-moe');
