import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../server/config.js';

/** A query, and where it stands. */
export interface Query {
  readonly where: string;
  readonly expr: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat?: string }[];
  readonly fieldConfig?: { readonly defaults?: { readonly unit?: string } };
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
}

export const dashboard = JSON.parse(
  readFileSync(join(packageRoot, 'deploy', 'grafana', 'dashboards', 'agentic-seq2seq.json'), 'utf8'),
) as Dashboard;

export const rules = (
  parse(readFileSync(join(packageRoot, 'deploy', 'prometheus', 'rules.yaml'), 'utf8')) as {
    groups: { rules: Rule[] }[];
  }
).groups.flatMap((group) => group.rules);

/** A query with Grafana's variables filled in as it does for "All". */
export function filledIn(expr: string, rateInterval = '1m'): string {
  return expr.replaceAll('$__rate_interval', rateInterval).replaceAll(/\$(?:job|instance)\b/g, '.*');
}

/** All queries of panels and annotations, filled in. */
export function panelQueries(): Query[] {
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr }) => ({ where: `${title} ${refId}`, expr })),
  );
  const annotations = dashboard.annotations.list.map(({ name, expr }) => ({ where: `annotation ${name}`, expr }));
  return [...panels, ...annotations].map(({ where, expr }) => ({ where, expr: filledIn(expr) }));
}

/** A metric in a query with the labels that its braces name. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;

/** The metrics of a query, and the labels it groups by. Good for queries without nested strings, as ours are. */
export function namesIn(expr: string): {
  readonly selectors: readonly Selector[];
  readonly grouping: readonly string[];
} {
  const grouping = [...expr.matchAll(GROUPING)].flatMap(([, list]) =>
    (list ?? '').split(',').map((label) => label.trim()),
  );
  const plain = expr
    .replace(GROUPING, ' ')
    .replace(/"[^"]*"/g, '""')
    .replace(/\[[^\]]*\]/g, '');
  const selectors = [...plain.matchAll(/(?<![\w:])([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?/g)].flatMap(
    ([, metric = '', open, matchers = '']) => {
      if (open === '(' || ['or', 'and', 'unless', 'offset', 'bool'].includes(metric)) return [];
      return [{ metric, labels: [...matchers.matchAll(/(\w+)\s*(?:=|!)/g)].map(([, label]) => label ?? '') }];
    },
  );
  return { selectors, grouping };
}
