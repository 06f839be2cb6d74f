// Tensor files: exact round trips, the layout others read, and nothing hostile gets through or costs memory.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  formatTensors,
  parseTensors,
  readTensors,
  writeTensors,
  type NamedTensor,
} from '../../adapters/safetensors.js';

const tensors = new Map<string, NamedTensor>([
  ['b', { shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 65504, 1e-7, 0) }],
  ['a', { shape: [], data: Float32Array.of(3) }],
  ['empty', { shape: [0, 4], data: new Float32Array(0) }],
]);
const metadata = { format: '1', note: 'ü"\n' };

/** A file with any header and data. */
function raw(header: unknown, dataBytes = 0, headerBytes?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerBytes ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

const f32 = (shape: unknown, begin: unknown, end: unknown): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tensors-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('gives float32 back bit by bit', async () => {
    const file = path.join(folder, 'x.safetensors');
    await writeTensors(file, { tensors, metadata });
    const read = await readTensors(file);
    assert.deepEqual(read.metadata, metadata);
    assert.deepEqual(new Map([...read.tensors].sort()), new Map([...tensors].sort()));
    assert.deepEqual(await readdir(folder), ['x.safetensors']);
  });

  it('writes the published layout: length, aligned JSON header, data without gaps', () => {
    const bytes = formatTensors({ tensors, metadata: {} });
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    assert.equal(headerBytes % 8, 0);
    const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString()) as Record<string, unknown>;
    assert.deepEqual(header['a'], { dtype: 'F32', shape: [], data_offsets: [0, 4] });
    assert.deepEqual(header['b'], { dtype: 'F32', shape: [2, 3], data_offsets: [4, 28] });
    assert.equal(bytes.length, 8 + headerBytes + 28);
    assert.equal(bytes.readFloatLE(8 + headerBytes), 3);
  });

  it('rounds to the nearest half and reads every half back', () => {
    const all = Float32Array.from({ length: 65536 }, (_, bits) => {
      const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      if (exponent === 31) return sign * Infinity;
      return exponent === 0 ? (sign * fraction) / 2 ** 24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    });
    const round = (data: Float32Array): Float32Array => {
      const file = { tensors: new Map([['x', { shape: [data.length], data }]]), metadata: {} };
      return parseTensors(formatTensors(file, 'F16')).tensors.get('x')!.data;
    };
    assert.deepEqual(round(all), all);
    const values = Float32Array.of(
      1 + 1 / 2048,
      1 + 3 / 2048,
      65519,
      65520,
      2 ** -25,
      2 ** -25 * 1.01,
      3 * 2 ** -25,
      0.1,
      -1e-9,
    );
    const halves = [1, 1 + 2 / 1024, 65504, Infinity, 0, 2 ** -24, 2 * 2 ** -24, 0.0999755859375, -0];
    assert.deepEqual(round(values), Float32Array.from(halves));
    assert(Number.isNaN(round(Float32Array.of(NaN))[0]));
  });

  it('reads what PyTorch wrote', async () => {
    const { ROOT } = await import('../helpers/tiny.js');
    const file = await readTensors(path.join(ROOT, 'test/fixtures/tiny/golden-agent.safetensors'));
    assert.equal(file.metadata['format'], '1');
    assert(file.tensors.get('adapter_down')!.data.every(Number.isFinite));
  });

  const hostile: [string, Buffer][] = [
    ['an empty file', Buffer.alloc(0)],
    ['less than a length', Buffer.alloc(7)],
    ['a header longer than the file', raw('{}', 0, 100n)],
    ['a huge header', raw('{}', 0, 2n ** 63n)],
    ['a header that is not JSON', raw('{"a":')],
    ['a header that is not UTF-8', Buffer.concat([raw('', 0, 2n), Buffer.of(0xff, 0xfe)])],
    ['a header that is a list', raw([])],
    ['a header that is null', raw('null')],
    ['a tensor that is a number', raw({ a: 3 })],
    ['metadata that is no text', raw({ __metadata__: { a: 1 } })],
    ['metadata that is a list', raw({ __metadata__: [] })],
    ['another type', raw({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8)],
    ['a negative size', raw({ a: f32([-1], 0, 4) }, 4)],
    ['a broken size', raw({ a: f32([0.5], 0, 2) }, 2)],
    ['sizes whose product overflows', raw({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4)],
    ['too many dimensions', raw({ a: f32(new Array(9).fill(1), 0, 4) }, 4)],
    ['no shape', raw({ a: f32(undefined, 0, 4) }, 4)],
    ['offsets that are text', raw({ a: f32([1], '0', '4') }, 4)],
    ['offsets backwards', raw({ a: f32([1], 4, 0) }, 4)],
    ['one offset', raw({ a: { dtype: 'F32', shape: [1], data_offsets: [4] } }, 4)],
    ['offsets that do not fit the shape', raw({ a: f32([2], 0, 4) }, 4)],
    ['offsets beyond the file', raw({ a: f32([2], 0, 8) }, 4)],
    ['overlapping tensors', raw({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12)],
    ['a gap between tensors', raw({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12)],
    ['bytes behind the last tensor', raw({ a: f32([1], 0, 4) }, 8)],
    ['a truncated file', formatTensors({ tensors, metadata }).subarray(0, -1)],
  ];
  const otherCodes: Readonly<Record<string, string>> = {
    'an empty file': 'agent_truncated',
    'less than a length': 'agent_truncated',
    'a header longer than the file': 'agent_truncated',
    'offsets beyond the file': 'agent_truncated',
    'a truncated file': 'agent_truncated',
    'a huge header': 'agent_bad_magic',
    'a header that is not UTF-8': 'agent_bad_magic',
    'a header that is a list': 'agent_bad_magic',
    'a header that is null': 'agent_bad_magic',
  };
  for (const [what, bytes] of hostile) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseTensors(bytes), { name: 'AgentError', code: otherCodes[what] ?? 'agent_malformed' });
    });
  }

  it('takes names that are properties of every object for what they are', () => {
    const file = raw(
      '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"__proto__":"x"}}',
      4,
    );
    const read = parseTensors(file);
    assert.deepEqual([...read.tensors.keys()], ['__proto__']);
    assert.equal(Object.getPrototypeOf(read.metadata), Object.prototype);
  });

  it('bounds what it reads and reports what it cannot', async () => {
    const file = path.join(folder, 'large.safetensors');
    await writeTensors(file, { tensors, metadata });
    await assert.rejects(readTensors(file, { maxBytes: 50 }), { code: 'agent_too_large' });
    await assert.rejects(readTensors(file, { maxHeaderBytes: 20 }), { code: 'agent_bad_magic' });
    await assert.rejects(readTensors(path.join(folder, 'none')), { code: 'agent_unreadable' });
    await assert.rejects(readTensors(folder), { code: 'agent_unreadable' });
  });

  it('leaves the old file and no other when it cannot write', async () => {
    const file = path.join(folder, 'kept.safetensors');
    await writeFile(file, 'old');
    const wrong = new Map([['a', { shape: [5], data: new Float32Array(1) }]]);
    await assert.rejects(writeTensors(file, { tensors: wrong, metadata }), { code: 'agent_malformed' });
    await assert.rejects(writeTensors(path.join(folder, 'none', 'x'), { tensors, metadata }), {
      code: 'agent_unwritable',
    });
    await assert.rejects(writeTensors(folder, { tensors, metadata }), { code: 'agent_unwritable' });
    assert.equal(await readFile(file, 'utf8'), 'old');
    assert(!(await readdir(folder)).some((name) => name.endsWith('.tmp')));
  });
});
