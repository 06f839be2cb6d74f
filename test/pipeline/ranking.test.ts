/** Patches are ranked for likelihood, syntax, agreement with their analysis and substance; equal effects appear once. */
import assert from 'node:assert/strict';
import { applyEdits, normalisedText, type LineEdit } from '../../pipeline/edits.js';
import type { FoundPatch } from '../../pipeline/candidate.js';
import { rankCandidates as rank } from '../../pipeline/ranking.js';
import { FORMULA } from '../../pipeline/ranking-weights.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { SyntaxChecker } from '../../pipeline/syntax.js';

const file = SourceFile.parse(
  'a.py',
  'def f(x):\n    # comment\n    y = x + 1\n    return y\n\n\ndef g():\n    return 2\n',
)!;
const window = { file, start: 0, end: file.lines.length, heading: '' };

interface Given {
  readonly edit: LineEdit;
  readonly logprob?: number;
  readonly line?: string;
  readonly parsesAfter?: boolean | null;
  readonly isProse?: boolean;
  readonly windowShare?: number;
}

function candidate({
  edit,
  logprob = -2,
  line = 'y = x + 1',
  parsesAfter = true,
  isProse = false,
  windowShare = 1,
}: Given): FoundPatch {
  const analysis = {
    problem: 'wrong sum',
    fault_type: 'wrong operator',
    fault_location: 'a.py::f',
    line,
    hint: '',
    confidence: 0.5,
  };
  const hypothesis = { analysis, tokens: [], logprob: -4, choices: 10 };
  return {
    window,
    windowShare,
    written: { hypothesis, hunks: [], tokens: [], logprob, choices: 10, margin: 0.5 },
    edits: [edit],
    before: file.text,
    after: applyEdits(file, [edit]),
    key: normalisedText(applyEdits(file, [edit])),
    parsesBefore: true,
    parsesAfter,
    isProse,
  };
}

/** By the formula alone, whatever weights are committed. */
const rankCandidates = (found: readonly FoundPatch[]) => rank(found, FORMULA);

const fix = (text: string, start = 2): LineEdit => ({ start, deleted: 1, added: [text] });

/** The first added line of each candidate, best first. */
const order = (...candidates: FoundPatch[]) => rankCandidates(candidates).map(({ edits }) => edits[0]!.added[0]);

describe('ranking', () => {
  it('prefers what the code agent finds likely', () => {
    assert.deepEqual(
      order(candidate({ edit: fix('    y = x'), logprob: -12 }), candidate({ edit: fix('    y = x - 1') })),
      ['    y = x - 1', '    y = x'],
    );
  });

  it('puts a patch that breaks the syntax last, with a score near 0', () => {
    const ranked = rankCandidates([
      candidate({ edit: fix('    y = (x'), logprob: -0.1, parsesAfter: false }),
      candidate({ edit: fix('    y = x'), logprob: -8 }),
    ]);
    assert.equal(ranked[1]?.parsesAfter, false);
    assert.ok(ranked[1].score < 0.05 && ranked[0]!.score > 0.3);
  });

  it('prefers the place that the analysis names', () => {
    const [first] = rankCandidates([
      candidate({ edit: fix('    return 3', 7) }),
      candidate({ edit: fix('    return -y', 3) }),
      candidate({ edit: fix('    y = x') }),
    ]);
    assert.equal(first?.edits[0]?.start, 2);
    const agreements = rankCandidates([candidate({ edit: fix('    return 3', 7) })])[0]!.reasons;
    assert.ok(agreements.some(({ name, weight }) => name === 'agreement' && weight < 0));
  });

  it('knows the place of an insertion by the line above, blank ones left out', () => {
    const agreement = (start: number, line: string) =>
      rankCandidates([candidate({ edit: { start, deleted: 0, added: ['z = 1'] }, line })])[0]!.reasons.find(
        ({ name }) => name === 'agreement',
      )?.weight;
    assert.equal(agreement(6, 'return y'), 0.5);
    assert.equal(agreement(0, ''), 0.5);
    assert.equal(agreement(8, 'y = x + 1'), -0.7);
    assert.equal(agreement(4, 'y = x + 1'), undefined, 'the same definition counts neither way');
  });

  it('shows one of several patches with the same effect', () => {
    const same = [fix('    y = x'), fix('    y = x  '), { start: 2, deleted: 1, added: ['    y = x', ''] }];
    assert.equal(rankCandidates(same.map((edit) => candidate({ edit }))).length, 1);
  });

  it('thinks little of changes of comments, white space or everything', () => {
    const score = (edit: LineEdit, isProse = false) => rankCandidates([candidate({ edit, isProse })])[0]!.score;
    const usual = score(fix('    y = x'));
    assert.ok(score(fix('    # other', 1), true) < usual / 2);
    assert.ok(score(fix('    y = x + 1   ')) < 0.05);
    assert.ok(score({ start: 0, deleted: 8, added: [] }) < 0.1);
    assert.ok(score({ start: 3, deleted: 0, added: Array.from({ length: 8 }, () => '    y += 1') }) < usual / 2);
  });

  it('prefers the better window', () => {
    const near = candidate({ edit: fix('    y = x') });
    const far = candidate({ edit: fix('    y = 2'), windowShare: 0.3 });
    assert.deepEqual(order(far, near), ['    y = x', '    y = 2']);
  });

  it('gives reasons that add up to the score, best first', () => {
    const ranked = rankCandidates([
      candidate({ edit: fix('    y = x') }),
      candidate({ edit: fix('    y = 2'), logprob: -3 }),
    ]);
    for (const { score, reasons } of ranked) {
      const sum = reasons.reduce((total, { weight }) => total + weight, 0);
      assert.ok(Math.abs(score - 1 / (1 + Math.exp(-sum))) < 1e-12);
      assert.ok(reasons.every(({ detail }) => detail !== ''));
    }
    assert.ok(ranked[1]!.reasons.some(({ name }) => name === 'novelty'));
    assert.ok(ranked[0]!.score >= ranked[1]!.score);
  });
});

describe('syntax', () => {
  let syntax: SyntaxChecker;

  before(async () => {
    syntax = await SyntaxChecker.load();
  });

  after(() => {
    syntax.dispose();
  });

  const sound = (path: string, text: string) => {
    const parsed = syntax.parse(path, text);
    parsed?.dispose();
    return parsed?.isSound;
  };

  it('is known for Python and unknown for the rest', () => {
    assert.equal(sound('a.py', 'def f():\n    return 1\n'), true);
    assert.equal(sound('a.py', 'def f(:\n    return 1\n'), false);
    assert.equal(sound('a.py', 'x = "🎉"\r\nif x:\r\n\tprint(x)\r\n'), true);
    assert.equal(sound('a.py', ''), true);
    assert.equal(sound('a.rs', 'fn'), undefined);
  });

  it('is unsound with blocks that Python rejects', () => {
    for (const text of [
      'def f():\n\nx = 1\n',
      'def f():\n',
      'class A:\n    # nothing\nx = 1\n',
      'if x:\n    # nothing\nelse:\n    y()\n',
      'for x in y:\n    pass\nelse:\n',
      'def f():\n    x = 1\n        y = 2\n    return x\n',
      'def f():\n        x = 1\n    return x\n',
      'def f():\nreturn 1\n',
      'class A:\n    def f(self):\n    return 1\n',
      'x = 1\n    y = 2\n',
      '  x = 1\n',
      'if x:\n    y()\n  else:\n    z()\n',
      'try:\n    f()\nx = 1\n',
      'try:\n    f()\nelse:\n    g()\n',
    ]) {
      assert.equal(sound('a.py', text), false, text);
    }
  });

  it('is sound however freely Python lets one lay out a file', () => {
    const text = [
      '#!/usr/bin/env python',
      '"""Several',
      '  lines."""',
      '@decorate(',
      '    1)',
      '@other',
      'async def f(a,',
      '  b):',
      '    # comment',
      '    x = (a +',
      '      b); y = 2',
      '    if x: return y',
      '    elif (y and',
      '        x): return 3',
      '    else:',
      '        y = """',
      'at the margin',
      '"""',
      '        return \\',
      '  y',
      '\f',
      'class A: pass',
      '\fclass B:',
      '  z = 1',
      '  def g(self): ...',
      'try:',
      '    f()',
      'except* OSError: pass',
      'match x:',
      '    case 1:',
      '        pass',
      '    case _: pass',
      'with a as b, \\',
      '        c as d:',
      '    try: f()',
      '    finally: g(); h()',
      'while True: break',
    ].join('\n');
    for (const whole of [text, text.replaceAll('\n', '\r\n'), `\ufeff${text}\n`]) {
      assert.equal(sound('a.py', whole), true);
    }
  });

  it('tells prose from code', () => {
    const text = 'def f():\n    """One\n    two."""\n    # three\n    x = """\n    four"""\n\n    return x\n';
    const parsed = syntax.parse('a.py', text)!;
    const prose = text.split('\n').flatMap((_, row) => (parsed.isProseLine(row) ? [row] : []));
    assert.deepEqual(prose, [1, 2, 3, 6, 8]);
    parsed.dispose();
  });
});
