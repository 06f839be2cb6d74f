import { bareAgent } from '../../adapters/agent.js';
import { caseNames } from '../../cli/cases.js';
import type { LoadedEngine } from '../../server/inference/engine.js';
import { tryCase, type CaseTrial } from './case-trial.js';
import { caseFigures, pipelineFigures, segmentFigures, type MeasuredRow } from './figures.js';
import type { HeldOutRow } from './held-out.js';
import { startProgress } from './progress.js';
import type { Report } from './report.js';
import { tryRow } from './row-trial.js';
import { scoreRow } from './teacher-forcing.js';

export interface EvaluationOptions {
  readonly rows: readonly HeldOutRow[];
  readonly seed: number;
  /** Patches wanted where several are. */
  readonly several: number;
  /** Ask for several patches of held-out rows, too: about twice the time. */
  readonly severalOfRows: boolean;
  /** Nothing but several patches of held-out rows: what `npm run fit-ranking` needs. */
  readonly candidatesOnly: boolean;
  /** For the report: where rows and model come from. */
  readonly settings: Report['settings'];
  /** Where progress goes. */
  readonly stream: NodeJS.WriteStream;
}

/** Measures the engine on held-out rows, if there are any, and on the cases. */
export async function evaluate({ engine, info }: LoadedEngine, options: EvaluationOptions): Promise<Report> {
  const { rows, seed, several, severalOfRows, candidatesOnly, settings, stream } = options;
  const bare = bareAgent(engine.backbone.config);
  const measured: MeasuredRow[] = await withProgress(stream, 'held-out rows', rows, async (row) => ({
    kind: row.kind,
    ...(!candidatesOnly && {
      scores: await scoreRow(engine.backbone, engine.agents, bare, row),
      single: await tryRow(engine, row, 1, seed),
    }),
    ...((severalOfRows || candidatesOnly) && { several: await tryRow(engine, row, several, seed) }),
  }));
  const cases = await withProgress(
    stream,
    'cases',
    candidatesOnly ? [] : await caseNames(),
    async (name): Promise<{ single: CaseTrial; several: CaseTrial }> => ({
      single: await tryCase(engine, name, 1, seed),
      several: await tryCase(engine, name, several, seed),
    }),
  );
  const pipeline = pipelineFigures(measured, 'single', seed);
  const severalPipeline = pipelineFigures(measured, 'several', seed);
  const figuresOf = (which: 'single' | 'several'): Report['cases']['single'] =>
    caseFigures(
      cases.map((trial) => trial[which]),
      seed,
    );
  return {
    model: { ...info.model, release: info.release },
    settings,
    ...((pipeline ?? severalPipeline) && {
      held_out: {
        rows: measured.length,
        ...(pipeline && {
          teacher_forced: {
            agents: segmentFigures(measured, 'agents', seed),
            bare_backbone: segmentFigures(measured, 'bare', seed),
          },
          pipeline,
        }),
        ...(severalPipeline && { pipeline_several: severalPipeline }),
      },
    }),
    cases: { single: figuresOf('single'), several: figuresOf('several') },
    several,
    details: cases,
    ranking: measured.flatMap(({ several: trial, single }, index) => {
      const row = `${rows[index]!.path} ${rows[index]!.issue.title}`;
      const candidates = (trial ?? single)?.candidates ?? [];
      return candidates.length === 0 ? [] : [{ row, group: row, candidates }];
    }),
  };
}

async function withProgress<T, R>(
  stream: NodeJS.WriteStream,
  title: string,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const progress = startProgress(stream, title, items.length);
  const results: R[] = [];
  try {
    for (const item of items) {
      results.push(await work(item));
      progress.tick();
    }
    return results;
  } finally {
    progress.stop();
  }
}
