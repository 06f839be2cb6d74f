// Functions become rows of the second chain, from which its agents are trained from nothing; trained, they answer with what parses.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { saveNewAgent } from '../../adapters/new-agent.js';
import { fieldOf, type AgentName } from '../../agents/names.js';
import { readConfig } from '../../model/config.js';
import { loadTokenizer } from '../../model/tokenizer.js';
import { MAX_TRIES, runChain } from '../../pipeline/chains/run-chain.js';
import type { SyntaxChecker } from '../../pipeline/syntax.js';
import type { ChainAnswer } from '../../pipeline/types.js';
import { agentToStartFrom } from '../../training/finetune/new-agent.js';
import { finetune } from '../../training/finetune/finetune.js';
import { readRows, type ReadRows } from '../../training/finetune/rows.js';
import { splitRows } from '../../training/finetune/split.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { tinyEngine } from '../pipeline/tiny-engine.js';

const PROMPT =
  'def count(items):\n    """ Count all of the items\n    that are given.\n    >>> count([1])\n    1\n    """\n';
const BODY = '    value = len(items)\n\n    return value\n';
const TAUGHT = '    value = items\n    return value\n';

describe('rows of prompts', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'prompts-'));
  });
  after(() => rm(folder, { recursive: true }));

  const inFolder = (name: string): string => path.join(folder, name);
  async function read(...values: object[]): Promise<ReadRows & { texts: string[][] }> {
    const config = await readConfig(TINY_DIRECTORY);
    const tokenizer = await loadTokenizer(path.join(TINY_DIRECTORY, config.files.tokenizer), config);
    await writeFile(inFolder('rows.jsonl'), values.map((value) => JSON.stringify(value)).join('\n'));
    const read = await readRows(inFolder('rows.jsonl'), config, tokenizer);
    const texts = read.rows.map((row) =>
      [row.sourceIds, row.analysisIds, row.patchIds].map((ids) => tokenizer.decode(ids)),
    );
    return { ...read, texts };
  }

  it('are source, specification and body in the text protocol', async () => {
    const { texts, dropped } = await read(
      { prompt: PROMPT, implementation: BODY },
      { prompt: PROMPT, implementation: '    return 1\n', specification: 'Says one.' },
    );
    assert.deepEqual(dropped, []);
    assert.deepEqual(texts[0], [
      `<|code|>\n${PROMPT}`,
      '<|loc|>def count(items)<|problem|>Count all of the items that are given.',
      '<|add|>    value = len(items)\n<|add|>\n<|add|>    return value\n',
    ]);
    assert.deepEqual(texts[1]!.slice(1), ['<|loc|>def count(items)<|problem|>Says one.', '<|add|>    return 1\n']);
  });

  it('leave out what is no function or leaves its block, and are for no agent of another chain', async () => {
    const found = await read(
      { prompt: 'x = 1\n', implementation: BODY },
      { prompt: PROMPT, implementation: 'return 1\n' },
      { prompt: PROMPT, implementation: BODY },
    );
    assert.deepEqual(
      found.dropped.map(({ reason }) => reason),
      ['not_a_row', 'not_in_the_protocol'],
    );
    assert.throws(() => splitRows(found, undefined, ['code-generation'], { valid: 0.3, heldOut: 0.3 }), {
      code: 'rows_too_few',
    });
  });

  it('teach agents that begin as the bare backbone to answer', async () => {
    const rows = Array.from({ length: 24 }, (_, at) => ({
      prompt: PROMPT.replaceAll('count', ['count', 'total', 'number'][at % 3]!).replace('1', String(at)),
      implementation: TAUGHT,
    }));
    await writeFile(inFolder('train.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const trained: Partial<Record<AgentName, string>> = {};
    for (const agent of ['specification', 'implementation'] as const) {
      const out = inFolder(agent);
      const from = await agentToStartFrom(folder, { agent, out, modelDir: TINY_DIRECTORY, seed: 0 });
      const report = await finetune({
        agents: [{ agent, from }],
        rows: inFolder('train.jsonl'),
        shares: { valid: 0.2, heldOut: 0.2 },
        modelDir: TINY_DIRECTORY,
        work: out,
        threads: 1,
        ownAnalyses: 0,

        generate: 0,
        settings: {
          epochs: 30,
          batch: 4,
          microBatch: 4,
          learningRate: 2e-2,
          warmupSteps: 2,
          weightDecay: 0,
          clipNorm: 1,
          patience: 30,
          seed: 0,
        },
        resume: false,
        margin: 1,
      });
      const { gate, file } = report.agents[0]!;
      assert.ok(gate.publishable, gate.reasons.join('; '));
      trained[agent] = file;
    }
    const engine = await tinyEngine();
    try {
      const { backbone } = engine;
      const agents = new Map(
        await Promise.all(
          Object.entries(trained).map(
            async ([name, file]) => [name, await loadAgent(file, backbone.config, name as AgentName)] as const,
          ),
        ),
      );
      const ask = (syntax: SyntaxChecker): Promise<ChainAnswer> =>
        runChain(
          { backbone, syntax, agent: (name) => agents.get(name)! },
          { chain: 'humaneval', prompt: PROMPT, max_tokens: 100, temperature: 0, seed: 0 },
        );
      const answer = await ask(engine.syntax!);
      assert.equal(answer.text, TAUGHT);
      assert.equal(answer.program, PROMPT + TAUGHT);
      assert.equal(answer.tries.filter(({ agent }) => agent === 'implementation').length, 1);

      // Where the last line is never sound, a repair keeps the first ones; the last try need not.
      const head = PROMPT.split('\n').length - 1;
      const sound = (text: string): boolean => text.split('\n').length - 1 - head <= 1;
      const oneLine = { parse: (_path: string, text: string) => ({ isSound: sound(text), dispose: () => undefined }) };
      const { tries } = await ask(oneLine as unknown as SyntaxChecker);
      const [first, second] = tries.filter(({ agent }) => agent === 'implementation');
      assert.equal(first!.text, TAUGHT);
      assert.equal(second!.text.split('\n')[0], '    value = items');
      assert.ok(tries.length <= 2 * MAX_TRIES);
      assert.equal(new Set(tries.map(({ agent, text }) => `${agent} ${text}`)).size, tries.length);
    } finally {
      await engine.close();
    }
  });

  it('begin where the agent is already there with that one; the same seed gives the same new agent', async () => {
    const config = await readConfig(TINY_DIRECTORY);
    const one = await saveNewAgent(inFolder('implementation.safetensors'), 'implementation', config, 7);
    const two = await saveNewAgent(inFolder('again.safetensors'), 'implementation', config, 7);
    assert.equal(one.generation, two.generation);
    const asked = { agent: 'implementation', out: inFolder('unused'), modelDir: TINY_DIRECTORY, seed: 1 } as const;
    assert.equal(await agentToStartFrom(folder, asked), inFolder('implementation.safetensors'));
    assert.equal(fieldOf('code-generation'), 'code_generation');
  });
});
