// Proves: on a terminal one sees which patch is tested; elsewhere nothing is written.
import { strict as assert } from 'node:assert';
import { PassThrough } from 'node:stream';
import { startTestProgress } from '../../cli/progress.js';

const streamOf = (isTTY: boolean): PassThrough & NodeJS.WriteStream =>
  Object.assign(new PassThrough(), { isTTY, columns: 80 }) as unknown as PassThrough & NodeJS.WriteStream;

describe('progress of tests', () => {
  it('names the patch on a terminal', async () => {
    const stream = streamOf(true);
    const progress = startTestProgress(stream, 3);
    try {
      progress.testing(1);
      const text = await new Promise<string>((resolve) => {
        let written = '';
        stream.on('data', (chunk: Buffer) => {
          written += chunk.toString();
          if (written.includes('testing patch 2 of 3')) resolve(written);
        });
      });
      assert.match(text, /testing patch 1 of 3/);
    } finally {
      progress.stop();
    }
  });

  it('is silent elsewhere', () => {
    const stream = streamOf(false);
    const progress = startTestProgress(stream, 3);
    progress.testing(1);
    progress.stop();
    assert.equal(stream.read(), null);
  });
});
