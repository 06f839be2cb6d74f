import type { ModelConfig } from '../../model/config.js';
import { createRandom } from '../../model/random.js';
import type { Numbers } from '../finetune/optimiser.js';

/** Sizes of a mixture, as its graphs were made (`training/pretrain/moe_graph.py` says why these). */
export interface MoeSizes {
  readonly experts: number;
  /** Hidden units of each expert in a layer. */
  readonly ranks: readonly number[];
  /** Rank of the role head that all experts share. */
  readonly head_rank: number;
}

export const MOE_TENSOR_NAMES = ['expert_down', 'expert_up', 'router_w', 'router_b', 'head_down', 'head_up'] as const;

export type MoeTensorName = (typeof MOE_TENSOR_NAMES)[number];

/** A mixture's six stacked tensors. */
export type MoeNumbers = Numbers<MoeTensorName>;

/** Hidden units of all experts of a layer, R. */
export function hiddenUnits({ ranks }: MoeSizes): number {
  return ranks.reduce((sum, rank) => sum + rank, 0);
}

/** Shapes of a mixture's tensors: the experts of a layer lie side by side in one matrix. */
export function moeShapes(config: ModelConfig, sizes: MoeSizes): Readonly<Record<MoeTensorName, readonly number[]>> {
  const { decoder_layers: layers, hidden_size: width, vocab_size: vocabulary } = config;
  const units = hiddenUnits(sizes);
  return {
    expert_down: [layers, width, units],
    expert_up: [layers, units, width],
    router_w: [layers, width, sizes.experts],
    router_b: [layers, sizes.experts],
    head_down: [width, sizes.head_rank],
    head_up: [sizes.head_rank, vocabulary],
  };
}

/** Numbers in tensors of these shapes. */
export function countOf(shapes: Readonly<Record<string, readonly number[]>>): number {
  return Object.values(shapes).reduce((sum, shape) => sum + sizeOf(shape), 0);
}

/** Variance of the router's first weights times the width: "scale 0.1" of the Switch Transformer (section 2.4). */
const ROUTER_SCALE = 0.1;

/** A mixture that has learnt nothing: no effect; its routers prefer nobody by much. */
export function freshMixture(config: ModelConfig, sizes: MoeSizes, seed: number): MoeNumbers {
  const spread = config.hidden_size ** -0.5;
  // Standard deviations of what begins at random; all else is zero.
  const spreads: Partial<Record<MoeTensorName, number>> = {
    expert_down: spread,
    head_down: spread,
    router_w: (ROUTER_SCALE / config.hidden_size) ** 0.5,
  };
  const shapes = moeShapes(config, sizes);
  const tensors = MOE_TENSOR_NAMES.map((name, stream): [MoeTensorName, Float32Array] => {
    const values = new Float32Array(sizeOf(shapes[name]));
    const deviation = spreads[name];
    return [name, deviation === undefined ? values : normal(values, deviation, seed, stream)];
  });
  return Object.fromEntries(tensors) as MoeNumbers;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Box and Muller. */
function normal(values: Float32Array, spread: number, seed: number, stream: number): Float32Array {
  const random = createRandom(seed, stream);
  return values.map(() => spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}
