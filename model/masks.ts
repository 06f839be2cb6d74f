/** What is added to a score that must not count: its weight becomes exactly 0 in float32. */
export const MASKED = -1e9;

/**
 * Mask among T new tokens for each of B rows, [B, 1, T, T]: a token sees itself and those before it. Rows with fewer
 * tokens are padded at the end, so a real token never sees padding; what padding sees does not matter.
 */
export function causalMask(rows: number, tokens: number): Float32Array {
  const mask = new Float32Array(rows * tokens * tokens);
  for (let query = 0; query < rows * tokens; query++) {
    mask.fill(MASKED, query * tokens + (query % tokens) + 1, (query + 1) * tokens);
  }
  return mask;
}
