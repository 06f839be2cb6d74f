/** Writes the tables of docs/operating.md that say what the program says itself: `npm run docs`. A test checks that they are current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../server/config.js';
import { environmentSchema } from '../server/environment-schema.js';
import { Metrics } from '../server/metrics.js';

interface Variable {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly default: string | number;
  readonly description: string;
}

const number = (value: number): string => value.toLocaleString('en-US');

function allowed({ type, minimum = 0, maximum = 0, enum: values }: Variable): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  return type === 'string' ? '' : `${number(minimum)} to ${number(maximum)}`;
}

function configuration(): string[] {
  const rows = Object.entries<Variable>(environmentSchema.properties).map(([name, variable]) => {
    const { default: value, description } = variable;
    const shown = typeof value === 'number' ? number(value) : value && `\`${value}\``;
    return `| \`${name}\` | ${shown} | ${allowed(variable)} | ${description} |`;
  });
  return ['| variable | default | allowed | meaning |', '|---|---|---|---|', ...rows];
}

async function metrics(): Promise<string[]> {
  const { registry } = new Metrics();
  const own = (await registry.getMetricsAsJSON()).filter(({ name }) => /^(?:agentic_|http_|vllm:)/.test(name));
  const rows = own.map(({ name, type, help }) => {
    const metric = registry.getSingleMetric(name) as unknown as { labelNames: readonly string[] };
    const labels = metric.labelNames.map((label) => `\`${label}\``).join(', ');
    // The types call it a number, prom-client writes the word.
    return `| \`${name}\` | ${String(type)} | ${labels} | ${help} |`;
  });
  return ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows];
}

/** A text with the tables between its markers written anew. Throws when a marker is missing. */
export async function withTables(text: string): Promise<string> {
  let result = text;
  for (const [name, lines] of [
    ['configuration', configuration()],
    ['metrics', await metrics()],
  ] as const) {
    const [begin, end] = [`<!-- ${name}: npm run docs -->`, `<!-- end of ${name} -->`];
    const [from, to] = [result.indexOf(begin), result.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`The markers of ${name} are missing.`);
    result = `${result.slice(0, from)}${begin}\n\n${lines.join('\n')}\n\n${result.slice(to)}`;
  }
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(packageRoot, 'docs', 'operating.md');
  writeFileSync(file, await withTables(readFileSync(file, 'utf8')));
}
