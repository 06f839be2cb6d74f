/**
 * What the system has to know about an agent before it has seen its file. One file in this folder for each; names, files, fields of
 * releases, checks, labels of metrics and model ids all come from here.
 */
export interface AgentDeclaration {
  /** Words in lower case with hyphens: the name in its file and of its file, its label in metrics, `backbone:<name>` as a model. */
  readonly name: string;
  /** The special symbol its text begins with: `analyse` for what is written before the answer, `patch` for the answer itself. */
  readonly begins: 'analyse' | 'patch';
  /** The symbol that ends its text besides the end of all text: where the next agent of the chain would begin. */
  readonly ends: 'patch' | null;
}

/** Agents that work one after the other on one request. */
export interface ChainDeclaration {
  /** The id of the chain as a model of the OpenAI-compatible routes. */
  readonly name: string;
  /** Names of its agents in the order of their work; each reads what those before it wrote. */
  readonly agents: readonly [string, string];
  /** Whether a server starts only with the files of its agents; else it is served as soon as a release has all of them. */
  readonly isRequired: boolean;
}
