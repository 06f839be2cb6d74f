import { REQUIRED_AGENTS, type RequiredAgent } from '../../agents/names.js';
import type { Cell, ExperimentResult, FailedRow, Plot, Table } from './experiment.js';
import { estimateText } from './intervals.js';
import { sideFigures, type Compared, type Routes, type SideFigures, type SideName } from './moe-figures.js';
import { barsOf } from './plots.js';

const LABELS: Readonly<Record<RequiredAgent, string>> = { 'issue-analysis': 'analysis', 'code-generation': 'patch' };

const otherOf = (role: RequiredAgent): RequiredAgent => REQUIRED_AGENTS.find((name) => name !== role)!;

type MixtureFigures = SideFigures & { readonly routes: Routes };

/** Tables, plots and sentences of the comparison. `repository` is where the rows come from. */
export function moeResult(compared: Compared, repository: string, failed: readonly FailedRow[]): ExperimentResult {
  const { rows } = compared.study;
  const sides = (Object.keys(compared.runs) as SideName[]).map((side) => sideFigures(side, compared));
  const mixtures = sides.filter((side): side is MixtureFigures => side.routes !== undefined);
  const ids = (list: typeof rows.base): string[] => list.map(({ id }) => id);
  return {
    findings: findingsOf(sides, mixtures),
    tables: [
      trainedTable(sides, `${rows.heldOut.length} of ${repository}`),
      adaptedTable(sides),
      routesTable(mixtures),
    ],
    plots: plotsOf(sides, mixtures),
    samples: [],
    failed,
    data: {
      rows: { train: ids([...rows.base, ...rows.adapt]), valid: ids(rows.valid), test: ids(rows.heldOut) },
      sides,
      runs: compared.runs,
    },
  };
}

function findingsOf(sides: readonly SideFigures[], mixtures: readonly MixtureFigures[]): string[] {
  const each = (side: SideFigures, text: (role: RequiredAgent) => string): string =>
    `${side.side}: ${REQUIRED_AGENTS.map(text).join(', ')}`;
  return [
    `Held-out cross-entropy after both roles were learnt: ${sides
      .map((side) => each(side, (role) => `${LABELS[role]} ${estimateText(side.trained[role].crossEntropy, 3)}`))
      .join('; ')} (nats per token).`,
    `Adapting one role moves the other's cross-entropy by, ${sides
      .map((side) =>
        each(side, (role) => `${LABELS[role]} adapted ${estimateText(side.adapted[role][otherOf(role)].change, 4)}`),
      )
      .join('; ')}; the file that serves the other role is the same for ${
      sides
        .filter((side) => REQUIRED_AGENTS.every((role) => side.adapted[role][otherOf(role)].sameFile))
        .map(({ side }) => side)
        .join(', ') || 'no side'
    } only.`,
    `Parameters that change when one role is adapted: ${sides
      .map(({ side, adaptedPercent }) => `${side} ${adaptedPercent.toFixed(2)} %`)
      .join(', ')} of all.`,
    `The routers tell the roles apart by ${mixtures
      .map(({ side, routes }) => `${routes.distance.toFixed(2)} (${side})`)
      .join(' and ')}; 0 is not at all, 1 means that no expert serves both.`,
  ];
}

function trainedTable(sides: readonly SideFigures[], heldOut: string): Table {
  const dense = sides.filter(({ denseOperations }) => denseOperations !== undefined);
  return {
    id: 'trained',
    title: `Both roles learnt, held-out rows (${heldOut})`,
    columns: [
      'side',
      'trained parameters',
      ...REQUIRED_AGENTS.flatMap((role) => [`${LABELS[role]}: cross-entropy`, `${LABELS[role]}: accuracy`]),
      'operations of an epoch, 10⁹',
      'active parameters, %',
    ],
    rows: sides.map(({ side, parameters, trained, operations, activePercent }): Cell[] => [
      side,
      String(parameters),
      ...REQUIRED_AGENTS.flatMap((role) => [
        estimateText(trained[role].crossEntropy, 3),
        estimateText(trained[role].accuracy, 3),
      ]),
      operations.both / 1e9,
      activePercent,
    ]),
    notes: [
      'Nats per token, teacher-forced, computed as served; in brackets 95 % intervals over seeds where there are several.',
      'Operations are counted by the sizes, forward and back, of the chosen experts only; the graphs multiply all: ' +
        `${dense.map(({ side, denseOperations }) => `${side} ${(denseOperations! / 1e9).toPrecision(4)}`).join(', ')}.`,
      'All sides begin without effect and see the same rows and tokens in as many epochs; a mixture takes the updates of both agents in one run. The best epoch by validation is measured.',
      'Active parameters: what one token of one role passes through, of the backbone and all that is trained.',
    ],
  };
}

function adaptedTable(sides: readonly SideFigures[]): Table {
  return {
    id: 'adapted',
    title: 'One role adapted alone',
    columns: [
      'side',
      'adapted role',
      'parameters changed',
      '% of all',
      'its cross-entropy, change',
      "the other role's, change",
      "the other role's file",
      'operations of an epoch, 10⁹',
    ],
    rows: sides.flatMap(({ side, adapted, adaptedParameters, adaptedPercent, operations }) =>
      REQUIRED_AGENTS.map((role): Cell[] => [
        side,
        LABELS[role],
        String(adaptedParameters),
        adaptedPercent,
        estimateText(adapted[role][role].change, 4),
        estimateText(adapted[role][otherOf(role)].change, 4),
        adapted[role][otherOf(role)].sameFile ? 'same SHA-256' : 'changed',
        operations.adapt[role] / 1e9,
      ]),
    ),
    notes: [
      'Changes in nats per token, above 0 is worse; in brackets 95 % intervals of a paired bootstrap over rows. On every side the other role is measured again after the adaptation.',
    ],
  };
}

function routesTable(mixtures: readonly MixtureFigures[]): Table {
  const experts = mixtures[0]?.routes.mean['issue-analysis'].map((_, expert) => `expert ${expert + 1}`) ?? [];
  return {
    id: 'routes',
    title: 'Shares of the routes after both roles were learnt, mean over the layers',
    columns: ['side', 'role', ...experts, 'largest share in a layer', 'distance between the roles'],
    rows: mixtures.flatMap(({ side, routes }) =>
      REQUIRED_AGENTS.map((role): Cell[] => [
        side,
        LABELS[role],
        ...routes.mean[role],
        routes.largest[role],
        routes.distance,
      ]),
    ),
    notes: [
      'Held-out rows. Distance: half the sum of the absolute differences of the roles’ shares, mean over the layers.',
    ],
  };
}

function plotsOf(sides: readonly SideFigures[], mixtures: readonly MixtureFigures[]): Plot[] {
  return [
    {
      id: 'interference',
      title: "What adapting one role does to the other's held-out cross-entropy",
      caption: 'Above 0 the other role got worse; agents do not touch each other.',
      spec: barsOf(
        sides.flatMap(({ side, adapted }) =>
          REQUIRED_AGENTS.map((role) => ({
            x: side,
            y: adapted[role][otherOf(role)].change.value,
            series: `${LABELS[role]} adapted`,
          })),
        ),
        { x: 'side', y: 'nats per token' },
      ),
    },
    {
      id: 'routes',
      title: 'Shares of the routes by expert and role',
      caption: 'Mean over the layers, held-out rows, after both roles were learnt.',
      spec: barsOf(
        mixtures.flatMap(({ side, routes }) =>
          REQUIRED_AGENTS.flatMap((role) =>
            routes.mean[role].map((y, expert) => ({ x: `${side}, ${expert + 1}`, y, series: LABELS[role] })),
          ),
        ),
        { x: 'mixture and expert', y: 'share' },
      ),
    },
  ];
}
