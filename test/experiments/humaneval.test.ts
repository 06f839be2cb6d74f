// Proves of the experiment humaneval: its split, its estimate of pass@k, and that answers are judged by running the tasks' own tests.
import assert from 'node:assert/strict';
import path from 'node:path';
import { readConfig } from '../../model/config.js';
import { loadTokenizer, type Tokenizer } from '../../model/tokenizer.js';
import { runsThrough } from '../../training/benchmark/function-trial.js';
import { installedTasks, madeUpTasks, splitTasks } from '../../training/experiments/humaneval-rows.js';
import { passAt } from '../../training/experiments/humaneval-writing.js';
import { TrainingError } from '../../training/finetune/errors.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

describe('experiment humaneval', () => {
  const { signal } = new AbortController();
  let tokenizer: Tokenizer;
  before(async () => {
    const config = await readConfig(TINY_DIRECTORY);
    tokenizer = await loadTokenizer(path.join(TINY_DIRECTORY, config.files.tokenizer), config);
  });

  it('splits the tasks of the package as the seed does, none twice', async function () {
    const tasks = await installedTasks().catch((error: unknown) => {
      if (error instanceof TrainingError) this.skip();
      throw error;
    });
    const { train, adapt, test, failed } = splitTasks(tasks, tokenizer);
    const names = [...train, ...adapt, ...test].map(({ row }) => row.id);
    assert.equal(new Set([...names, ...failed.map(({ row }) => row)]).size, 164);
    assert.equal(names.length + failed.length, 164);
    assert.equal(train[0]!.task.task_id, 'HumanEval/82', 'the first of torch.randperm(164) with the seed 42');
    assert.ok(train.length <= 104 && test.length <= 27 && adapt.length <= 33);
  });

  it('runs a task’s tests: right code passes, wrong code does not', async function () {
    const { prompt, canonical_solution: right, test, entry_point: name } = madeUpTasks()[0]!;
    const passes = (body: string): Promise<boolean> =>
      runsThrough(`${prompt}${body}\n${test}\ncheck(${name})\n`, signal);
    let whole: boolean;
    try {
      whole = await passes(right);
    } catch (error) {
      // There is no python3 here.
      if (error instanceof RangeError) return this.skip();
      throw error;
    }
    assert.equal(whole, true);
    assert.equal(await passes('    return None\n'), false);
    assert.equal(await passes('    import os; os._exit(3)\n'), false);
  });

  it('estimates pass@k from all answers', () => {
    assert.equal(passAt(1, 10, 0), 0);
    assert.ok(Math.abs(passAt(1, 10, 3) - 0.3) < 1e-12);
    assert.ok(Math.abs(passAt(2, 4, 1) - 0.5) < 1e-12);
    assert.equal(passAt(10, 10, 1), 1);
  });
});
