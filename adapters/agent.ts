import { createHash } from 'node:crypto';
import { AGENT_NAMES, type AgentName } from '../agents/names.js';
import {
  AGENT_TENSOR_NAMES,
  agentShapes,
  type AgentTensorName,
  type AgentTensors,
  type LayerAdapter,
} from '../model/agent-tensors.js';
import type { ModelConfig } from '../model/config.js';
import { AgentError, type AgentErrorCode } from './errors.js';
import { readProbe, type Probe } from './probe-record.js';
import { readTensors, roundedToHalf, writeTensors, type NamedTensor, type TensorFile } from './safetensors.js';

export type { AgentName } from '../agents/names.js';

/** One agent as read from its file: the numbers the decoder takes, and what the file says about itself. */
export interface Agent extends AgentTensors {
  readonly name: AgentName;
  /** SHA-256 (hex) over tensors and metadata; the same contents give the same generation, however the file is laid out. */
  readonly generation: string;
  /** Fingerprint of the backbone it was trained on. */
  readonly backbone: string;
  /** Measured figures, as the training wrote them. */
  readonly figures: Readonly<Record<string, unknown>>;
  /** Where it comes from: parent generation, data, settings. */
  readonly lineage: Readonly<Record<string, unknown>>;
  /** What it answered when it was trained; checked before it serves. */
  readonly probe: Probe | undefined;
  /** Number of parameters. */
  readonly parameters: number;
  /** The stacked tensors of the file; `layers` and the head are views of them. */
  readonly tensors: Readonly<Record<AgentTensorName, Float32Array>>;
}

/** Metadata of an agent's file, format 1. */
export interface AgentDescription {
  readonly name: AgentName;
  readonly backbone: string;
  readonly figures?: Readonly<Record<string, unknown>>;
  readonly lineage?: Readonly<Record<string, unknown>>;
  readonly probe?: Probe;
}

/** Largest agent file that is read: adapters are a few per cent of the backbone. */
export const MAX_AGENT_BYTES = 256 * 2 ** 20;

/**
 * Reads and checks an agent's file, of `maxBytes` at most. Throws `AgentError` with a code for each kind of fault; only
 * those that need the backbone are left to `checkAgent`.
 */
export async function loadAgent(
  file: string,
  config: ModelConfig,
  expected?: AgentName,
  maxBytes = MAX_AGENT_BYTES,
): Promise<Agent> {
  const contents = await readTensors(file, { maxBytes });
  const agent = toAgent(contents, config, file);
  if (expected !== undefined && agent.name !== expected) {
    throw new AgentError('agent_wrong_name', `${file} is the agent ${agent.name}, not ${expected}.`);
  }
  return agent;
}

/** An agent of zeros: the decoder behaves as the bare backbone. */
export function bareAgent(config: ModelConfig, name: AgentName = 'code-generation'): Agent {
  const tensors = new Map<string, NamedTensor>();
  for (const [tensorName, shape] of Object.entries(agentShapes(config))) {
    tensors.set(tensorName, { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) });
  }
  return toAgent({ tensors, metadata: metadataOf({ name, backbone: config.fingerprint }) }, config, 'The bare agent');
}

/**
 * Writes an agent's file in one atomic step and returns the agent as it will be read back (half precision rounds).
 * The file is sealed: it names its own generation, so that a changed bit is noticed. Throws `AgentError`.
 */
export async function saveAgent(
  file: string,
  tensors: Readonly<Record<AgentTensorName, Float32Array>>,
  description: AgentDescription,
  config: ModelConfig,
  dtype: 'F16' | 'F32' = 'F16',
): Promise<Agent> {
  const shapes = agentShapes(config);
  const named = AGENT_TENSOR_NAMES.map((name): [string, NamedTensor] => [
    name,
    { shape: shapes[name], data: tensors[name] },
  ]);
  const asRead =
    dtype === 'F16'
      ? named.map(([name, { shape, data }]): [string, NamedTensor] => [name, { shape, data: roundedToHalf(data) }])
      : named;
  const contents: TensorFile = { tensors: new Map(asRead), metadata: metadataOf(description) };
  const { generation } = toAgent(contents, config, file);
  await writeTensors(file, { ...contents, metadata: { ...contents.metadata, [SEAL]: generation } }, dtype);
  return loadAgent(file, config, description.name);
}

/** Assembles what the decoder takes from stacked tensors of the right sizes; `layers` are views of them. */
export function agentTensors(
  stacked: Readonly<Record<AgentTensorName, Float32Array>>,
  config: ModelConfig,
): AgentTensors {
  return { layers: layersOf(stacked, config), headDown: stacked.head_down, headUp: stacked.head_up };
}

/** Metadata key of the generation a file was saved with; not part of what the generation is computed from. */
export const SEAL = 'generation';

const METADATA_KEYS: readonly string[] = ['format', 'agent', 'backbone', 'figures', 'lineage', 'probe', SEAL];

function metadataOf({ name, backbone, figures = {}, lineage = {}, probe }: AgentDescription): Record<string, string> {
  return {
    ...(probe && { probe: JSON.stringify(probe) }),
    format: '1',
    agent: name,
    backbone,
    figures: JSON.stringify(figures),
    lineage: JSON.stringify(lineage),
  };
}

function toAgent({ tensors, metadata }: TensorFile, config: ModelConfig, source: string): Agent {
  const refuse = (code: AgentErrorCode, message: string): AgentError => new AgentError(code, `${source}: ${message}.`);
  if (metadata['format'] !== '1')
    throw refuse('agent_wrong_format', `format ${metadata['format'] ?? 'is missing'}, not 1`);
  const name = AGENT_NAMES.find((known) => known === metadata['agent']);
  if (name === undefined) throw refuse('agent_wrong_name', `no agent is called ${metadata['agent'] ?? 'nothing'}`);
  const backbone = metadata['backbone'] ?? '';
  if (backbone !== config.fingerprint) {
    throw refuse(
      'agent_wrong_backbone',
      `made for the backbone ${backbone.slice(0, 12) || 'unknown'}, this is ${config.fingerprint.slice(0, 12)}`,
    );
  }
  const unknown = Object.keys(metadata).find((key) => !METADATA_KEYS.includes(key));
  // A flipped bit in the name of the seal would otherwise leave the file without one.
  if (unknown !== undefined) throw refuse('agent_malformed', `unknown metadata ${unknown}`);
  const stacked = checkedTensors(tensors, config, source);
  const generation = generationOf(tensors, metadata);
  if (metadata[SEAL] !== undefined && metadata[SEAL] !== generation) {
    throw refuse(
      'agent_corrupted',
      `sealed as ${metadata[SEAL].slice(0, 12)}, its contents are ${generation.slice(0, 12)}`,
    );
  }
  return {
    name,
    backbone,
    generation,
    probe: readProbe(metadata['probe'], source),
    figures: jsonObject(metadata, 'figures', source),
    lineage: jsonObject(metadata, 'lineage', source),
    parameters: AGENT_TENSOR_NAMES.reduce((sum, tensorName) => sum + stacked[tensorName].length, 0),
    tensors: stacked,
    ...agentTensors(stacked, config),
  };
}

/** The tensors under their names if they are those of an agent, each with its shape and finite numbers. */
function checkedTensors(
  tensors: TensorFile['tensors'],
  config: ModelConfig,
  source: string,
): Record<AgentTensorName, Float32Array> {
  const shapes = agentShapes(config);
  const unknown = [...tensors.keys()].filter((name) => !Object.hasOwn(shapes, name));
  if (unknown.length > 0)
    throw new AgentError('agent_unknown_tensor', `${source}: unknown tensor ${unknown.join(', ')}.`);
  const checked = AGENT_TENSOR_NAMES.map((name): [AgentTensorName, Float32Array] => {
    const tensor = tensors.get(name);
    const shape = shapes[name];
    if (tensor?.shape.join() !== shape.join()) {
      const found = tensor === undefined ? 'is missing' : `is [${tensor.shape.join()}]`;
      const code = tensor === undefined ? 'agent_missing_tensor' : 'agent_wrong_shape';
      throw new AgentError(code, `${source}: ${name} ${found}, not [${shape.join()}].`);
    }
    if (!tensor.data.every(Number.isFinite)) {
      throw new AgentError('agent_not_finite', `${source}: ${name} has numbers that are not finite.`);
    }
    return [name, tensor.data];
  });
  return Object.fromEntries(checked) as Record<AgentTensorName, Float32Array>;
}

/** Views of each layer's part of the stacked tensors. */
function layersOf(stacked: Readonly<Record<AgentTensorName, Float32Array>>, config: ModelConfig): LayerAdapter[] {
  const { hidden_size: hidden, adapter } = config;
  const size = hidden * adapter.rank;
  return Array.from({ length: config.decoder_layers }, (_, layer) => ({
    down: stacked.adapter_down.subarray(layer * size, (layer + 1) * size),
    up: stacked.adapter_up.subarray(layer * size, (layer + 1) * size),
    gateWeight: stacked.gate_w.subarray(layer * hidden, (layer + 1) * hidden),
    gateBias: stacked.gate_b.subarray(layer, layer + 1),
  }));
}

/** Hash of names, shapes and numbers (as float32) and of the metadata, in order of names, each with its length. */
export function generationOf(tensors: TensorFile['tensors'], metadata: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const name of [...tensors.keys()].sort()) {
    const { shape, data } = tensors.get(name)!;
    hash.update(JSON.stringify([name, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const described = Object.entries(metadata).filter(([key]) => key !== SEAL);
  hash.update(JSON.stringify(described.sort(([a], [b]) => (a < b ? -1 : 1))));
  return hash.digest('hex');
}

function jsonObject(metadata: Readonly<Record<string, string>>, key: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(metadata[key] ?? '{}');
  } catch (cause) {
    throw new AgentError('agent_malformed', `${source}: metadata ${key} is not JSON.`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new AgentError('agent_malformed', `${source}: metadata ${key} is no object.`);
}
