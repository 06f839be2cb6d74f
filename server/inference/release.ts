import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AgentFiles, Release } from './messages.js';

/** The release of two generations. */
export function releaseOf(issueAnalysis: string, codeGeneration: string): Release {
  const id = createHash('sha256').update(`${issueAnalysis} ${codeGeneration}`).digest('hex');
  return Object.freeze({ id, issue_analysis: issueAnalysis, code_generation: codeGeneration });
}

/** The generations of a release. */
export function generationsOf(release: Release): readonly [string, string] {
  return [release.issue_analysis, release.code_generation];
}

/** The files of the two agents in a folder. */
export function agentFilesIn(folder: string): AgentFiles {
  return {
    issueAnalysis: join(folder, 'issue-analysis.safetensors'),
    codeGeneration: join(folder, 'code-generation.safetensors'),
  };
}
