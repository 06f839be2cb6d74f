// Proves: the examples of docs/api.md work as they stand there, one after the other, against a real server.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../server/config.js';
import { isInstalled } from '../helpers/installed.js';
import { ContractServer, KEY } from './contract-server.js';

type Language = 'sh' | 'js';

describe('docs/api.md', () => {
  let server: ContractServer;
  let folder: string;
  let text: string;
  before(async () => {
    server = await ContractServer.open();
    // Outside of any repository: there git apply would look for the files in it.
    folder = await mkdtemp(join(server.folder, 'client-'));
    text = await readFile(join(packageRoot, 'docs', 'api.md'), 'utf8');
  });
  after(async () => {
    await rm(folder, { recursive: true });
    await server.close();
  });

  /** All examples of a language as one program, with the address of this server. */
  function program(language: Language): string {
    const blocks = [...text.matchAll(/<!-- example -->\n\n```(\w+)\n([^]*?)```/g)].filter(
      ([, name]) => name === language,
    );
    assert.ok(blocks.length >= 3, `${blocks.length} examples`);
    return blocks
      .map(([, , code]) => code ?? '')
      .join('\n')
      .replaceAll('http://127.0.0.1:8080', server.process.url);
  }

  function run(command: string, args: readonly string[]): Promise<string> {
    const env = { ...process.env, API_KEY: KEY, GIT_CEILING_DIRECTORIES: server.folder };
    return new Promise((resolve, reject) => {
      execFile(command, args, { cwd: folder, env }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stdout}${stderr}`));
        else resolve(stdout);
      });
    });
  }

  it('with curl', async function () {
    if (!isInstalled('curl')) this.skip();
    const output = await run('bash', ['-euo', 'pipefail', '-c', program('sh')]);
    assert.match(output, /^[1-9]\d*\nevent: done\ndata: \{"id":/);
    assert.match(output, /"verdict":"corrected"\}$/);
    const kept = await readdir(join(server.folder, 'feedback'));
    assert.ok(kept.length >= 2, 'both answers are kept');
    assert.notEqual(await readFile(join(folder, 'best.diff'), 'utf8'), '\n', 'a patch was tried');
  });

  it('with Node', async () => {
    await writeFile(join(folder, 'client.mjs'), program('js'));
    const output = await run(process.execPath, ['client.mjs']);
    assert.match(output, /^\d\.\d\d (?:applies|syntax_error) \ndiff --git a\/shop\/pages\.py/m);
    assert.match(output, /^read as: /m);
    assert.match(output, /^answer: (?:applies|syntax_error)$/m);
    assert.match(output, /^invalid_path \[ \{ path: '\/files\/0\/path'/m);
  });
});
