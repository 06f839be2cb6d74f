// Loaded into a server by `--import`: writes the URL or path of every module that it and its threads load to MODULES_FILE.
import { appendFileSync } from 'node:fs';
import Module, { createRequire, register, type LoadHook } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const file = process.env['MODULES_FILE'] ?? '';

/** Of modules that are imported. */
export const load: LoadHook = (url, context, nextLoad) => {
  appendFileSync(file, `${url}\n`);
  return nextLoad(url, context);
};

// What CommonJS modules require goes past the hooks.
const { cache } = createRequire(import.meta.url);
process.on('exit', () => {
  appendFileSync(file, Object.keys(cache).join('\n'));
});
if (isMainThread && typeof Module === 'function') register(import.meta.url);
