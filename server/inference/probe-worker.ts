/** Runs in a worker thread of its own, at the lowest priority: scores one release on held-out rows and ends. */
import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { loadBackbone } from '../../model/backbone.js';
import type { Score } from '../../model/score.js';
import { parseProbeRows, scoreProbeRow } from '../../pipeline/probe-row.js';
import { AgentShelf } from './agent-shelf.js';
import type { AgentScore, ProbeTask, ReleaseScores } from './messages.js';

async function main(): Promise<void> {
  const { modelDir, rowsFile, release, payloads } = workerData as ProbeTask;
  // Linux gives each thread its own priority, and this call means the calling one. Elsewhere it would slow the whole server.
  if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW);
  const rows = parseProbeRows(await readFile(rowsFile, 'utf8'));
  const backbone = await loadBackbone({ directory: modelDir, threads: 1 });
  try {
    const shelf = new AgentShelf(backbone.config);
    shelf.add(payloads);
    const agents = shelf.pair(release);
    const analysis: Score[] = [];
    const code: Score[] = [];
    for (const row of rows) {
      const scores = await scoreProbeRow(backbone, agents, row);
      analysis.push(scores.analysis);
      code.push(scores.code);
    }
    parentPort?.postMessage({
      'issue-analysis': mean(analysis),
      'code-generation': mean(code),
    } satisfies ReleaseScores);
  } finally {
    await backbone.close();
  }
}

function mean(scores: readonly Score[]): AgentScore {
  const sum = (of: (score: Score) => number): number => scores.reduce((total, score) => total + of(score), 0);
  const tokens = sum((score) => score.tokens);
  return { cross_entropy: sum(({ loss }) => loss) / tokens, accuracy: sum(({ correct }) => correct) / tokens };
}

await main();
