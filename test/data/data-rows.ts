import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { LineEdit } from '../../pipeline/edits.js';
import type { AnalysisRecord } from '../../training/finetune/derived-analysis.js';
import { ROOT } from '../helpers/tiny.js';

type StoredEdit = readonly [start: number, end: number, lines: readonly string[]];

/** What the Python side made of edits and messages (make-data-rows.py). */
export interface DataRows {
  readonly rows: readonly {
    readonly lines: readonly string[];
    readonly edits: readonly StoredEdit[];
    readonly analysis: AnalysisRecord;
    /** Why the edits were dropped; empty if some were kept. */
    readonly reason: string;
    readonly kept: readonly StoredEdit[];
  }[];
  readonly messages: readonly {
    readonly text: string;
    readonly title: string;
    readonly body: string;
    readonly upkeep: boolean;
  }[];
}

export function readDataRows(): DataRows {
  return JSON.parse(readFileSync(path.join(ROOT, 'test/fixtures/data-rows.json'), 'utf8')) as DataRows;
}

export function toLineEdits(edits: readonly StoredEdit[]): LineEdit[] {
  return edits.map(([start, end, added]) => ({ start, deleted: end - start, added }));
}
