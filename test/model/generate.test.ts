// Generation: forced text, drafts, batches and beams change what is computed, never what comes out.
import assert from 'node:assert/strict';
import path from 'node:path';
import { loadAgent } from '../../adapters/agent.js';
import { loadBackbone } from '../../model/backbone.js';
import type { Constraint } from '../../model/constraint.js';
import { beam, generate, type Finished, type GenerateOptions, type TokenEvent } from '../../model/generate.js';
import { hashLogits, hashState, ScriptedConstraint, someTokens } from '../helpers/model.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

const VOCABULARY = 12;
const END = 0;
const PROMPT = [3, 1, 4];
const ends = (tokens: readonly number[]): boolean => tokens.includes(END);

type Rules = ScriptedConstraint['rules'];

/** Generates one sequence on a decoder whose logits are a function of the tokens. */
async function one(
  rules: Rules,
  options: Partial<GenerateOptions> = {},
  prompt = PROMPT,
): Promise<Finished & { runs: number }> {
  const state = hashState(VOCABULARY);
  const start = { row: state.row(), constraint: new ScriptedConstraint({ done: ends, ...rules }), prompt };
  const [result] = await generate(state, [start], { maxNewTokens: 40, ...options });
  return { ...result!, runs: state.usage.runs };
}

/** The same greedy choice made plainly. */
function plain(constraint: Constraint, maxNewTokens: number, prompt = PROMPT): number[] {
  const tokens: number[] = [];
  while (!constraint.done && tokens.length < maxNewTokens) {
    const allowed = constraint.allowed();
    const logits = hashLogits([...prompt, ...tokens], VOCABULARY);
    const ids = 'only' in allowed ? allowed.only : [...logits.keys()].filter((id) => !allowed.except.has(id));
    const token = constraint.forced()[0] ?? ids.reduce((a, b) => (logits[b]! > logits[a]! ? b : a));
    constraint.advance(token);
    tokens.push(token);
  }
  return tokens;
}

const never: Rules = { done: () => false };
/** The last three of every five tokens are forced. */
const forcing: Rules = {
  ...never,
  forced: (tokens) => (tokens.length % 5 < 2 ? [] : [7, 8, 9].slice((tokens.length % 5) - 2)),
};

describe('generate', () => {
  it('takes the most likely tokens until the constraint is done', async () => {
    const result = await one({});
    assert.deepEqual(result.tokens, plain(new ScriptedConstraint({ done: ends }), 40));
    assert.equal(result.finish, 'done');
    assert.equal(result.tokens.at(-1), END);
    assert.deepEqual(result.pending, [END]);
    assert.equal(result.runs, result.tokens.length);
    assert(Math.abs(result.logprob - result.logprobs.reduce((sum, value) => sum + value, 0)) < 1e-9);
  });

  it('stops at the limit, also inside forced text', async () => {
    assert.equal((await one(never, { maxNewTokens: 9 })).tokens.length, 9);
    const cut = await one(forcing, { maxNewTokens: 4 });
    assert.deepEqual(cut.tokens.slice(2), [7, 8]);
    assert.equal(cut.finish, 'length');
    assert.deepEqual((await one(never, { maxNewTokens: 0 })).tokens, []);
  });

  it('appends forced text without asking the model, at log-probability 0', async () => {
    const events: TokenEvent[] = [];
    const result = await one(forcing, { onToken: (event) => events.push(event) });
    assert.deepEqual(result.tokens, plain(new ScriptedConstraint(forcing), 40));
    assert.equal(result.runs, result.choices);
    assert.equal(result.choices, 16);
    assert.deepEqual(
      events.map((event) => event.token),
      result.tokens,
    );
    result.tokens.forEach((_, at) => {
      assert.equal(result.logprobs[at] === 0, at % 5 >= 2);
    });
    events.forEach((event, at) => {
      assert.equal(event.forced, at % 5 >= 2);
    });
  });

  it('begins with forced text and takes single possibilities for forced', async () => {
    const result = await one({
      done: (tokens) => tokens.length === 6,
      forced: (tokens) => (tokens.length === 0 ? [5, 6] : []),
      allowed: (tokens) => (tokens.length === 3 ? { only: [9] } : { except: new Set() }),
    });
    assert.deepEqual(result.tokens.slice(0, 2), [5, 6]);
    assert.equal(result.tokens[3], 9);
    assert.equal(result.runs, 3);
    assert.equal(result.choices, 3);
  });

  it('verifies drafts without changing the result', async () => {
    const truth = plain(new ScriptedConstraint(forcing), 40);
    const guesses: Record<string, (tokens: readonly number[]) => readonly number[]> = {
      right: (tokens) => truth.slice(tokens.length),
      wrong: () => [2, 2, 2, 2],
      'half right': (tokens) =>
        truth.map((token, at) => (at % 4 === 3 ? 1 : token)).slice(tokens.length, tokens.length + 6),
      'too long': (tokens) => [...truth.slice(tokens.length), 5, 5, 5, 5, 5, 5],
    };
    const runs: Record<string, number> = {};
    for (const [name, draft] of Object.entries(guesses)) {
      const result = await one({ ...forcing, draft });
      assert.deepEqual(result.tokens, truth, name);
      assert.deepEqual(
        result.row.tokens,
        [...PROMPT, ...truth].slice(0, PROMPT.length + 40 - result.pending.length),
        name,
      );
      runs[name] = result.runs;
    }
    assert(runs['right']! <= 6 && runs['half right']! < 14 && runs['wrong']! <= 17, JSON.stringify(runs));
    const off = await one({ ...forcing, draft: guesses['right']! }, { maxDraft: 0 });
    assert.equal(off.runs, off.choices);
  });

  it('leaves something to feed to whoever goes on, also when a draft was right to the end', async () => {
    const truth = plain(new ScriptedConstraint(never), 12);
    const result = await one({ done: (tokens) => tokens.length === 12, draft: (tokens) => truth.slice(tokens.length) });
    assert.deepEqual([result.tokens, result.finish], [truth, 'done']);
    assert.deepEqual(result.pending, truth.slice(-1));
    assert.deepEqual(result.row.tokens, [...PROMPT, ...truth.slice(0, -1)]);
  });

  it('does not draft when sampling', async () => {
    const result = await one({ ...never, draft: () => assert.fail('asked') }, { temperature: 1 });
    assert.equal(result.tokens.length, 40);
  });

  it('gives each start the same alone and in a batch, greedy and sampled', async () => {
    for (const temperature of [0, 1]) {
      const prompts = [[1], [2, 3], [4, 5, 6], [7]];
      const options = { maxNewTokens: 25, temperature, seed: 5 };
      const state = hashState(VOCABULARY);
      const draft = (tokens: readonly number[]): readonly number[] => [tokens.at(-1) ?? 1, 2, 3];
      const start = (prompt: number[]): { constraint: Constraint; prompt: number[] } => ({
        constraint: new ScriptedConstraint({ ...forcing, done: ends, draft }),
        prompt,
      });
      const together = await generate(
        state,
        prompts.map((prompt) => ({ ...start(prompt), row: state.row() })),
        options,
      );
      for (const [index, prompt] of prompts.entries()) {
        const fillers = prompts
          .slice(0, index)
          .map(() => ({ ...start([9]), constraint: new ScriptedConstraint({ done: () => true }) }));
        const starts = [...fillers, start(prompt)].map((each) => ({ ...each, row: state.row() }));
        const alone = (await generate(state, starts, options))[index]!;
        assert.deepEqual(alone.tokens, together[index]!.tokens);
        assert.deepEqual(alone.logprobs, together[index]!.logprobs);
      }
    }
  });

  it('repeats itself with the same seed and differs with another', async () => {
    const sample = async (seed: number): Promise<readonly number[]> =>
      (await one(never, { temperature: 1, seed })).tokens;
    assert.deepEqual(await sample(1), await sample(1));
    assert.notDeepEqual(await sample(1), await sample(2));
  });

  it('goes on from given logits and from a finished row', async () => {
    const state = hashState(VOCABULARY);
    const row = state.row();
    const [logits] = await state.step([{ row, tokens: PROMPT }]);
    const first = { row, constraint: new ScriptedConstraint(never), logits: logits![0]! };
    const [half] = await generate(state, [first], { maxNewTokens: 10 });
    const second = { row, constraint: half!.constraint, prompt: half!.pending };
    const [rest] = await generate(state, [second], { maxNewTokens: 10 });
    assert.deepEqual([...half!.tokens, ...rest!.tokens], plain(new ScriptedConstraint(never), 20));
    await assert.rejects(generate(state, [{ row, constraint: new ScriptedConstraint(never) }], { maxNewTokens: 1 }), {
      code: 'options_invalid',
    });
  });

  it('stops when aborted', async () => {
    const controller = new AbortController();
    let count = 0;
    const aborting = one(never, {
      signal: controller.signal,
      onToken: () => {
        if (++count === 5) controller.abort(new Error('enough'));
      },
    });
    await assert.rejects(aborting, /enough/);
    assert.equal(count, 5);
  });

  it('notes the likeliest other tokens of each choice, drafts or not, and chooses as without', async () => {
    const rules: Rules = {
      ...forcing,
      draft: (tokens) => someTokens(3, tokens.length, VOCABULARY + 30).map((id) => id % 12),
    };
    const noted = await one(rules, { maxNewTokens: 20, runnersUp: 2 });
    assert.deepEqual(noted.tokens, (await one(rules, { maxNewTokens: 20 })).tokens);
    const choices = noted.logprobs.flatMap((logprob, index) => (logprob === 0 ? [] : [index]));
    assert.deepEqual([...new Set(noted.runnersUp.map(({ position }) => position))], choices);
    for (const position of choices) {
      const logits = hashLogits([...PROMPT, ...noted.tokens.slice(0, position)], VOCABULARY);
      const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!);
      const others = noted.runnersUp.filter((other) => other.position === position).map(({ token }) => token);
      assert.deepEqual([noted.tokens[position], ...others], order.slice(0, 3));
    }
    await assert.rejects(one({}, { runnersUp: 1, temperature: 1 }), { code: 'options_invalid' });
  });

  it('ends when time is over, with what is done and what is not', async () => {
    const state = hashState(VOCABULARY);
    const short: Rules = { done: (tokens) => tokens.length === 2 };
    const starts = [short, never].map((rules) => ({
      row: state.row(),
      constraint: new ScriptedConstraint(rules),
      prompt: PROMPT,
    }));
    const results = await generate(state, starts, { maxNewTokens: 40, isOver: () => state.usage.runs === 5 });
    assert.deepEqual(
      results.map(({ finish, tokens }) => [finish, tokens.length]),
      [
        ['done', 2],
        ['stopped', 5],
      ],
    );
    const start = { row: state.row(), constraint: new ScriptedConstraint(never), prompt: PROMPT };
    assert.deepEqual(await beam(state, start, { width: 2, maxNewTokens: 9, isOver: () => true }), []);
  });

  it('refuses options that make no sense', async () => {
    const wrong = [
      { temperature: -1 },
      { temperature: NaN },
      { topP: 0 },
      { topP: 1.1 },
      { topK: -1 },
      { maxNewTokens: 1.5 },
    ];
    for (const options of wrong) await assert.rejects(one(never, options), { code: 'options_invalid' });
  });

  it('decodes the tiny model with drafts and in batches as it does without', async () => {
    const backbone = await loadBackbone({ directory: TINY_DIRECTORY });
    const agent = await loadAgent(path.join(TINY_DIRECTORY, 'golden-agent.safetensors'), backbone.config);
    const memory = await backbone.encode(someTokens(40, 1, backbone.config.vocab_size));
    const state = backbone.open(memory, agent);
    const prompts = [20, 21, 22].map((seed) => someTokens(5, seed, backbone.config.vocab_size));
    const run = async (rules: Rules[], batch: number[][], maxDraft = 16): Promise<Finished[]> => {
      const starts = batch.map((prompt, index) => ({
        row: state.row(),
        constraint: new ScriptedConstraint({ done: (tokens) => tokens.length === 30, ...rules[index] }),
        prompt,
      }));
      const results = await generate(state, starts, { maxNewTokens: 60, maxDraft });
      for (const { row } of results) state.drop(row);
      return results;
    };
    const alone: Finished[] = [];
    for (const prompt of prompts) alone.push(...(await run([{}], [prompt])));
    const drafting = alone.map(({ tokens: truth }): Rules => ({
      draft: (tokens) => truth.map((token, at) => (at % 7 === 6 ? 99 : token)).slice(tokens.length),
    }));
    // A rounding that tips (see decoder.test.ts) may turn a near tie: log-probabilities are compared, not only tokens.
    for (const results of [
      await run([], prompts),
      await run(drafting, prompts),
      await run([drafting[0]!], [prompts[0]!]),
    ]) {
      results.forEach((result, index) => {
        const same = result.tokens.findIndex((token, at) => token !== alone[index]!.tokens[at]);
        const until = same === -1 ? 30 : same;
        for (let at = 0; at <= until && at < 30; at++) {
          assert(Math.abs(result.logprobs[at]! - alone[index]!.logprobs[at]!) < 0.05, `row ${index}, token ${at}`);
        }
      });
    }
    state.close();
    await backbone.close();
  });
});

describe('beam search', () => {
  const LENGTH = 4;
  const short: Rules = { done: (tokens) => tokens.length === LENGTH };

  it('of width 1 is greedy', async () => {
    for (const rules of [{ done: ends }, forcing, { ...forcing, done: ends }]) {
      for (const prompt of [[1], [2, 3], [4, 5, 6]]) {
        const state = hashState(VOCABULARY);
        const start = { row: state.row(), constraint: new ScriptedConstraint(rules), prompt };
        const [best, ...others] = await beam(state, start, { width: 1, maxNewTokens: 30 });
        const greedy = await one(rules, { maxNewTokens: 30 }, prompt);
        assert.deepEqual(best!.tokens, greedy.tokens);
        assert.deepEqual(best!.logprobs, greedy.logprobs);
        assert.equal(others.length, 0);
        assert.equal(state.open(), 1);
      }
    }
  });

  it('finds the best sequences of all when it is wide enough', async () => {
    const small = 5;
    const all: { tokens: number[]; logprob: number }[] = [];
    const visit = (tokens: number[], logprob: number): void => {
      if (tokens.length === LENGTH) {
        all.push({ tokens, logprob });
        return;
      }
      const logits = hashLogits([...PROMPT, ...tokens], small);
      const sum = Math.log(logits.reduce((total, value) => total + Math.exp(value), 0));
      logits.forEach((value, id) => {
        visit([...tokens, id], logprob + value - sum);
      });
    };
    visit([], 0);
    all.sort((a, b) => b.logprob - a.logprob);
    const state = hashState(small);
    const start = { row: state.row(), constraint: new ScriptedConstraint(short), prompt: PROMPT };
    const found = await beam(state, start, { width: 125, maxNewTokens: 10, count: 5 });
    assert.deepEqual(
      found.map((result) => result.tokens),
      all.slice(0, 5).map((result) => result.tokens),
    );
    found.forEach((result, rank) => {
      assert(Math.abs(result.logprob - all[rank]!.logprob) < 1e-5);
    });
  });

  it('is at least as likely as greedy, with different results, and drops every row it does not return', async () => {
    const state = hashState(VOCABULARY);
    const start = { row: state.row(), constraint: new ScriptedConstraint({ ...forcing, done: ends }), prompt: PROMPT };
    const results = await beam(state, start, { width: 4, maxNewTokens: 30 });
    const greedy = await one({ ...forcing, done: ends }, { maxNewTokens: 30 });
    assert.equal(results.length, 4);
    assert(results[0]!.logprob >= greedy.logprob - 1e-9);
    assert.equal(new Set(results.map((result) => result.tokens.join())).size, 4);
    assert.deepEqual(
      results.map((result) => result.logprob),
      results.map((result) => result.logprob).sort((a, b) => b - a),
    );
    assert.equal(state.open(), results.length);
    for (const { row, tokens, pending } of results) {
      assert.deepEqual(row.tokens, [...PROMPT, ...tokens].slice(0, PROMPT.length + tokens.length - pending.length));
    }
  });

  it('returns fewer sequences when there are fewer', async () => {
    const state = hashState(VOCABULARY);
    const constraint = new ScriptedConstraint({
      done: (tokens) => tokens.length === 2,
      allowed: () => ({ only: [1, 2] }),
    });
    const results = await beam(state, { row: state.row(), constraint, prompt: [5] }, { width: 8, maxNewTokens: 10 });
    assert.equal(results.length, 4);
    const nothing = new ScriptedConstraint({ done: () => true });
    const [empty] = await beam(
      state,
      { row: state.row(), constraint: nothing, prompt: [5] },
      { width: 2, maxNewTokens: 5 },
    );
    assert.deepEqual(empty!.tokens, []);
  });
});
