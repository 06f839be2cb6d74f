// Proves: a text is continued by the agent that is named, from the place its symbols say, to the end it asks for.
import { strict as assert } from 'node:assert';
import { bareAgent } from '../../adapters/agent.js';
import type { AgentTensors } from '../../model/agent-tensors.js';
import { complete } from '../../pipeline/completion.js';
import { RawText } from '../../pipeline/raw-text.js';
import type { Completion, CompletionRequest, PipelineEvent } from '../../pipeline/types.js';
import { tinyEngine } from './tiny-engine.js';

const source = '<|issue|>f is wrong\n<|file|>f.py\n<|code|>\ndef f():\n';
const request: CompletionRequest = {
  agent: 'issue-analysis',
  prompt: `${source}<|analyse|>`,
  max_tokens: 24,
  temperature: 0,
  top_p: 1,
  seed: 0,
  stop: [],
};

describe('completion', () => {
  let engine: Awaited<ReturnType<typeof tinyEngine>>;
  before(async () => {
    engine = await tinyEngine();
  });
  after(() => engine.close());
  const run = (
    changes: Partial<CompletionRequest>,
    agent: AgentTensors = engine.agents.issueAnalysis,
    onEvent?: (event: PipelineEvent) => void,
  ): Promise<Completion> =>
    complete({ backbone: engine.backbone, agent }, { ...request, ...changes }, onEvent && { onEvent });

  it('counts the tokens of encoder, decoder and continuation', async () => {
    const { tokenizer } = engine.backbone;
    const { usage, finish } = await run({ max_tokens: 3 });
    const plain = ['f is wrong\n', 'f.py\n', '\ndef f():\n'].flatMap((text) => tokenizer.encodeText(text));
    assert.deepEqual(usage, { prompt_tokens: plain.length + 4, completion_tokens: 3 });
    assert.equal(finish, 'length');
  });

  it('begins with what the agent was trained to begin with, unless the prompt says', async () => {
    assert.deepEqual(await run({ prompt: source }), await run({}));
    const patch = await run({ agent: 'code-generation', prompt: source }, engine.agents.codeGeneration);
    const spelt = await run({ agent: 'code-generation', prompt: `${source}<|patch|>` }, engine.agents.codeGeneration);
    assert.deepEqual(patch, spelt);
    assert.notEqual(patch.text, (await run({})).text);
  });

  it('goes on from the beginning of the decoder’s text', async () => {
    const further = await run({ prompt: `${source}<|analyse|><|problem|>f` });
    assert.equal(further.usage.prompt_tokens, (await run({})).usage.prompt_tokens + 2);
    assert.notEqual(further.text, (await run({})).text);
  });

  it('depends on the agent and, when sampled, on the seed alone', async () => {
    const bare = await run({ agent: null }, bareAgent(engine.backbone.config));
    assert.notEqual(bare.text, (await run({})).text);
    const sampled = { temperature: 1, top_p: 0.9, seed: 5 };
    assert.deepEqual(await run(sampled), await run(sampled));
    assert.notEqual((await run(sampled)).text, (await run({ ...sampled, seed: 6 })).text);
  });

  it('stops before a string, and tells the same text piece by piece', async () => {
    const { text } = await run({});
    const stop = text.slice(5, 8);
    const told: string[] = [];
    const stopped = await run({ stop: [stop] }, undefined, (event) => {
      if (event.type === 'text') told.push(event.text);
    });
    assert.equal(stopped.text, text.slice(0, text.indexOf(stop)));
    assert.equal(stopped.finish, 'stop');
    assert.equal(told.join(''), stopped.text);
  });

  it('refuses a prompt without anything for the encoder, or with too much', async () => {
    const { config } = engine.backbone;
    for (const prompt of ['', '<|analyse|>x', 'x '.repeat(config.max_source_tokens), 'x'.repeat(2 ** 24)]) {
      await assert.rejects(run({ prompt }), { code: 'input_too_long' });
    }
    await assert.rejects(run({ prompt: `x<|patch|>${'x '.repeat(config.max_target_tokens)}` }), {
      code: 'input_too_long',
    });
  });
});

describe('raw text', () => {
  let engine: Awaited<ReturnType<typeof tinyEngine>>;
  before(async () => {
    engine = await tinyEngine();
  });
  after(() => engine.close());

  it('holds back what may become a string that ends it, and bytes of a character that is not whole', () => {
    const { tokenizer } = engine.backbone;
    const text = new RawText(tokenizer, { tokens: new Set([tokenizer.eos]), strings: ['\n\nEnd'] });
    const feed = (part: string): string => {
      for (const token of tokenizer.encodeText(part)) text.advance(token);
      return text.settled;
    };
    assert.equal(feed('a\n'), 'a');
    assert.equal(feed('\n'), 'a');
    assert.equal(feed('b'), 'a\n\nb');
    const bytes = tokenizer.encodeText('\u{1f9ff}');
    assert.ok(bytes.length > 1, 'a character of several tokens');
    text.advance(bytes[0]!);
    assert.equal(text.settled, 'a\n\nb');
    for (const token of bytes.slice(1)) text.advance(token);
    assert.equal(text.settled, 'a\n\nb\u{1f9ff}');
    assert.ok(!text.done);
    feed('\n\nEnd of');
    assert.ok(text.done);
    assert.equal(text.settled, 'a\n\nb\u{1f9ff}');
  });

  it('ends at a token, which is not part of it', () => {
    const { tokenizer } = engine.backbone;
    const text = new RawText(tokenizer, { tokens: new Set([tokenizer.eos]), strings: [] });
    for (const token of [...tokenizer.encodeText('a'), tokenizer.special.hint, tokenizer.eos]) text.advance(token);
    assert.ok(text.done);
    assert.equal(text.text, 'a<|hint|>');
    const { except } = text.allowed() as { except: ReadonlySet<number> };
    assert.ok(!except.has(tokenizer.eos) && !except.has(tokenizer.special.hint) && except.size > 0);
  });
});
