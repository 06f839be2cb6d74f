import type { FeedbackRecord, Verdict } from './record.js';

/** A row as `npm run train -- --rows` takes it. */
export interface TrainingRow {
  readonly issue: FeedbackRecord['issue'];
  readonly files: FeedbackRecord['files'];
  readonly patch: string;
  readonly analysis?: {
    readonly problem: string;
    readonly type: string;
    readonly loc: string;
    readonly line: string;
    readonly hint: string;
  };
}

/** What is taught, and what was left out: rejected answers say what is wrong, not what is right. */
export interface TaughtFeedback {
  readonly rows: readonly TrainingRow[];
  readonly counts: Readonly<Record<Verdict | 'without_verdict', number>>;
}

/**
 * Records as training rows, oldest first. An accepted patch is taught with the analysis that led to it; a correction without one,
 * because the analysis led elsewhere.
 */
export function trainingRows(records: readonly FeedbackRecord[]): TaughtFeedback {
  const counts = { accepted: 0, rejected: 0, corrected: 0, without_verdict: 0 };
  const rows: TrainingRow[] = [];
  for (const record of [...records].sort((a, b) => Date.parse(a.time) - Date.parse(b.time))) {
    counts[record.feedback?.verdict ?? 'without_verdict'] += 1;
    const row = rowOf(record);
    if (row) rows.push(row);
  }
  return { rows, counts };
}

function rowOf({ issue, files, patches, feedback }: FeedbackRecord): TrainingRow | undefined {
  if (feedback?.verdict === 'corrected' && feedback.diff !== null) return { issue, files, patch: feedback.diff };
  const accepted = feedback?.verdict === 'accepted' ? patches[feedback.patch ?? 0] : undefined;
  if (!accepted) return undefined;
  const { problem, fault_type: type, fault_location: loc, line, hint } = accepted.analysis;
  return { issue, files, patch: accepted.diff, analysis: { problem, type, loc, line, hint } };
}
