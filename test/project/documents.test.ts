// Proves: README, openapi.yaml, configuration and .ci/run say the same as the program.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCode } from '../../cli/exit-codes.js';
import { packageRoot } from '../../server/config.js';
import { environmentSchema } from '../../server/environment-schema.js';
import { errorTable } from '../../server/errors.js';
import { Metrics } from '../../server/metrics.js';
import { withTables } from '../../scripts/reference-tables.js';
import { loadContract } from '../../server/openapi.js';
import { rules } from './panels.js';

const read = (name: string): string => readFileSync(join(packageRoot, name), 'utf8');

/** Rows of README tables whose first cell is code; cells without back-ticks. */
function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

describe('documents', () => {
  const readme = read('README.md');
  const contract = loadContract();

  it('list every error with its status', () => {
    const rows = tableRows(readme);
    for (const [code, { status }] of Object.entries(errorTable)) {
      assert.ok(
        rows.some((row) => row[0] === code && row[1] === String(status)),
        `README: ${code} ${status}`,
      );
    }
    const schema = contract.document.components.schemas['ErrorCode'] as { enum: string[] };
    assert.deepEqual([...schema.enum].sort(), Object.keys(errorTable).sort());
  });

  it('name each error’s status where openapi.yaml describes it', () => {
    const descriptions = (status: number): string =>
      Object.values(contract.document.paths)
        .flatMap((methods) => Object.values(methods))
        .map(({ responses }) => (responses[status] as { description?: string } | undefined)?.description ?? '')
        .join(' ');
    for (const [code, { status }] of Object.entries(errorTable)) {
      if (code === 'not_found' || status === 405) continue;
      assert.match(descriptions(status), new RegExp(`\`${code}\``), `${code} under ${status}`);
    }
  });

  it('list every variable and metric as the program does (npm run docs)', async () => {
    const operating = read('docs/operating.md');
    assert.equal(await withTables(operating), operating);
    // The tables are there and full.
    const rows = tableRows(operating).map(([name]) => name);
    for (const name of Object.keys(environmentSchema.properties)) assert.ok(rows.includes(name), name);
    const own = (await new Metrics().registry.getMetricsAsJSON()).filter(({ name }) =>
      /^(?:agentic_|http_|vllm:)/.test(name),
    );
    assert.ok(own.length > 30);
    for (const { name } of own) assert.ok(rows.includes(name), name);
  });

  it('say what to do for each alert, and for no other', () => {
    const headings = [...read('docs/operating.md').matchAll(/^### (Agentic\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(
      headings,
      rules.flatMap(({ alert }) => alert ?? []),
    );
  });

  it('list every exit code of the command line', () => {
    const rows = tableRows(readme);
    for (const code of Object.values(exitCode)) {
      assert.ok(
        rows.some((row) => row[0] === String(code)),
        `README: exit code ${code}`,
      );
    }
  });

  it('say the same test line as .ci/run', () => {
    const line = /^npm ci && npm test$/m;
    assert.match(readme, line);
    assert.match(read('.ci/run'), line);
  });

  it('examples of openapi.yaml fit its schemas', () => {
    let count = 0;
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const { schema, examples } = value as {
        schema?: { $ref?: string };
        examples?: Record<string, { value?: unknown }>;
      };
      const name = schema?.$ref?.split('/').at(-1);
      if (name !== undefined && examples) {
        for (const [key, example] of Object.entries(examples)) {
          assert.deepEqual(contract.schema(name)(example.value), [], `${name} ${key}`);
          count += 1;
        }
      }
      for (const inner of Object.values(value)) visit(inner);
    };
    visit(contract.document);
    assert.ok(count >= 8);
  });
});
