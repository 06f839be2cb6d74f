import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Agent } from '../../adapters/agent.js';
import type { Backbone } from '../../model/backbone.js';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { generatedAnalysis, type AnalysedWindow } from '../evaluation/teacher-forcing.js';
import { TrainingError } from './errors.js';
import type { MemoryCache } from './memory-cache.js';

/**
 * What analysis agents write about windows, kept on disk by generation and source: an agent of a generation always writes
 * the same, and writing takes seconds at full size.
 */
export class AnalysisCache {
  /** `memories` holds the windows' sources. */
  constructor(
    private readonly folder: string,
    private readonly memories: Pick<MemoryCache, 'served'>,
  ) {}

  /**
   * The analysis that the served engine finds for a window with this agent, from `<|problem|>` to the end of the hint; written if it
   * is not there yet. Throws `TrainingError` (`cache_unusable`), `ModelError`.
   */
  async of(window: AnalysedWindow, analyst: Agent, backbone: Backbone): Promise<readonly number[]> {
    const folder = path.join(this.folder, analyst.generation);
    const key = createHash('sha256').update(window.sourceIds.join()).digest('hex');
    const file = path.join(folder, `${key}.json`);
    const stored = await readFile(file, 'utf8').catch(() => undefined);
    if (stored !== undefined) return tokensOf(stored, file);
    const memory = await this.memories.served(window.sourceIds);
    const written = (await generatedAnalysis(backbone, memory, analyst, window)).slice(0, -1);
    try {
      await mkdir(folder, { recursive: true });
      await writeFileAtomic(file, JSON.stringify(written));
    } catch (cause) {
      throw new TrainingError('cache_unusable', `Cannot write ${file}.`, { cause });
    }
    return written;
  }
}

function tokensOf(stored: string, file: string): number[] {
  try {
    return JSON.parse(stored) as number[];
  } catch (cause) {
    throw new TrainingError('cache_unusable', `${file} holds no tokens; delete it.`, { cause });
  }
}
