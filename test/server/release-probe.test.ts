// Proves: each release that gets a label is scored on the held-out rows once, apart from all requests, and a failure is only counted.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../server/config.js';
import { loadEngine } from '../../server/inference/engine.js';
import type { AgentPayload, Release, ReleaseScores } from '../../server/inference/messages.js';
import { agentFilesIn, releaseOf } from '../../server/inference/release.js';
import { ReleaseProbe } from '../../server/inference/release-probe.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

const rowsFile = join(packageRoot, 'deploy', 'probe-rows.jsonl');

/** What the probe shows, and a wait for the end of each run. */
class Shown {
  readonly labels: Record<string, ReleaseScores | undefined> = {};
  readonly outcomes: string[] = [];
  readonly failures: string[] = [];
  #onRun: () => void = () => undefined;

  readonly metrics = {
    show: (label: string, scores: ReleaseScores | undefined): void => {
      this.labels[label] = scores;
    },
    runs: { inc: ({ outcome }: { outcome: string }) => this.outcomes.push(outcome) },
  };

  readonly onScored = (): void => {
    this.#onRun();
  };

  readonly onFailure = ({ message }: Error): void => {
    this.failures.push(message);
    this.#onRun();
  };

  async runs(count: number): Promise<void> {
    while (this.outcomes.length < count) await new Promise<void>((resolve) => (this.#onRun = resolve));
  }
}

describe('probe of releases', () => {
  let stable: Release;
  let held: Map<string, AgentPayload>;
  let folder: string;
  let shown: Shown;
  let probe: ReleaseProbe;

  before(async () => {
    const { engine, info, agents } = await loadEngine({
      modelDir: TINY_DIRECTORY,
      agents: agentFilesIn(TINY_DIRECTORY),
      threads: 1,
    });
    stable = info.release;
    held = new Map(agents.map((agent) => [agent.generation, agent]));
    engine.syntax?.dispose();
    await engine.backbone.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    shown = new Shown();
  });
  afterEach(async () => {
    await probe.close();
    await rm(folder, { recursive: true });
  });

  const start = (settings: { rowsFile?: string; workerFile?: URL } = {}): void => {
    probe = new ReleaseProbe({
      modelDir: TINY_DIRECTORY,
      rowsFile,
      host: { held },
      metrics: shown.metrics as never,
      onScored: shown.onScored,
      onFailure: shown.onFailure,
      ...settings,
    });
  };
  /** A worker that says what it is asked for. */
  const worker = async (code: string): Promise<URL> => {
    const file = join(folder, 'worker.mjs');
    await writeFile(file, `import { parentPort, workerData } from 'node:worker_threads';\n${code}`);
    return pathToFileURL(file);
  };

  it('scores both agents of the stable release on the shipped rows', async () => {
    start();
    probe.watch({ stable, canary: null });
    await shown.runs(1);
    assert.deepEqual(shown.failures, []);
    for (const agent of ['issue-analysis', 'code-generation'] as const) {
      const score = shown.labels['stable']?.[agent];
      // A model of random weights is about as sure as a guess among all pieces, and seldom right.
      assert.ok(score && score.cross_entropy > 1 && score.cross_entropy < 20, JSON.stringify(score));
      assert.ok(score.accuracy >= 0 && score.accuracy < 0.5);
    }
    assert.equal(shown.labels['canary'], undefined);
  });

  it('works in a thread of the lowest priority', async function () {
    if (process.platform !== 'linux') this.skip();
    // The rows come through a pipe: the thread waits in it while it is looked at.
    const pipe = join(folder, 'rows');
    execFileSync('mkfifo', [pipe]);
    start({ rowsFile: pipe });
    const lowest = async (): Promise<number> => {
      const tasks = await readdir('/proc/self/task');
      const stats = await Promise.all(tasks.map((task) => readFile(`/proc/self/task/${task}/stat`, 'utf8')));
      const nices = stats.map((stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
      return nices.filter((nice) => nice === '19').length;
    };
    const before = await lowest();
    probe.watch({ stable, canary: null });
    const writer = await open(pipe, 'w');
    assert.ok((await lowest()) > before);
    await writer.writeFile(await readFile(rowsFile));
    await writer.close();
    await shown.runs(1);
    assert.deepEqual(shown.outcomes, ['scored']);
  });

  it('scores a release once, and the next one when it gets a label', async () => {
    const agents = `{ 'issue-analysis': { cross_entropy: workerData.release.id.length, accuracy: 0 }, 'code-generation': { cross_entropy: 0, accuracy: 1 } }`;
    start({ workerFile: await worker(`parentPort.postMessage(${agents});`) });
    const other = releaseOf('x', stable.code_generation);
    probe.watch({ stable, canary: null });
    await shown.runs(1);
    probe.watch({ stable, canary: { release: other, weight: 0.1 } });
    assert.notEqual(shown.labels['stable'], undefined);
    assert.equal(shown.labels['canary'], undefined);
    await shown.runs(2);
    assert.notEqual(shown.labels['canary'], undefined);
    // The canary becomes stable: nothing new to score.
    probe.watch({ stable: other, canary: null });
    assert.notEqual(shown.labels['stable'], undefined);
    assert.equal(shown.labels['canary'], undefined);
    assert.deepEqual(shown.outcomes, ['scored', 'scored']);
  });

  it('counts a failure with its cause and does not try again', async () => {
    const bad = join(folder, 'rows.jsonl');
    await writeFile(bad, '{"name":"no row"}\n');
    start({ rowsFile: bad });
    probe.watch({ stable, canary: null });
    await shown.runs(1);
    probe.watch({ stable, canary: null });
    assert.deepEqual(shown.outcomes, ['failed']);
    assert.match(shown.failures[0] ?? '', /Line 1 is no probe row/);
    assert.equal(shown.labels['stable'], undefined);
  });

  it('ends with the server, whatever it is doing', async () => {
    start({ workerFile: await worker('for (;;);') });
    probe.watch({ stable, canary: null });
    await probe.close();
    assert.deepEqual(shown.outcomes, []);
  });
});
