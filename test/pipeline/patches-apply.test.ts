/**
 * Whatever the model writes, the diff applies: patches of a model with random preferences over random and hostile
 * files pass `git apply --check`, and applying them gives exactly the text that the pipeline means.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PatchConstraint } from '../../model/constraints/patch-constraint.js';
import type { ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import { WindowLines } from '../../model/constraints/window-lines.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { applyEdits, editsOfHunks } from '../../pipeline/edits.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { unifiedDiff } from '../../pipeline/unified-diff.js';
import { cutIntoWindows, viewsOf } from '../../pipeline/windows.js';
import { FIXED_WINDOWS, hostileWindow } from '../constraints/hostile-windows.js';
import { pick, randomWalk, seededRandom } from '../constraints/random-walk.js';
import { tinyVocabulary } from '../constraints/tiny-vocabulary.js';

const FILES = 700;
const NAMES = ['m.py', 'with space.py', 'ünï/código.py', 'q"uote.txt', 'deep/er/a.c', 'tab\there.js', "it's.py"];

describe('patches of a random model', () => {
  let tokenizer: Tokenizer;
  let vocabulary: ConstraintVocabulary;
  let directory: string;

  before(async () => {
    ({ tokenizer, vocabulary } = await tinyVocabulary());
    directory = mkdtempSync(path.join(os.tmpdir(), 'patches-'));
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  /** Lines with random ends: LF, CRLF or mixed, with or without the last newline and a byte order mark. */
  function randomContent(index: number, random: () => number): string {
    const lines = hostileWindow(index % 4 === 0 ? (index / 4) % FIXED_WINDOWS : index, random);
    const ends = pick(random, [['\n'], ['\n'], ['\r\n'], ['\n', '\r\n']]);
    let text = lines.map((line) => line + pick(random, ends)).join('');
    if (random() < 0.3) text = text.replace(/\r?\n$/, '');
    return random() < 0.1 ? `\ufeff${text}` : text;
  }

  function randomPatch(file: SourceFile, random: () => number): string {
    const windows = cutIntoWindows(file, { maxLines: 40, maxTokens: 900 }, tokenizer);
    const window = windows.length > 0 ? pick(random, windows) : { file, start: 0, end: 0, heading: '' };
    const views = viewsOf(window);
    const lines = new WindowLines(views, vocabulary);
    const constraint = new PatchConstraint(lines, vocabulary, { maxTokens: pick(random, [8, 30, 100, 320]) });
    const favourites = [tokenizer.newline, ...tokenizer.encodeText(pick(random, ['return x', '  ', '🎉', '<|add|>']))];
    randomWalk(constraint, { random, vocabularySize: tokenizer.size, favourites, favour: random() });
    return applyEdits(file, editsOfHunks(constraint.closedHunks, window.start));
  }

  it(`apply to ${FILES} files and change each as meant`, () => {
    const meant = new Map<string, string>();
    let diffs = '';
    for (let index = 0; index < FILES; index++) {
      const random = seededRandom(1000 + index);
      const name = `${index}/${NAMES[index % NAMES.length]!}`;
      const content = randomContent(index, random);
      const file = SourceFile.parse(name, Buffer.from(content));
      assert.ok(file, 'text is text');
      const after = randomPatch(file, random);
      assert.notEqual(after, content, `file ${index} is changed`);
      mkdirSync(path.join(directory, path.dirname(name)), { recursive: true });
      writeFileSync(path.join(directory, name), content);
      meant.set(name, after);
      diffs += unifiedDiff(name, content, after);
    }
    const git = (...args: string[]): void => {
      execFileSync('git', ['apply', '--whitespace=nowarn', ...args], { cwd: directory, input: diffs });
    };
    git('--check');
    git();
    for (const [name, after] of meant) {
      assert.equal(readFileSync(path.join(directory, name), 'utf8'), after, name);
    }
  });
});
