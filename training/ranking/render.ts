import type { TopLevelSpec } from 'vega-lite';
import { percent, renderTable, withInterval, type Format } from '../evaluation/table.js';
import { beside, reliabilityPanel } from '../plot/figures.js';
import { MIN_RIGHT, type RankingFit } from './fit.js';

const digits: Format = (value) => value.toFixed(3);

/** What was found, as tables for a terminal. */
export function renderFit(fit: RankingFit): string {
  const { contenders, learned_gain: learned, calibration_gain: calibration, threshold } = fit;
  const table = [
    ['on rows left out', 'first right', 'mean 1/rank', 'log loss', 'expected calibration error'],
    ...contenders.map(({ name, first_right, reciprocal_rank, log_loss, calibration: found }) => [
      `  ${name}`,
      withInterval(first_right, percent),
      withInterval(reciprocal_rank, digits),
      withInterval(log_loss, digits),
      withInterval(found?.expected_calibration_error, percent),
    ]),
    [''],
    ['gain over the formula, same rows (above 0 is better)'],
    ['  learned ranking', '', withInterval(learned.reciprocal_rank, digits), withInterval(learned.log_loss, digits)],
    ['  calibrated formula', '', '', withInterval(calibration.log_loss, digits)],
  ];
  const { answered, right_of_answered: right } = threshold;
  const share = right === null ? 'none' : percent(right);
  return [
    `${fit.rows} rows (${fit.groups} groups), ${fit.candidates} candidates, ${fit.right} right, in ${fit.rows_with_right} rows.`,
    renderTable(table),
    `Winner: ${fit.winner}.${fit.right < MIN_RIGHT ? ` Fewer than ${MIN_RIGHT} candidates are right, so no interval counts.` : ''}`,
    threshold.reached
      ? `ABSTAIN_BELOW ${threshold.threshold} is the lowest that reaches the share wanted: ${percent(answered)} of rows are answered, ${share} of these answers are right.`
      : `No threshold reaches the share of right answers wanted. ${threshold.threshold} answers as many rows as the formula did: ${percent(answered)}, ${share} of them right.`,
  ].join('\n\n');
}

/** Reliability of each way to score. */
export function fitPlot({ contenders }: RankingFit): TopLevelSpec {
  const panels = contenders.map(({ name, calibration }) => reliabilityPanel(name, calibration?.bins ?? []));
  return beside('Reliability of scores on rows left out', panels);
}
