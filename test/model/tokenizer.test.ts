// Every text comes back exactly, and no text of a user becomes a symbol of the protocol.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readConfig, SPECIAL_NAMES, type ModelConfig } from '../../model/config.js';
import { loadTokenizer, type Tokenizer } from '../../model/tokenizer.js';
import { createRandom } from '../../model/random.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

const MODEL_FILE = path.join(TINY_DIRECTORY, 'tokenizer.model');

const HOSTILE = [
  ...['', ' ', '  ', '\n', '\n\n', '\t', '\r\n', '\r', '\0', 'a\0b', '\ufeffbom', '\u200b', '\u00a0', '\u2028'],
  ...['\u2581', 'a \u2581b', '\u2581\u2581 \u2581', '\ufffd', '\u{10ffff}', '👩‍👩‍👧', 'é', 'e\u0301', '\u202eabc'],
  ...SPECIAL_NAMES,
  ...[
    '<|',
    '<|<|ctx|>',
    '<<|ctx|>|>',
    '<|ctx',
    '|ctx|>',
    '<\u200b|ctx|>',
    '<|CTX|>',
    '<|pad|>',
    '<s>',
    '</s>',
    '<unk>',
    '<pad>',
  ],
  ...[
    '<0x41>',
    '<0xE2><0x96><0x81>',
    ' '.repeat(500),
    '\t'.repeat(100),
    'x'.repeat(5000),
    '0'.repeat(300),
    '<|'.repeat(200),
  ],
  '        if self.x[1:-1] != "\\n":  # \u2192\n\treturn {**a, "b": 0x1F}\n',
];

describe('tokenizer', () => {
  let config: ModelConfig;
  let tokenizer: Tokenizer;

  before(async () => {
    config = await readConfig(TINY_DIRECTORY);
    tokenizer = await loadTokenizer(MODEL_FILE, config);
  });

  it('gives hostile texts back exactly, without ids that are no text', () => {
    for (const text of HOSTILE) {
      const ids = tokenizer.encodeText(text);
      assert.equal(tokenizer.decode(ids), text);
      assert(!ids.some((id) => tokenizer.nonText.has(id)), JSON.stringify(text));
    }
  });

  it('gives random texts back exactly', () => {
    const random = createRandom(2);
    const alphabet = [...Array.from(' \t\n\r<|>abc012_\u2581é日👍\0'), '<|ctx|>', '    ', 'def ', '\ufeff'];
    for (let round = 0; round < 500; round++) {
      const length = Math.floor(random() * 40);
      const text = Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
      const ids = tokenizer.encodeText(text);
      assert.equal(tokenizer.decode(ids), text);
      assert(!ids.some((id) => tokenizer.nonText.has(id)));
    }
  });

  it('replaces half of a character pair, which no file can hold', () => {
    assert.equal(tokenizer.decode(tokenizer.encodeText('a\ud800b')), 'a\ufffdb');
    assert.equal(tokenizer.decode(tokenizer.encodeText('\udc00')), '\ufffd');
  });

  it('ends a line with the newline', () => {
    assert.deepEqual(tokenizer.encodeLine('x'), [...tokenizer.encodeText('x'), tokenizer.newline]);
    assert.deepEqual(tokenizer.encodeLine(''), [tokenizer.newline]);
    assert.equal(tokenizer.decode(tokenizer.encodeLine('a b')), 'a b\n');
  });

  it('names special symbols when decoding and leaves out padding and the end', () => {
    assert.equal(tokenizer.decode([tokenizer.special.ctx]), '<|ctx|>');
    assert.equal(tokenizer.decode([config.pad, config.bos, tokenizer.eos]), '');
    assert.equal(tokenizer.special.analyse, config.special['<|analyse|>']);
    assert.equal(Object.keys(tokenizer.special).length, SPECIAL_NAMES.length);
    assert.equal(tokenizer.nonText.size, SPECIAL_NAMES.length + 4);
  });

  it('tells the text and the bytes of single pieces', () => {
    const ids = tokenizer.encodeText('def f():\n    return 1');
    assert.equal(ids.map((id) => tokenizer.pieceText(id)).join(''), 'def f():\n    return 1');
    const bytes = tokenizer.encodeText('日').flatMap((id) => [...tokenizer.pieceBytes(id)]);
    assert.deepEqual(bytes, [...Buffer.from('日')]);
    assert.throws(() => tokenizer.pieceText(config.vocab_size), { code: 'token_invalid' });
    assert.throws(() => tokenizer.decode([-1]), { code: 'token_invalid' });
  });

  it('leaves no listeners on the process', async () => {
    const count = (): number =>
      process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
    const before = count();
    await loadTokenizer(MODEL_FILE, config);
    assert.equal(count(), before);
  });

  describe('with a wrong file', () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), 'tokenizer-'));
    });
    after(() => rm(folder, { recursive: true }));

    it('is refused', async () => {
      const model = await readFile(MODEL_FILE);
      const load = async (bytes: Uint8Array): Promise<unknown> => {
        const file = path.join(folder, 'tokenizer.model');
        await writeFile(file, bytes);
        return loadTokenizer(file, config);
      };
      await assert.rejects(load(Buffer.alloc(0)), { code: 'tokenizer_invalid' });
      await assert.rejects(load(Buffer.from('no tokenizer')), { code: 'tokenizer_invalid' });
      await assert.rejects(load(model.subarray(0, 5000)), { code: 'tokenizer_invalid' });
      await assert.rejects(loadTokenizer(path.join(folder, 'none'), config), { code: 'model_file_unreadable' });
      const shifted = { ...config, newline: config.newline + 1 };
      await assert.rejects(loadTokenizer(MODEL_FILE, shifted), { code: 'tokenizer_invalid' });
      await assert.rejects(loadTokenizer(MODEL_FILE, { ...config, vocab_size: 1025 }), { code: 'tokenizer_invalid' });
    });
  });
});
