import { newAgentTensors } from '../../adapters/new-agent.js';
import { AGENT_TENSOR_NAMES, agentShapes, type AgentTensorName } from '../../model/agent-tensors.js';
import type { ModelConfig } from '../../model/config.js';
import type { AgentNumbers, LearningGraphs } from '../finetune/graphs.js';

/** Which parts of an agent there are; what is left out stays 0 and is not trained. */
export interface Parts {
  /** Columns of each layer's adapter. */
  readonly rank: number;
  /** Decoder layers that have an adapter. */
  readonly layers: readonly number[];
  /** Without it the adapter is always fully open. */
  readonly gate: boolean;
  /** Without it the logits are the backbone's. */
  readonly head: boolean;
}

export function allParts(config: ModelConfig): Parts {
  const layers = Array.from({ length: config.decoder_layers }, (_, layer) => layer);
  return { rank: config.adapter.rank, layers, gate: true, head: true };
}

/** A sigmoid of it is 1 in single precision. */
const OPEN_GATE = 30;

type Mask = Readonly<Record<AgentTensorName, (at: number) => boolean>>;

/** For each number of an agent whether it is one of the parts. */
function maskOf(parts: Parts, config: ModelConfig): Mask {
  const { hidden_size: width, adapter } = config;
  const inLayer = (layer: number): boolean => parts.layers.includes(layer);
  const perLayer = width * adapter.rank;
  return {
    adapter_down: (at) => inLayer(Math.floor(at / perLayer)) && at % adapter.rank < parts.rank,
    adapter_up: (at) => inLayer(Math.floor(at / perLayer)) && Math.floor((at % perLayer) / width) < parts.rank,
    gate_w: (at) => parts.gate && inLayer(Math.floor(at / width)),
    gate_b: (at) => parts.gate && inLayer(at),
    head_down: () => parts.head,
    head_up: () => parts.head,
  };
}

/** A new agent (`newAgentTensors`), what is left out set to 0; without a gate it is always open. */
export function freshAgent(config: ModelConfig, parts: Parts, seed: number): AgentNumbers {
  const numbers = newAgentTensors(config, seed);
  setRestToZero(numbers, maskOf(parts, config));
  if (!parts.gate) numbers.gate_b.fill(OPEN_GATE);
  return numbers;
}

function setRestToZero(numbers: AgentNumbers, mask: Mask): void {
  for (const name of AGENT_TENSOR_NAMES) {
    const values = numbers[name];
    for (let at = 0; at < values.length; at++) if (!mask[name](at)) values[at] = 0;
  }
}

/** Numbers that are trained with these parts. */
export function countParts(config: ModelConfig, parts: Parts): number {
  const mask = maskOf(parts, config);
  const shapes = agentShapes(config);
  let count = 0;
  for (const name of AGENT_TENSOR_NAMES) {
    const size = shapes[name].reduce((product, one) => product * one, 1);
    for (let at = 0; at < size; at++) if (mask[name](at)) count++;
  }
  return count;
}

/** The graphs with no gradient for what is not one of the parts. */
export function maskedGraphs(graphs: LearningGraphs, config: ModelConfig, parts: Parts): LearningGraphs {
  const mask = maskOf(parts, config);
  return {
    evaluate: (sequences, agent) => graphs.evaluate(sequences, agent),
    addGradients: async (sequences, agent, gradients) => {
      const sums = await graphs.addGradients(sequences, agent, gradients);
      setRestToZero(gradients, mask);
      return sums;
    },
  };
}
