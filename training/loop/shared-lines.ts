/**
 * How much two unified diffs have in common: the F1 of their removed and added lines, 0 to 1, white space at the ends aside.
 * 1: the same lines go and come.
 */
export function sharedLines(diff: string, other: string): number {
  const [own, right] = [changedLines(diff), changedLines(other)];
  const left = [...right];
  let shared = 0;
  for (const line of own) {
    const at = left.indexOf(line);
    if (at < 0) continue;
    left.splice(at, 1);
    shared += 1;
  }
  return own.length + right.length === 0 ? 0 : (2 * shared) / (own.length + right.length);
}

function changedLines(diff: string): string[] {
  const lines = diff.split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@'));
  return lines
    .slice(Math.max(0, first))
    .filter((line) => /^[-+]/.test(line))
    .map((line) => line.trimEnd());
}
