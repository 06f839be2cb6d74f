/** What patches do to their file is found out with few parses, and no more of them after an abort. */
import assert from 'node:assert/strict';
import type { WrittenPatch } from '../../pipeline/written-patch.js';
import { effectsOf } from '../../pipeline/effects.js';
import { SourceFile } from '../../pipeline/source-file.js';

const file = SourceFile.parse('a.py', 'x = 1\ny = 2\n')!;
const window = { file, start: 0, end: 2, heading: '' };

/** A patch that replaces the first line. */
function patch(text: string): WrittenPatch {
  const analysis = { problem: '', fault_type: '', fault_location: '', line: '', hint: '', confidence: 1 };
  const hypothesis = { analysis, tokens: [], logprob: 0, choices: 0 };
  return {
    hypothesis,
    hunks: [{ start: 0, context: 0, deleted: 1, added: [text] }],
    tokens: [],
    logprob: 0,
    choices: 0,
    margin: 0,
  };
}

/** Knows no language, but what it was asked. */
function stubChecker(onParse: (count: number) => void = () => undefined) {
  const parses: string[] = [];
  const parse = (_path: string, text: string): undefined => {
    onParse(parses.push(text));
  };
  return { parse, parses, keysFor: () => undefined };
}

describe('effects', () => {
  it('parse each distinct text once, and nothing for patches without effect', async () => {
    const checker = stubChecker();
    const effects = await effectsOf(window, [patch('x = 2'), patch('x = 1'), patch('x = 2'), patch('x = 3')], checker);
    assert.equal(effects.length, 3);
    assert.deepEqual(checker.parses, [file.text, 'x = 2\ny = 2\n', 'x = 3\ny = 2\n']);
    const idle = stubChecker();
    assert.deepEqual(await effectsOf(window, [patch('x = 1')], idle), []);
    assert.deepEqual(idle.parses, []);
  });

  it('stop within one parse of an abort, also of one that comes from outside', async () => {
    const patches = Array.from({ length: 20 }, (_, index) => patch(`x = ${index + 5}`));
    for (const later of [false, true]) {
      const controller = new AbortController();
      const abort = (): void => {
        controller.abort(new Error('gone'));
      };
      const checker = stubChecker((count) => {
        if (count !== 3) return;
        if (later) setImmediate(abort);
        else abort();
      });
      await assert.rejects(effectsOf(window, patches, checker, controller.signal), /gone/);
      assert.ok(checker.parses.length <= 4, `${checker.parses.length} parses`);
    }
  });
});
