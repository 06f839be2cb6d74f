/** Named numbers that change together: parameters, gradients or moments, all with the same names and lengths. */
export type Numbers<Name extends string = string> = Record<Name, Float32Array>;

/** How the learning rate runs over a training. */
export interface Schedule {
  /** Highest learning rate, reached at the end of the warm-up. */
  readonly learningRate: number;
  /** Steps over which it rises from 0. */
  readonly warmupSteps: number;
  /** Step at which the cosine has fallen to 0. */
  readonly totalSteps: number;
}

/** Learning rate of a step, counted from 0: a linear rise, then half a cosine. */
export function learningRateAt(step: number, { learningRate, warmupSteps, totalSteps }: Schedule): number {
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return (learningRate * (1 + Math.cos(Math.PI * Math.min(1, progress)))) / 2;
}

/** Scales all gradients by `1 / count`, then to a norm of at most `limit`. Returns the norm between the two. */
export function averageAndClip(gradients: Numbers, count: number, limit: number): number {
  let squares = 0;
  for (const gradient of Object.values(gradients)) {
    for (let i = 0; i < gradient.length; i++) squares += gradient[i]! * gradient[i]!;
  }
  const norm = Math.sqrt(squares) / count;
  const scale = (norm > limit ? limit / norm : 1) / count;
  for (const gradient of Object.values(gradients)) {
    for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
  }
  return norm;
}

const BETA_1 = 0.9;
const BETA_2 = 0.98;
const EPSILON = 1e-8;

/** AdamW: Adam with decoupled weight decay, as PyTorch computes it. Parameters are changed in place. */
export class AdamW<Name extends string> {
  readonly first: Numbers<Name>;
  readonly second: Numbers<Name>;
  /** Updates so far. */
  updates = 0;

  constructor(
    private readonly parameters: Numbers<Name>,
    private readonly weightDecay: number,
  ) {
    this.first = zerosLike(parameters);
    this.second = zerosLike(parameters);
  }

  /** Moves the parameters against the gradients. */
  update(gradients: Readonly<Numbers<Name>>, learningRate: number): void {
    this.updates++;
    const correction1 = 1 - BETA_1 ** this.updates;
    const correction2 = Math.sqrt(1 - BETA_2 ** this.updates);
    const keep = 1 - learningRate * this.weightDecay;
    for (const name of Object.keys(this.parameters) as Name[]) {
      const [values, gradient] = [this.parameters[name], gradients[name]];
      const [first, second] = [this.first[name], this.second[name]];
      for (let i = 0; i < values.length; i++) {
        const slope = gradient[i]!;
        first[i] = BETA_1 * first[i]! + (1 - BETA_1) * slope;
        second[i] = BETA_2 * second[i]! + (1 - BETA_2) * slope * slope;
        const size = Math.sqrt(second[i]!) / correction2 + EPSILON;
        values[i] = values[i]! * keep - ((learningRate / correction1) * first[i]!) / size;
      }
    }
  }
}

/** Numbers of the same names and lengths, all 0. */
export function zerosLike<Name extends string>(numbers: Readonly<Numbers<Name>>): Numbers<Name> {
  return mapNumbers(numbers, (values) => new Float32Array(values.length));
}

/** A copy that does not change with the original. */
export function copyOf<Name extends string>(numbers: Readonly<Numbers<Name>>): Numbers<Name> {
  return mapNumbers(numbers, (values) => values.slice());
}

function mapNumbers<Name extends string>(
  numbers: Readonly<Numbers<Name>>,
  change: (values: Float32Array) => Float32Array,
): Numbers<Name> {
  const entries = Object.entries<Float32Array>(numbers).map(([name, values]) => [name, change(values)]);
  return Object.fromEntries(entries) as Numbers<Name>;
}
