import type { AgentTensors } from '../model/agent-tensors.js';
import type { Backbone } from '../model/backbone.js';
import { TimeBudget } from './budget.js';
import type { FoundPatch } from './candidate.js';
import type { WrittenPatch } from './written-patch.js';
import { breaksSyntax, effectsOf, withoutBroken } from './effects.js';
import type { Hypothesis } from './hypotheses.js';
import { MeasureRecorder } from './measures.js';
import { rankCandidates, type RankedCandidate } from './ranking.js';
import { prepareWindows, summary, type PreparedWindow } from './search.js';
import { Stopwatch } from './stopwatch.js';
import type { SyntaxChecker } from './syntax.js';
import {
  DEFAULT_OPTIONS,
  type AbstentionReason,
  type Measures,
  type PatchRequest,
  type PatchResult,
  type PipelineEvent,
  type PipelineOptions,
  type ProposedPatch,
  type Usage,
} from './types.js';
import { unifiedDiff } from './unified-diff.js';
import { analyse, write } from './window-work.js';

/** What answers a request: the backbone, one release of the two agents, and the syntax check. */
export interface Engine {
  readonly backbone: Backbone;
  readonly agents: { readonly issueAnalysis: AgentTensors; readonly codeGeneration: AgentTensors };
  /** Without it no file is parsed. */
  readonly syntax?: SyntaxChecker;
}

/** How a call of {@link createPatches} is watched, stopped and tuned. */
export interface PipelineCall {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: PipelineEvent) => void;
  readonly options?: Partial<PipelineOptions>;
  /** Told how the agents worked, before the answer is given. */
  readonly onMeasures?: (measures: Measures) => void;
  /** Told all candidates, best first, those that are not shown, too. */
  readonly onRanked?: (ranked: readonly RankedCandidate[]) => void;
}

/** Everything found on one window. */
interface Work {
  readonly prepared: PreparedWindow;
  readonly hypotheses: readonly Hypothesis[];
  readonly written: readonly WrittenPatch[];
}

/**
 * Answers one request: finds the windows, reads each once, writes analyses and patches for it, and ranks all patches
 * together. Without anything to edit or without a good patch the answer is `abstained`. Throws what the model throws,
 * and the signal's reason when aborted; never for the contents of issue or files.
 */
export async function createPatches(
  engine: Engine,
  request: PatchRequest,
  call: PipelineCall = {},
): Promise<PatchResult> {
  const options = { ...DEFAULT_OPTIONS, ...call.options };
  const recorder = new MeasureRecorder();
  const onEvent = (event: PipelineEvent): void => {
    recorder.watch(event);
    call.onEvent?.(event);
  };
  const stopwatch = new Stopwatch(onEvent);
  const budget = new TimeBudget(request.max_time_ms);
  call.signal?.throwIfAborted();
  const windows = await stopwatch.measure('retrieval', () => prepareWindows(engine.backbone, request, options));
  onEvent({ type: 'windows', windows: windows.map(summary) });
  const works: Work[] = [];
  for (const prepared of windows) {
    if (budget.isOver()) break;
    works.push(
      await workOn(engine, request, prepared, {
        isBest: works.length === 0,
        options,
        stopwatch,
        onEvent,
        recorder,
        budget,
        signal: call.signal,
      }),
    );
    call.signal?.throwIfAborted();
  }
  const ranked = await stopwatch.measure('ranking', async () =>
    rankCandidates(await candidatesOf(works, engine.syntax, call.signal)),
  );
  call.onRanked?.(ranked);
  const patches = worthShowing(ranked, request, options).map(proposal);
  for (const patch of patches) onEvent({ type: 'candidate', patch });
  call.onMeasures?.(
    recorder.measures(
      works.flatMap((work) => work.hypotheses),
      works.flatMap((work) => work.written),
      patches[0],
    ),
  );
  const abstention = patches.length === 0 ? abstentionOf(windows.length, ranked.length, budget) : undefined;
  return {
    status: patches[0]?.status ?? 'abstained',
    ...(abstention && { abstained_because: abstention }),
    analysis: patches[0]?.analysis ?? works[0]?.hypotheses[0]?.analysis ?? null,
    patches,
    windows: windows.map(summary),
    usage: { ...usageOf(works, ranked.length), finish_reason: budget.cutShort ? 'time' : 'complete' },
    timings: stopwatch.timings,
  };
}

async function workOn(
  { backbone, agents }: Engine,
  request: PatchRequest,
  prepared: PreparedWindow,
  context: {
    readonly isBest: boolean;
    readonly options: PipelineOptions;
    readonly stopwatch: Stopwatch;
    readonly onEvent: (event: PipelineEvent) => void;
    readonly recorder: MeasureRecorder;
    readonly budget: TimeBudget;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Work> {
  const { isBest, options, stopwatch, onEvent, ...rest } = context;
  const n = request.n ?? 1;
  const onBest = Math.min(options.maxHypotheses, Math.max(options.hypothesesOnBestWindow, Math.ceil(n / 2)));
  const count = isBest ? onBest : options.hypothesesOnOtherWindows;
  const memory = await stopwatch.measure('encode', () => backbone.encode(prepared.source, rest.signal));
  const task = { ...rest, backbone, memory, prepared, request, options, onText: isBest ? onEvent : undefined };
  const hypotheses = await stopwatch.measure('analysis', () => analyse(task, agents.issueAnalysis, count));
  for (const { analysis } of hypotheses) onEvent({ type: 'analysis', analysis, window: summary(prepared) });
  const written = await stopwatch.measure('code', () => write(task, agents.codeGeneration, hypotheses, isBest ? n : 1));
  return { prepared, hypotheses, written };
}

async function candidatesOf(
  works: readonly Work[],
  checker: SyntaxChecker | undefined,
  signal: AbortSignal | undefined,
): Promise<FoundPatch[]> {
  const bestScore = works[0]?.prepared.score ?? 0;
  const candidates: FoundPatch[] = [];
  for (const { prepared, written } of works) {
    const { window, score } = prepared;
    const windowShare = bestScore > 0 ? score / bestScore : 1;
    for (const effect of await effectsOf(window, written, checker, signal)) {
      candidates.push({ ...effect, window, windowShare });
    }
  }
  return candidates;
}

/** The first patches, without those that score low, and without those that break the syntax while there is another. */
function worthShowing(
  ranked: readonly RankedCandidate[],
  { n = 1, min_score: minScore }: PatchRequest,
  options: PipelineOptions,
): RankedCandidate[] {
  const sound = withoutBroken(ranked);
  const best = sound[0]?.score ?? 0;
  const threshold = minScore ?? Math.max(options.abstainBelow, best * options.keepAbove);
  return sound.filter(({ score }) => score >= threshold).slice(0, n);
}

function proposal(candidate: RankedCandidate): ProposedPatch {
  const { window, before, after, written, score, reasons } = candidate;
  return {
    diff: unifiedDiff(window.file.path, before, after),
    score,
    status: breaksSyntax(candidate) ? 'syntax_error' : 'applies',
    files: [window.file.path],
    analysis: written.hypothesis.analysis,
    reasons,
  };
}

function abstentionOf(windows: number, candidates: number, budget: TimeBudget): AbstentionReason {
  if (windows === 0) return 'nothing_to_edit';
  if (candidates > 0) return 'low_confidence';
  return budget.cutShort ? 'out_of_time' : 'no_candidate';
}

function usageOf(works: readonly Work[], candidates: number): Omit<Usage, 'finish_reason'> {
  const hypotheses = works.flatMap((work) => work.hypotheses);
  const written = works.flatMap((work) => work.written);
  const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
    items.reduce((total, item) => total + of(item), 0);
  return {
    source_tokens: sum(works, ({ prepared }) => prepared.source.length),
    analysis_tokens: sum(hypotheses, ({ tokens }) => tokens.length),
    patch_tokens: sum(written, ({ tokens }) => tokens.length),
    forced_tokens: sum([...hypotheses, ...written], ({ tokens, choices }) => tokens.length - choices),
    windows: works.length,
    hypotheses: hypotheses.length,
    candidates,
  };
}
