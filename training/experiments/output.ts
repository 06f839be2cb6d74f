import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import { writeJson } from '../evaluation/report.js';
import { renderSvg } from '../plot/render.js';
import type { Experiment, ExperimentResult } from './experiment.js';
import { latexTable } from './latex.js';
import { sectionOf, withSection, type Provenance } from './markdown.js';

/** Where results go. */
export interface OutputPlaces {
  /** Folder of one experiment: tables, plots, samples, JSON. Earlier samples in it are removed. */
  readonly folder: string;
  /** The document; its plots go into a folder beside it, of the same name without its extension. */
  readonly document: string;
}

/**
 * Writes everything an experiment found: `results.json`, `failed.json`, its own JSON files, `<table>.tex`, `<plot>.svg`,
 * `samples/`, and its section of the document.
 */
export async function writeResult(
  experiment: Experiment,
  result: ExperimentResult,
  provenance: Provenance,
  { folder, document }: OutputPlaces,
): Promise<void> {
  const { tables, plots, samples, failed, data, findings, files = {} } = result;
  const plotFolder = document.replace(/\.md$/, '');
  const sampleFolder = path.join(folder, 'samples');
  await rm(sampleFolder, { recursive: true, force: true });
  await mkdir(sampleFolder, { recursive: true });
  await mkdir(path.dirname(document), { recursive: true });
  await writeJson(path.join(folder, 'results.json'), {
    experiment: experiment.name,
    ...provenance,
    findings,
    tables,
    data,
  });
  await writeJson(path.join(folder, 'failed.json'), failed);
  for (const [name, value] of Object.entries(files)) await writeJson(path.join(folder, name), value);
  for (const table of tables) {
    await writeFileAtomic(path.join(folder, `${table.id}.tex`), latexTable(table, provenance));
  }
  for (const { id, spec } of plots) {
    const svg = `${await renderSvg(spec)}\n`;
    await writeFileAtomic(path.join(folder, `${id}.svg`), svg);
    await mkdir(plotFolder, { recursive: true });
    await writeFileAtomic(path.join(plotFolder, `${experiment.name}-${id}.svg`), svg);
  }
  for (const { id, text } of samples) await writeFileAtomic(path.join(sampleFolder, `${id}.txt`), text);
  const section = sectionOf(experiment, result, provenance, path.basename(plotFolder));
  const before = await readFile(document, 'utf8').catch(() => undefined);
  await writeFileAtomic(document, withSection(before, experiment.name, section));
}
