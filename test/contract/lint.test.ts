// Proves: openapi.yaml is clean under redocly's recommended rules and spectral's rules for OpenAPI, and both really read it.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import spectral, { type RulesetDefinition } from '@stoplight/spectral-core';
import { oas } from '@stoplight/spectral-rulesets';
import { parse } from 'yaml';
import { packageRoot } from '../../server/config.js';

const file = join(packageRoot, 'openapi.yaml');
const text = readFileSync(file, 'utf8');

async function redocly(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, absoluteRef: file, config });
  return problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer ?? ''}: ${message}`);
}

async function lintBySpectral(source: string): Promise<string[]> {
  const linter = new spectral.Spectral();
  linter.setRuleset({ extends: [oas] } as RulesetDefinition);
  const problems = await linter.run(parse(source) as Record<string, unknown>);
  return problems.map(({ code, message, path }) => `${code} ${path.join('/')}: ${message}`);
}

describe('openapi.yaml', () => {
  for (const [name, lint] of [
    ['redocly', redocly],
    ['spectral', lintBySpectral],
  ] as const) {
    it(`${name} finds nothing`, async () => {
      assert.deepEqual(await lint(text), []);
    });

    it(`${name} finds an operation without summary and description, and two with one name`, async () => {
      const broken = text
        .replace(/^ {6}summary: .*\n/gm, '')
        .replace(/^ {6}description: (?:\|\n(?: {8}.*\n|\n)+|.*\n)/gm, '')
        .replace('operationId: getReady', 'operationId: getHealth');
      assert.ok((await lint(broken)).length > 1);
    });
  }
});
