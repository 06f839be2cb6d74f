import { applyPatch, checkPatch } from '../../cli/git.js';
import { loadCase, testsPass, withCopy } from '../../cli/cases.js';
import { createPatches, type Engine } from '../../pipeline/pipeline.js';

/** What became of one case of test/cases: patches wanted, applied, and put to the case's own tests. */
export interface CaseTrial {
  readonly name: string;
  readonly ms: number;
  /** For each patch, best first: whether git takes it, and whether the tests pass with it (undefined: could not be run). */
  readonly patches: readonly { readonly applies: boolean; readonly passes: boolean | undefined }[];
}

/** Asks for `n` patches of a case and runs its tests with each, in a copy of its folder and a process of its own. */
export async function tryCase(engine: Engine, name: string, n: number, seed: number): Promise<CaseTrial> {
  const example = await loadCase(name);
  const started = performance.now();
  const answer = await createPatches(engine, { issue: example.issue, files: example.files, n, seed });
  const ms = performance.now() - started;
  const patches: { applies: boolean; passes: boolean | undefined }[] = [];
  for (const { diff } of answer.patches) {
    await withCopy(example, async (copy) => {
      const applies = (await checkPatch(copy, diff)) === undefined;
      if (applies) await applyPatch(copy, diff);
      patches.push({ applies, passes: applies ? await testsPass(example, copy) : false });
    });
  }
  return { name, ms, patches };
}
