/** What went wrong with an agent's file, as a stable word. */
export type AgentErrorCode = 'agent_unreadable' | 'agent_unwritable' | 'agent_malformed' | 'agent_incompatible';

/**
 * Thrown by `adapters/`: `agent_unreadable` (no such file, no permission), `agent_malformed` (not a sound safetensors file),
 * `agent_incompatible` (sound, but not for this backbone or not an agent), `agent_unwritable` (could not be saved).
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
