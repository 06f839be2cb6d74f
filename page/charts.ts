import { percent } from './elements.js';
import { total, type Reading } from './metrics-text.js';

/** One number that is followed. */
export interface Chart {
  readonly name: string;
  /** The value now, given the reading before (none at first); undefined: nothing was measured in between. */
  readonly value: (now: Reading, before: Reading | undefined) => number | undefined;
  readonly format: (value: number) => string;
  /** Ends of the scale where they are known; otherwise those of the values seen. */
  readonly range?: readonly [lowest: number, highest: number];
}

type Labels = Readonly<Record<string, string>>;

/** Mean of a histogram's observations since the reading before; since the start of the server at first. */
const mean =
  (name: string, labels?: Labels): Chart['value'] =>
  (now, before) => {
    const grown = (part: string): number =>
      total(now, `${name}_${part}`, labels) - (before ? total(before, `${name}_${part}`, labels) : 0);
    return grown('count') > 0 ? grown('sum') / grown('count') : undefined;
  };

/** Share of a counter's series with these labels, since the start of the server. */
const share =
  (name: string, part: Labels, whole: readonly Labels[]): Chart['value'] =>
  (now) => {
    const all = whole.reduce((sum, labels) => sum + total(now, name, labels), 0);
    return all > 0 ? total(now, name, part) / all : undefined;
  };

const gauge =
  (name: string, hasMeaning: (now: Reading) => boolean = () => true): Chart['value'] =>
  (now) =>
    hasMeaning(now) ? total(now, name) : undefined;

const seconds = (value: number): string => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`);
const whole = (value: number): string => String(value);
const unit = [0, 1] as const;

/** Latency first, then quality. */
export const charts: readonly Chart[] = [
  { name: 'Time of an answer', value: mean('agentic_e2e_request_latency_seconds'), format: seconds },
  {
    name: 'Time to the first text',
    value: mean('agentic_time_to_first_token_seconds', { agent: 'issue-analysis' }),
    format: seconds,
  },
  { name: 'Wait in the queue', value: mean('agentic_request_queue_time_seconds'), format: seconds },
  { name: 'Requests being computed', value: gauge('agentic_requests_running'), format: whole },
  {
    name: 'Answers with a patch that applies',
    value: share('agentic_patches_total', { status: 'applies' }, [{}]),
    format: percent,
    range: unit,
  },
  {
    name: 'Patches that parse',
    value: share('agentic_patch_syntax_total', { verdict: 'valid' }, [{ verdict: 'valid' }, { verdict: 'invalid' }]),
    format: percent,
    range: unit,
  },
  {
    name: 'Patch where the analysis points',
    value: share('agentic_patch_agreement_total', { place: 'line' }, [{}]),
    format: percent,
    range: unit,
  },
  {
    name: 'Likeness of the last patches',
    value: gauge('agentic_recent_patch_similarity_ratio', (now) => total(now, 'agentic_patch_changed_lines_count') > 1),
    format: percent,
    range: unit,
  },
  {
    name: 'Token log-probability, code agent',
    value: mean('agentic_token_logprob_mean', { agent: 'code-generation' }),
    format: (value) => `${value.toFixed(2)} nats`,
  },
  {
    name: 'Accepted of the judged',
    value: gauge('agentic_feedback_acceptance_ratio', (now) => total(now, 'agentic_feedback') > 0),
    format: percent,
    range: unit,
  },
];
