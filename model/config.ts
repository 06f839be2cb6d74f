import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Ajv } from 'ajv';
import { ModelError } from './errors.js';

/** Names of the protocol's special symbols, as they stand in config.json. */
export const SPECIAL_NAMES = [
  '<|issue|>',
  '<|file|>',
  '<|code|>',
  '<|problem|>',
  '<|type|>',
  '<|loc|>',
  '<|line|>',
  '<|hint|>',
  '<|ctx|>',
  '<|top|>',
  '<|del|>',
  '<|add|>',
  '<|analyse|>',
  '<|patch|>',
  '<|mask|>',
] as const;

export type SpecialName = (typeof SPECIAL_NAMES)[number];

/** config.json of a model directory: the shapes of the graphs and the limits of the text protocol. */
export interface ModelConfig {
  readonly format: number;
  readonly name: string;
  /** Width d of the hidden states. */
  readonly hidden_size: number;
  readonly encoder_layers: number;
  /** Number of decoder layers, L. */
  readonly decoder_layers: number;
  /** For each decoder layer the encoder layer whose keys and values it reads. */
  readonly decoder_parents: readonly number[];
  /** Query heads H. */
  readonly num_heads: number;
  /** Key/value heads G; H is a multiple of G. */
  readonly num_kv_heads: number;
  /** Width h of one head. */
  readonly head_dim: number;
  readonly intermediate_size: number;
  /** Number of token ids, V. */
  readonly vocab_size: number;
  readonly rope_theta: number;
  /** Longest encoder text, in tokens. */
  readonly max_source_tokens: number;
  /** Longest decoder text, in tokens. */
  readonly max_target_tokens: number;
  /** Most lines of code in one window. */
  readonly window_lines: number;
  /** Widths of an agent's tensors: bottleneck r and role head q. */
  readonly adapter: { readonly rank: number; readonly head_rank: number };
  readonly special: Readonly<Record<SpecialName, number>>;
  readonly newline: number;
  readonly pad: number;
  readonly bos: number;
  readonly eos: number;
  /** Closed list of the values of an analysis's `type` field. */
  readonly fault_types: readonly string[];
  /** SHA-256 over the weight files; agents name the backbone they fit by it. */
  readonly fingerprint: string;
  /** File names relative to the model directory. */
  readonly files: { readonly tokenizer: string; readonly encoder: string; readonly decoder: string };
  /** The graphs that fine-tune an agent; a directory that is only served may lack them. */
  readonly training?: { readonly step: HashedFile; readonly evaluation: HashedFile };
}

/** A file of the model directory and its SHA-256 (hex). */
export interface HashedFile {
  readonly file: string;
  readonly sha256: string;
}

const count = { type: 'integer', minimum: 1 };
const id = { type: 'integer', minimum: 0 };
const text = { type: 'string', minLength: 1 };
const fileName = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' };
const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const record = (
  properties: Record<string, object>,
  additionalProperties = false,
  optional: Record<string, object> = {},
): object => ({
  type: 'object',
  properties: { ...properties, ...optional },
  required: Object.keys(properties),
  additionalProperties,
});
const hashedFile = record({ file: fileName, sha256: hash });

const schema = record(
  {
    format: { const: 1 },
    name: text,
    hidden_size: count,
    encoder_layers: count,
    decoder_layers: count,
    decoder_parents: { type: 'array', items: id },
    num_heads: count,
    num_kv_heads: count,
    head_dim: { type: 'integer', minimum: 2, multipleOf: 2 },
    intermediate_size: count,
    vocab_size: count,
    rope_theta: { type: 'number', exclusiveMinimum: 0 },
    max_source_tokens: count,
    max_target_tokens: count,
    window_lines: count,
    adapter: record({ rank: count, head_rank: count }),
    special: record(Object.fromEntries(SPECIAL_NAMES.map((name) => [name, id])), true),
    newline: id,
    pad: id,
    bos: id,
    eos: id,
    fault_types: { type: 'array', items: text, minItems: 1, uniqueItems: true },
    fingerprint: hash,
    files: record({ tokenizer: fileName, encoder: fileName, decoder: fileName }, true),
  },
  true,
  { training: record({ step: hashedFile, evaluation: hashedFile }, true) },
);

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<ModelConfig>(schema);

/** What the schema cannot say: relations between fields. Returns a complaint or undefined. */
function contradiction(config: ModelConfig): string | undefined {
  if (config.num_heads % config.num_kv_heads !== 0) return 'num_heads is not a multiple of num_kv_heads';
  if (config.decoder_parents.length !== config.decoder_layers) return 'decoder_parents must name one parent per layer';
  if (config.decoder_parents.some((parent) => parent >= config.encoder_layers)) return 'decoder_parents names no layer';
  const symbols = [...SPECIAL_NAMES.map((name) => config.special[name]), config.newline, config.pad, config.eos];
  if (symbols.some((symbol) => symbol >= config.vocab_size)) return 'a special id is not below vocab_size';
  if (new Set(symbols).size !== symbols.length) return 'two special symbols share an id';
  return undefined;
}

/** Checks a parsed config.json. Throws `ModelError` (`config_invalid`) naming every fault. */
export function parseConfig(value: unknown, source = 'config.json'): ModelConfig {
  if (!validate(value)) {
    const faults = (validate.errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message ?? ''}`);
    throw new ModelError('config_invalid', `${source}: ${faults.join('; ')}`);
  }
  const fault = contradiction(value);
  if (fault !== undefined) throw new ModelError('config_invalid', `${source}: ${fault}`);
  return value;
}

/** Reads and checks config.json of a model directory. Throws `ModelError` (`model_file_unreadable`, `config_invalid`). */
export async function readConfig(directory: string): Promise<ModelConfig> {
  const file = path.join(directory, 'config.json');
  let source: string;
  try {
    source = await readFile(file, 'utf8');
  } catch (cause) {
    throw new ModelError('model_file_unreadable', `Cannot read ${file}.`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw new ModelError('config_invalid', `${file} is not JSON.`, { cause });
  }
  return parseConfig(value, file);
}
