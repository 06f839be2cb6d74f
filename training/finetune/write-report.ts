import path from 'node:path';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { writeJson } from '../evaluation/report.js';
import { renderSvg } from '../plot/render.js';
import { plotsOf } from './plots.js';
import { renderReport } from './render-report.js';
import type { Report } from './report.js';

/** Writes report.json, report.md and its pictures into a folder. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  const plots = plotsOf(report);
  for (const { file, spec } of plots) await writeFileAtomic(path.join(folder, file), await renderSvg(spec));
  await writeFileAtomic(path.join(folder, 'report.md'), renderReport(report, plots));
  await writeJson(path.join(folder, 'report.json'), report);
}
