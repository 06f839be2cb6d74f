/** What went wrong with an agent's file, as a stable word. */
export type AgentErrorCode =
  /** No such file, or no permission. */
  | 'agent_unreadable'
  /** Could not be saved. */
  | 'agent_unwritable'
  /** More bytes than allowed. */
  | 'agent_too_large'
  /** Ends before everything its header describes. */
  | 'agent_truncated'
  /** Does not begin as a safetensors file. */
  | 'agent_bad_magic'
  /** A header, offset or piece of metadata that contradicts the format. */
  | 'agent_malformed'
  /** The contents are not those it was sealed with. */
  | 'agent_corrupted'
  /** Another version of the agent format. */
  | 'agent_wrong_format'
  /** Not an agent of this system, or not the one expected. */
  | 'agent_wrong_name'
  | 'agent_wrong_backbone'
  | 'agent_missing_tensor'
  | 'agent_unknown_tensor'
  | 'agent_wrong_shape'
  /** NaN or infinity. */
  | 'agent_not_finite'
  /** Numbers far beyond those of any trained agent. */
  | 'agent_norm_too_large'
  /** The outputs are those of the bare backbone. */
  | 'agent_no_effect'
  /** A first request with it fails. */
  | 'agent_warm_up_failed'
  /** Its outputs are not those recorded when it was trained. */
  | 'agent_probe_mismatch';

/** Thrown by `adapters/`; `code` is stable, `message` is for people. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
