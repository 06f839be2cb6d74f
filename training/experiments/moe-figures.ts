import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import type { ModelConfig } from '../../model/config.js';
import type { Estimate } from '../evaluation/statistics.js';
import { plus, type Sums } from '../finetune/graphs.js';
import { pairedDifference } from '../finetune/paired-bootstrap.js';
import { agentsCost, mixtureCost, type SideCost } from '../moe/cost.js';
import type { Measured } from '../moe/measure.js';
import type { PerRole, SideResult } from '../moe/side.js';
import { sequencesOfRoles, type Study } from '../moe/study.js';
import type { MoeSizes } from '../moe/tensors.js';
import { overSeeds } from './intervals.js';

export type SideName = 'agents' | 'MoE top-1' | 'MoE top-2';

/** What each side did, by seed. */
export type SideRuns = Readonly<Record<SideName, SideResult[]>>;

/** What the figures are made of. */
export interface Compared {
  readonly config: ModelConfig;
  readonly sizes: MoeSizes;
  readonly topK: Readonly<Record<Exclude<SideName, 'agents'>, number>>;
  readonly runs: SideRuns;
  readonly study: Pick<Study, 'rows' | 'symbols'>;
}

/** What one role does after a role was adapted. */
export interface AdaptedFigures {
  /** Held-out cross-entropy after minus before, nats per token; below 0 is better. */
  readonly change: Estimate;
  /** Whether the file that serves it is the same, by SHA-256, in every seed. */
  readonly sameFile: boolean;
}

/** Where a mixture sends the tokens of a role: shares of the routes, mean over layers and seeds. */
export interface Routes {
  readonly mean: PerRole<readonly number[]>;
  /** The largest share of one expert in one layer. */
  readonly largest: PerRole<number>;
  /** Half the sum of the absolute differences of the roles' shares, mean over layers and seeds; 0 to 1. */
  readonly distance: number;
}

/** All figures of one side. */
export interface SideFigures {
  readonly side: SideName;
  readonly parameters: number;
  readonly adaptedParameters: number;
  readonly adaptedPercent: number;
  readonly activePercent: number;
  /** Operations of an epoch: both roles learnt, and one adapted. */
  readonly operations: { readonly both: number; readonly adapt: PerRole<number> };
  /** The same if all experts are multiplied, as the graphs do; of mixtures only. */
  readonly denseOperations?: number;
  readonly trained: PerRole<{ readonly crossEntropy: Estimate; readonly accuracy: Estimate }>;
  /** By adapted role, then by measured role. */
  readonly adapted: PerRole<PerRole<AdaptedFigures>>;
  readonly routes?: Routes;
}

/** Something for each role. */
export function byRole<T>(of: (role: RequiredAgent) => T): PerRole<T> {
  return Object.fromEntries(REQUIRED_AGENTS.map((role) => [role, of(role)])) as PerRole<T>;
}

/** Counts and averages one side. */
export function sideFigures(side: SideName, compared: Compared): SideFigures {
  const { config, sizes, topK, study } = compared;
  const runs = compared.runs[side];
  const both = sequencesOfRoles(study, 'base', REQUIRED_AGENTS);
  const mixture = side === 'agents' ? undefined : mixtureCost(config, sizes, topK[side]);
  const cost: SideCost = mixture ?? agentsCost(config);
  return {
    side,
    parameters: cost.parameters,
    adaptedParameters: cost.adapted,
    adaptedPercent: cost.adaptedPercent,
    activePercent: cost.activePercent,
    operations: {
      both: cost.operations(both),
      adapt: byRole((role) => cost.operations(sequencesOfRoles(study, 'adapt', [role]))),
    },
    ...(mixture && { denseOperations: mixture.dense(both), routes: routesOf(runs) }),
    trained: byRole((role) => ({
      crossEntropy: overSeeds(runs.map(({ trained }) => trained[role].crossEntropy)),
      accuracy: overSeeds(runs.map(({ trained }) => trained[role].accuracy)),
    })),
    adapted: byRole((adapted) => byRole((role) => adaptedFigures(runs, adapted, role))),
  };
}

function adaptedFigures(runs: readonly SideResult[], adapted: RequiredAgent, role: RequiredAgent): AdaptedFigures {
  const before = overRuns(runs.map(({ trained }) => trained[role]));
  const after = overRuns(runs.map((run) => run.adapted[adapted][role]));
  // From "before minus after" to what is added; 0 - 0 is 0, -0 would be printed with its sign.
  const { value, low, high, items } = pairedDifference(before, after, 0).cross_entropy;
  return {
    change: { value: 0 - value, low: 0 - high, high: 0 - low, items },
    sameFile: runs.every(({ files }) => files.trained[role] === files.adapted[adapted][role]),
  };
}

/** Each row's sums over all seeds, so that an interval over rows takes a row once. */
function overRuns(measured: readonly Measured[]): Sums[] {
  return measured.map(({ rows }) => [...rows]).reduce((sums, rows) => sums.map((sum, at) => plus(sum, rows[at]!)));
}

function routesOf(runs: readonly SideResult[]): Routes {
  const layers = byRole((role) => runs.flatMap(({ trained }) => [...(trained[role].routes ?? [])]));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [first, second] = [layers['issue-analysis'], layers['code-generation']];
  return {
    mean: byRole((role) => layers[role][0]!.map((_, expert) => mean(layers[role].map((shares) => shares[expert]!)))),
    largest: byRole((role) => Math.max(...layers[role].flat())),
    distance: mean(
      first.map(
        (shares, layer) =>
          shares.reduce((sum, share, expert) => sum + Math.abs(share - second[layer]![expert]!), 0) / 2,
      ),
    ),
  };
}
