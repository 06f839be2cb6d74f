// Proves: dashboard, rules and alerts ask only for what a real server exposes, and a real Prometheus answers them.
import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { caseNames, loadCase } from '../../cli/cases.js';
import { ServerProcess } from '../server/server-process.js';
import { isInstalled } from '../helpers/installed.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { dashboard, namesIn, panelQueries, rules, type Query } from './panels.js';
import { PrometheusProcess, prometheusFolder } from './prometheus.js';
import { promtool } from './promtool.js';

/** Put on every series by Prometheus itself. */
const SCRAPED = ['job', 'instance'];

const queries: readonly Query[] = [
  ...panelQueries(),
  ...rules.map(({ record, alert, expr }) => ({ where: record ?? alert ?? '', expr })),
];

/** Metrics of a scrape with the names of their labels; the series of a histogram under their own names. */
function exposed(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, name, labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = found.get(name) ?? new Set();
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
    found.set(name, known);
  }
  return found;
}

describe('dashboard and rules', () => {
  let server: ServerProcess;
  let text: string;
  let feedbackFolder: string;

  before(async function () {
    // The probe's thread has the lowest priority: on a busy machine it takes its time.
    this.timeout(600_000);
    feedbackFolder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    server = new ServerProcess({
      FEEDBACK_DIR: feedbackFolder,
      MODEL_DIR: TINY_DIRECTORY,
      AGENTS_DIR: TINY_DIRECTORY,
      ABSTAIN_BELOW: '0',
      THREADS: '1',
      PROBE_ROWS: 'deploy/probe-rows.jsonl',
    });
    await server.logged('ready');
    await load();
    await server.logged('release scored');
    text = await (await fetch(`${server.url}/metrics`)).text();
  });
  after(async () => {
    await server.stop('SIGKILL');
    await rm(feedbackFolder, { recursive: true });
  });

  /** A little of everything: answers, an abstention, refusals of each kind. */
  async function load(): Promise<void> {
    for (const name of (await caseNames()).slice(0, 3)) {
      const { issue, files } = await loadCase(name);
      assert.equal((await server.post({ issue, files, n: 2 })).status, 200);
    }
    await (await server.post({ issue: 'Nothing to edit', files: [{ path: 'a.py', content: '' }] })).text();
    await (await server.post({})).text();
    for (const path of ['/v1/agents', '/v1/releases'])
      await (await fetch(server.url + path, { method: 'POST' })).text();
  }

  it('name only metrics that the server exposes, rules record, or Prometheus makes', () => {
    const metrics = exposed(text);
    const others = new Set(['up', 'ALERTS', ...rules.flatMap(({ record }) => record ?? [])]);
    // An empty list would pass, too.
    assert.ok(metrics.size > 80 && queries.length > 70, `${metrics.size} metrics, ${queries.length} queries`);
    for (const { where, expr } of queries) {
      const { selectors } = namesIn(expr);
      assert.ok(selectors.length > 0, `${where}: ${expr}`);
      for (const { metric } of selectors) assert.ok(metrics.has(metric) || others.has(metric), `${where}: ${metric}`);
    }
  });

  it('match and group by labels that those metrics have', () => {
    const metrics = exposed(text);
    for (const { where, expr } of queries) {
      const { selectors, grouping } = namesIn(expr);
      const known = selectors.filter(({ metric }) => metrics.has(metric));
      for (const { metric, labels } of known) {
        for (const label of labels) {
          assert.ok(SCRAPED.includes(label) || metrics.get(metric)?.has(label), `${where}: ${metric} has no ${label}`);
        }
      }
      for (const label of known.length > 0 ? grouping : []) {
        assert.ok(
          SCRAPED.includes(label) || known.every(({ metric }) => metrics.get(metric)?.has(label)),
          `${where}: cannot group by ${label}`,
        );
      }
    }
  });

  it('show every metric of this program but the parts of others', () => {
    const shown = new Set(queries.flatMap(({ expr }) => namesIn(expr).selectors.map(({ metric }) => metric)));
    const families = [...exposed(text).keys()]
      .filter((name) => name.startsWith('agentic_'))
      .map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
    for (const family of new Set(families)) {
      assert.ok(
        [...shown].some((name) => name.replace(/_(?:bucket|sum|count)$/, '') === family),
        `${family} is in no panel or rule`,
      );
    }
  });

  it('panels have their own numbers and places', () => {
    const { panels } = dashboard;
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const [index, a] of panels.entries()) {
      assert.ok(a.gridPos.x + a.gridPos.w <= 24, a.title);
      for (const b of panels.slice(index + 1)) {
        const apart =
          a.gridPos.x + a.gridPos.w <= b.gridPos.x ||
          b.gridPos.x + b.gridPos.w <= a.gridPos.x ||
          a.gridPos.y + a.gridPos.h <= b.gridPos.y ||
          b.gridPos.y + b.gridPos.h <= a.gridPos.y;
        assert.ok(apart, `${a.title} lies on ${b.title}`);
      }
    }
  });

  it('every query parses', async function () {
    if (!isInstalled('promtool')) this.skip();
    const folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    try {
      const file = join(folder, 'queries.yaml');
      const asRules = queries.map(({ expr }, index) => ({ record: `query:${index}`, expr }));
      await writeFile(file, stringify({ groups: [{ name: 'queries', rules: asRules }] }));
      assert.match(await promtool(['check', 'rules', file]), new RegExp(`${queries.length} rules found`));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('rules pass their unit tests, and each alert has a case in which it fires and one in which it does not', async function () {
    const tests = (
      parse(await readFile(join(prometheusFolder, 'rules.test.yaml'), 'utf8')) as {
        tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
      }
    ).tests.flatMap((test) => test.alert_rule_test);
    for (const { alert } of rules) {
      if (alert === undefined) continue;
      const counts = tests.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length);
      assert.deepEqual(counts.sort(), [0, 1], alert);
    }
    if (!isInstalled('promtool')) this.skip();
    await promtool(['check', 'rules', join(prometheusFolder, 'rules.yaml')]);
    await promtool(['test', 'rules', join(prometheusFolder, 'rules.test.yaml')]);
  });

  it('a Prometheus that scrapes the server under load answers every panel', async function () {
    if (!isInstalled('prometheus')) this.skip();
    this.timeout(600_000);
    const prometheus = await PrometheusProcess.start(server.url);
    try {
      // A rate needs what happens between two scrapes, so requests go on while the questions are asked.
      const over = new AbortController();
      const loading = (async (): Promise<void> => {
        while (!over.signal.aborted) await load();
      })();
      try {
        for (const { where, expr } of panelQueries()) {
          // Nothing has changed and nothing is wrong here.
          const isQuiet = expr.startsWith('ALERTS') || where === 'annotation Swaps';
          while ((await prometheus.query(expr)).length === 0 && !isQuiet);
        }
      } finally {
        over.abort();
        await loading;
      }
    } finally {
      await prometheus.stop();
    }
    // It is gone, and the server does not notice.
    const { issue, files } = await loadCase('pagination');
    assert.equal((await server.post({ issue, files })).status, 200);
    assert.deepEqual(
      server.log.filter(({ level = 0 }) => level >= 40).map(({ msg }) => msg),
      [],
    );
  });
});
