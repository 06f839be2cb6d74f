import { execFile, execFileSync } from 'node:child_process';

/** Whether a program of Debian's package `prometheus` can be run; says so when not, for a test to skip. */
export function isInstalled(program: 'promtool' | 'prometheus'): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log(`      skipped: ${program} is not installed (Debian: apt-get install prometheus)`);
    return false;
  }
}

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
