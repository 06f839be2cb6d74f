/** A logistic model: log-odds = bias + Σ weights · inputs. */
export interface LogisticModel {
  readonly bias: number;
  readonly weights: readonly number[];
}

/** What a model is fitted on: inputs, and how often the outcome was right (0 to 1). */
export interface Sample {
  readonly inputs: readonly number[];
  readonly target: number;
}

const MAX_STEPS = 50;
const CLOSE = 1e-9;
/** Keeps the system solvable where an input never varies. */
const RIDGE = 1e-9;

export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * Fits by Newton's method: the sum of the log losses plus l2/2 · Σ weight², the bias left free. Inputs are brought to mean 0 and
 * deviation 1 first, so that one l2 suits them all; the model is in the inputs' own units. An input that never varies gets weight 0.
 * Throws `RangeError` without samples.
 */
export function fitLogistic(samples: readonly Sample[], l2: number): LogisticModel {
  const [first] = samples;
  if (!first) throw new RangeError('There are no samples to fit.');
  const size = first.inputs.length;
  const scales = Array.from({ length: size }, (_, column) => scaleOf(samples.map(({ inputs }) => inputs[column]!)));
  const rows = samples.map(({ inputs }) => [1, ...inputs.map((value, column) => scaled(value, scales[column]!))]);
  const penalty = (column: number): number => (column === 0 ? RIDGE : l2 + RIDGE);
  let solution = new Array<number>(size + 1).fill(0);
  for (let step = 0; step < MAX_STEPS; step++) {
    const gradient = solution.map((value, column) => penalty(column) * value);
    const hessian = solution.map((_, column) => solution.map((__, other) => (column === other ? penalty(column) : 0)));
    rows.forEach((row, index) => {
      const right = logistic(dot(row, solution));
      const slope = right * (1 - right);
      row.forEach((value, column) => {
        gradient[column]! += (right - samples[index]!.target) * value;
        row.forEach((other, at) => (hessian[column]![at]! += slope * value * other));
      });
    });
    const change = solve(hessian, gradient);
    // Far from the solution a whole step may lead away from it.
    const length = Math.min(1, 5 / Math.max(...change.map(Math.abs), 1e-12));
    solution = solution.map((value, column) => value - length * change[column]!);
    if (Math.max(...change.map(Math.abs)) < CLOSE) break;
  }
  const weights = scales.map(({ deviation }, column) => (deviation === 0 ? 0 : solution[column + 1]! / deviation));
  const bias = solution[0]! - weights.reduce((sum, weight, column) => sum + weight * scales[column]!.mean, 0);
  return { bias, weights };
}

/** The log-odds of inputs. */
export function logOdds({ bias, weights }: LogisticModel, inputs: readonly number[]): number {
  return bias + dot(weights, inputs);
}

/** −log of the probability that log-odds give to what came out. */
export function logLoss(odds: number, right: boolean): number {
  const against = right ? -odds : odds;
  return Math.max(against, 0) + Math.log1p(Math.exp(-Math.abs(against)));
}

interface Scale {
  readonly mean: number;
  /** 0 where nothing varies. */
  readonly deviation: number;
}

function scaleOf(values: readonly number[]): Scale {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: variance < 1e-12 ? 0 : Math.sqrt(variance) };
}

function scaled(value: number, { mean, deviation }: Scale): number {
  return deviation === 0 ? 0 : (value - mean) / deviation;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}

/** Solves a symmetric positive system by Gaussian elimination with pivots. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const size = right.length;
  const rows = matrix.map((row, index) => [...row, right[index]!]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = column + 1; row < size; row++) {
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let at = column; at <= size; at++) rows[row]![at]! -= factor * rows[column]![at]!;
    }
  }
  const result = new Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row--) {
    let rest = rows[row]![size]!;
    for (let at = row + 1; at < size; at++) rest -= rows[row]![at]! * result[at]!;
    result[row] = rest / rows[row]![row]!;
  }
  return result;
}
