import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MAX_AGENT_BYTES } from '../../adapters/agent.js';
import { AppError } from '../../server/errors.js';
import { AgentChecker } from '../../server/inference/agent-checker.js';

/** What became of a candidate that was loaded as a server loads it. */
export interface Trial {
  /** Code and text of what was wrong; null if it serves. */
  readonly fault: { readonly code: string; readonly message: string } | null;
}

/**
 * Loads a copy of a candidate as the server will, in the server's own thread for checks: bounds, seal, backbone, tensors, the
 * recorded probe, a first request. Throws AppError (`internal_error`) when there was nothing to try it with.
 */
export async function tryCandidate(file: string, modelDir: string): Promise<Trial> {
  const folder = await mkdtemp(path.join(tmpdir(), 'candidate-'));
  const checker = new AgentChecker(modelDir);
  try {
    const copy = path.join(folder, path.basename(file));
    await copyFile(file, copy);
    await checker.check(copy, MAX_AGENT_BYTES);
    return { fault: null };
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'internal_error') throw error;
    return { fault: { code: error.code, message: error.message } };
  } finally {
    await checker.close();
    await rm(folder, { recursive: true });
  }
}
