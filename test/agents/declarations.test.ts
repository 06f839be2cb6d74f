// Proves: every declaration is known, each agent works in one chain, and releases are named by the agents they have.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { AGENT_NAMES, CHAINS, REQUIRED_AGENTS, chainOf, declarationOf, fieldOf } from '../../agents/names.js';
import { MODEL_IDS, servedModels } from '../../server/openai/models.js';
import { agentsOf, generationsOf, releaseOf } from '../../server/inference/release.js';
import { ROOT } from '../helpers/tiny.js';

describe('declared agents', () => {
  it('have a file each and work in one chain, whose last one writes the answer', async () => {
    const files = (await readdir(path.join(ROOT, 'agents'))).map((file) => file.replace('.ts', ''));
    for (const name of AGENT_NAMES) {
      assert.ok(files.includes(name), `agents/${name}.ts`);
      const { agents } = chainOf(name);
      assert.equal(declarationOf(name).begins, agents[0] === name ? 'analyse' : 'patch');
    }
    const chained = CHAINS.flatMap(({ agents }) => [...agents] as string[]);
    assert.deepEqual([...chained].sort(), [...AGENT_NAMES].sort());
    assert.deepEqual(REQUIRED_AGENTS, ['issue-analysis', 'code-generation']);
    assert.equal(new Set(AGENT_NAMES.map(fieldOf)).size, AGENT_NAMES.length);
    assert.equal(new Set(MODEL_IDS).size, MODEL_IDS.length);
  });

  it('make a release: the pair alone as ever, another id for every other agent in it', () => {
    const pair = releaseOf('a', 'c');
    assert.deepEqual(pair, {
      id: createHash('sha256').update('a c').digest('hex'),
      issue_analysis: 'a',
      code_generation: 'c',
    });
    const all = [pair, releaseOf('a', 'c', 's'), releaseOf('a', 'c', undefined, 's'), releaseOf('a', 'c', 's', 'i')];
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
    assert.deepEqual(generationsOf(all[3]!), ['a', 'c', 's', 'i']);
    assert.deepEqual(agentsOf(all[2]!).at(-1), ['implementation', 's']);
    assert.ok(!servedModels(all[1]!).includes('humaneval'), 'half a chain is not served');
    assert.ok(servedModels(all[3]!).includes('humaneval'));
  });
});
