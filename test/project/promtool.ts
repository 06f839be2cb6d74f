import { execFile } from 'node:child_process';

/** Runs promtool, with a text as its input. Rejects with what it said when it fails, or says anything on stderr. */
export function promtool(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      if (error || stderr.trim() !== '') reject(new Error(`${stdout}${stderr}`));
      else resolve(stdout);
    });
    child.stdin?.end(input);
  });
}
