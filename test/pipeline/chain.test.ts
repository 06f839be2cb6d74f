// Proves: a chain's texts are lines of one block by construction, what does not pass is tried again and never the same, and what passes parses.
import assert from 'node:assert/strict';
import { derivedDescription, faultOfDescription, humanevalChain } from '../../agents/chains/humaneval.js';
import { bareAgent, type Agent } from '../../adapters/agent.js';
import type { AgentName } from '../../agents/names.js';
import { constraintVocabulary } from '../../model/constraints/vocabulary.js';
import { BlockConstraint } from '../../pipeline/chains/block-constraint.js';
import { blockPieces } from '../../pipeline/chains/block-pieces.js';
import { FieldConstraint } from '../../pipeline/chains/field-constraint.js';
import { MAX_TRIES, runChain, type ChainEngine } from '../../pipeline/chains/run-chain.js';
import type { SyntaxChecker } from '../../pipeline/syntax.js';
import type { ChainAnswer, ChainRequest } from '../../pipeline/types.js';
import { randomWalk, seededRandom } from '../constraints/random-walk.js';
import { tinyEngine } from './tiny-engine.js';

const PROMPT = `from typing import List


def largest(
    items: List[int], least: int = 0
) -> int:
    """ Give the largest of the items,
    or the least of all if there are none.
    >>> largest([1, 3])
    3
    """
`;
const REQUEST: ChainRequest = { chain: 'humaneval', prompt: PROMPT, max_tokens: 60, temperature: 0, seed: 1 };

describe('chain humaneval', () => {
  let engine: Awaited<ReturnType<typeof tinyEngine>>;
  let agents: Record<'specification' | 'implementation', Agent>;
  before(async () => {
    engine = await tinyEngine();
    const bare = bareAgent(engine.backbone.config);
    agents = { specification: bare, implementation: bare };
  });
  after(() => engine.close());

  function run(request: Partial<ChainRequest> = {}, syntax: SyntaxChecker = engine.syntax!): Promise<ChainAnswer> {
    const chain: ChainEngine = {
      backbone: engine.backbone,
      syntax,
      agent: (name: AgentName) => agents[name as keyof typeof agents],
    };
    return runChain(chain, { ...REQUEST, ...request });
  }

  it('reads signature, docstring and indentation of the last function', () => {
    const task = humanevalChain.read(`def other():\n  return 1\n\n\n${PROMPT}`);
    assert.equal(task?.fields[0]?.given, 'def largest( items: List[int], least: int = 0 ) -> int');
    assert.equal(task.indent, '    ');
    assert.equal(derivedDescription(PROMPT), 'Give the largest of the items, or the least of all if there are none.');
    assert.equal(humanevalChain.read('There is no function here.'), undefined);
    assert.equal(humanevalChain.read('def open(a,\n'), undefined);
  });

  it('takes no noise for a description, and no body that does nothing', () => {
    assert.equal(faultOfDescription('Give the largest of the items.'), undefined);
    for (const noise of [
      'Too few words',
      'a b c d e f g',
      '( ) { } [ ] + - * / = < > ( ) { } give it the is',
      'on on on on on on',
    ]) {
      assert.notEqual(faultOfDescription(noise), undefined, noise);
    }
    const task = humanevalChain.read(PROMPT)!;
    assert.equal(task.faultOf('    return max(items)\n'), undefined);
    for (const body of ['    # later\n    pass\n', '    return None\n', '    ...\n', '    """ A text. """\n', '']) {
      assert.notEqual(task.faultOf(body), undefined, body);
    }
  });

  it('lets any walk write one block and one line, and no refused text', () => {
    const { tokenizer } = engine.backbone;
    const vocabulary = constraintVocabulary(tokenizer);
    const favourites = [tokenizer.newline, ...vocabulary.encodeText('        return x')];
    for (let seed = 0; seed < 60; seed++) {
      const walk = { random: seededRandom(seed), vocabularySize: tokenizer.size, favourites, favour: 0.5 };
      const indent = ' '.repeat([2, 4, 9][seed % 3]!);
      const options = { pieces: blockPieces(tokenizer, vocabulary, indent), maxTokens: 80, refused: new Set<string>() };
      const block = new BlockConstraint(vocabulary, options);
      const tokens = randomWalk(block, walk);
      assert.ok(tokens.length <= 80);
      const lines = block.text.split('\n').slice(0, -1);
      assert.match(lines[0]!, new RegExp(`^${indent}\\S`), 'the first line stands at the indentation');
      for (const line of lines) assert.ok(line === '' || line.startsWith(indent), 'no line leaves the block');

      const again = new BlockConstraint(vocabulary, { ...options, refused: new Set([block.text]) });
      if (tokens.length < 40) {
        for (const token of tokens.slice(0, -1)) again.advance(token);
        assert.throws(() => {
          again.advance(tokenizer.eos);
        }, RangeError);
      }
      const field = new FieldConstraint(vocabulary, tokenizer.special.patch, { maxTokens: 30, refused: new Set() });
      assert.ok(randomWalk(field, { ...walk, favour: 0 }).length <= 30);
      assert.ok(field.text !== '' && !field.text.includes('\n'));
    }
  });

  it('tries each text three times at most and none twice; the same request gives the same answer', async () => {
    // A checker for which nothing is sound: every answer is tried to the end.
    const parsed = { isSound: false, dispose: () => undefined };
    const nothingIsSound = { parse: () => parsed } as unknown as SyntaxChecker;
    const answer = await run({}, nothingIsSound);
    assert.equal(answer.text, null);
    assert.equal(answer.program, null);
    const answers = answer.tries.filter(({ agent }) => agent === 'implementation');
    assert.equal(answers.length, MAX_TRIES);
    for (const agent of ['specification', 'implementation']) {
      const texts = answer.tries.filter((one) => one.agent === agent).map(({ text }) => text);
      assert.ok(texts.length >= 1 && texts.length <= MAX_TRIES);
      assert.equal(new Set(texts).size, texts.length, 'each try is another text');
    }
    assert.deepEqual(
      answers.map(({ fault }) => fault),
      Array(MAX_TRIES).fill('does not parse'),
    );
    assert.deepEqual(await run({}, nothingIsSound), answer);
    assert.equal(answer.fields[0], humanevalChain.read(PROMPT)!.fields[0]!.given, 'the signature is the prompt’s');
  });

  it('refuses what it cannot read or leaves no room', async () => {
    await assert.rejects(run({ prompt: 'no function' }), { code: 'input_too_long' });
    await assert.rejects(run({ prompt: `# ${'long '.repeat(2000)}\n${PROMPT}` }), { code: 'input_too_long' });
  });
});
