import { open, type FileHandle } from 'node:fs/promises';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { AgentError } from './errors.js';

/** A tensor as numbers; files may hold them in half precision, arrays here never do. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The contents of a safetensors file. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bounds of what is read; a file outside them is refused before anything is allocated for it. */
export interface ReadLimits {
  /** Largest file in bytes; default 512 MiB. */
  readonly maxBytes?: number;
  /** Largest header in bytes; default 1 MiB. */
  readonly maxHeaderBytes?: number;
}

const DTYPE_BYTES = { F32: 4, F16: 2 } as const;
type Dtype = keyof typeof DTYPE_BYTES;

/** One entry of the header; `begin` and `end` count from the end of the header. */
interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function malformed(message: string, cause?: unknown): AgentError {
  return new AgentError('agent_malformed', message, { cause });
}

/** Reads a safetensors file with F32 and F16 tensors. Throws `AgentError` (`agent_unreadable`, `agent_too_large`, and those of {@link parseTensors}). */
export async function readTensors(file: string, limits: ReadLimits = {}): Promise<TensorFile> {
  const { maxBytes = 512 * 2 ** 20 } = limits;
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const { size } = await handle.stat();
    if (size > maxBytes) throw new AgentError('agent_too_large', `${file} has ${size} bytes, more than ${maxBytes}.`);
    return parseTensors(await handle.readFile(), file, limits);
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('agent_unreadable', `Cannot read ${file}.`, { cause });
  } finally {
    await handle?.close();
  }
}

/**
 * Parses the bytes of a safetensors file; `source` names it in errors. Throws `AgentError`: `agent_truncated` (it ends too
 * early), `agent_bad_magic` (it does not begin as such a file), `agent_malformed`.
 */
export function parseTensors(bytes: Buffer, source = 'The file', limits: ReadLimits = {}): TensorFile {
  const { maxHeaderBytes = 2 ** 20 } = limits;
  if (bytes.length < 9) throw new AgentError('agent_truncated', `${source} is too short for a safetensors file.`);
  const headerBytes = bytes.readBigUInt64LE(0);
  // The format has no magic number: it is known by a header of a sane length that opens an object.
  if (headerBytes > BigInt(maxHeaderBytes) || bytes[8] !== 0x7b) {
    throw new AgentError('agent_bad_magic', `${source} does not begin as a safetensors file.`);
  }
  if (Number(headerBytes) > bytes.length - 8) {
    throw new AgentError('agent_truncated', `${source} ends within its header of ${String(headerBytes)} bytes.`);
  }
  const start = 8 + Number(headerBytes);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw malformed(`${source} has a header that is not JSON.`, cause);
  }
  const { entries, metadata } = readHeader(header, source);
  checkLayout(entries, bytes.length - start, source);
  const tensors = new Map<string, NamedTensor>();
  for (const entry of entries) {
    tensors.set(entry.name, {
      shape: entry.shape,
      data: numbers(bytes.subarray(start + entry.begin, start + entry.end), entry.dtype),
    });
  }
  return { tensors, metadata };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readHeader(header: unknown, source: string): { entries: Entry[]; metadata: Record<string, string> } {
  if (!isRecord(header)) throw malformed(`${source} has a header that is no object.`);
  const metadata: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (!isRecord(value)) throw malformed(`${source}: the header's ${name} is no object.`);
    if (name === '__metadata__') {
      for (const [key, item] of Object.entries(value)) {
        if (typeof item !== 'string') throw malformed(`${source}: metadata ${key} is no string.`);
        metadata[key] = item;
      }
      continue;
    }
    entries.push(readEntry(name, value, source));
  }
  return { entries: entries.sort((a, b) => a.begin - b.begin || a.end - b.end), metadata };
}

function readEntry(name: string, value: Record<string, unknown>, source: string): Entry {
  const { dtype, shape, data_offsets: offsets } = value;
  if (dtype !== 'F32' && dtype !== 'F16')
    throw malformed(`${source}: ${name} has type ${String(dtype)}, not F32 or F16.`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount))
    throw malformed(`${source}: ${name} has no shape.`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw malformed(`${source}: ${name} has no offsets.`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product: number, size) => product * size, DTYPE_BYTES[dtype]);
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) {
    throw malformed(`${source}: ${name} has ${end - begin} bytes for shape [${shape.join()}].`);
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors must fill the rest of the file exactly: no gap, no overlap, nothing behind the last. */
function checkLayout(entries: readonly Entry[], bytes: number, source: string): void {
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) throw malformed(`${source}: ${name} overlaps its neighbour or leaves a gap.`);
    at = end;
  }
  if (at > bytes) {
    throw new AgentError('agent_truncated', `${source} holds ${bytes} bytes of data, its header describes ${at}.`);
  }
  if (at !== bytes) throw malformed(`${source} holds ${bytes} bytes of data, its header describes ${at}.`);
}

function numbers(bytes: Buffer, dtype: Dtype): Float32Array {
  const data = new Float32Array(bytes.length / DTYPE_BYTES[dtype]);
  if (dtype === 'F32') {
    for (let i = 0; i < data.length; i++) data[i] = bytes.readFloatLE(4 * i);
  } else {
    for (let i = 0; i < data.length; i++) data[i] = HALF_VALUES[bytes.readUInt16LE(2 * i)]!;
  }
  return data;
}

/** The value of each of the 65,536 half-precision numbers. */
const HALF_VALUES = Float32Array.from({ length: 65536 }, (_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
});

/** The nearest half-precision number to each value, ties to even; beyond 65,504 infinity. */
function halves(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.slice().buffer);
  return Uint16Array.from(bits, (value) => {
    const sign = (value >>> 16) & 0x8000;
    const rest = value & 0x7fffffff;
    if (rest > 0x7f800000) return sign | 0x7e00;
    if (rest >= 0x477ff000) return sign | 0x7c00;
    if (rest < 0x38800000) {
      // Below the smallest normal half: round to a multiple of 2^-24.
      const scaled = Math.abs(new Float32Array(Uint32Array.of(rest).buffer)[0]!) * 2 ** 24;
      const floor = Math.floor(scaled);
      const up = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 === 1);
      return sign | (up ? floor + 1 : floor);
    }
    return sign | ((rest - 0x38000000 + 0xfff + ((rest >> 13) & 1)) >> 13);
  });
}

/** The numbers as they come back from half precision. */
export function roundedToHalf(data: Float32Array): Float32Array {
  return Float32Array.from(halves(data), (bits) => HALF_VALUES[bits]!);
}

/** The bytes of a safetensors file: names in order of the alphabet, header padded to 8 bytes. */
export function formatTensors(file: TensorFile, dtype: Dtype = 'F32'): Buffer {
  const header: Record<string, unknown> = {};
  if (Object.keys(file.metadata).length > 0) {
    header['__metadata__'] = Object.fromEntries(Object.entries(file.metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, { shape, data }] of [...file.tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (shape.reduce((product, size) => product * size, 1) !== data.length) {
      throw malformed(`${name} has ${data.length} numbers for shape [${shape.join()}].`);
    }
    const array = dtype === 'F32' ? data : halves(data);
    const part = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    header[name] = { dtype, shape, data_offsets: [at, at + part.length] };
    at += part.length;
    parts.push(part);
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const padding = Buffer.alloc(-json.length & 7, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return Buffer.concat([length, json, padding, ...parts]);
}

/** Writes a safetensors file, whole or not at all. Throws `AgentError` (`agent_unwritable`). */
export async function writeTensors(file: string, contents: TensorFile, dtype: Dtype = 'F32'): Promise<void> {
  const bytes = formatTensors(contents, dtype);
  try {
    await writeFileAtomic(file, bytes);
  } catch (cause) {
    throw new AgentError('agent_unwritable', `Cannot write ${file}.`, { cause });
  }
}
