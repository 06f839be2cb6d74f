/**
 * Estimated time of one graph run, in units of one more token: a fixed part (the weights are read once), a part for each
 * row (its own cache) and one for each token of the padded batch. Ratios from the 12-layer decoder, int4 and int8: a token takes
 * 1.3 to 1.7 ms on one thread, a row 0.7, the rest of a run 4 to 5. On two idle threads the fixed part weighs more.
 */
const RUN_COST = 4;
const ROW_COST = 0.6;
const TOKEN_COST = 1;
/** Rows that run apart may have to change places in the cache. */
const SPLIT_COST = 1;

/**
 * Divides rows with different numbers of new tokens into batches so that little is spent on padding: a row with a long
 * forced text runs by itself, while rows with one token each run together. Returns the indices of each batch.
 */
export function planBatches(tokenCounts: readonly number[]): number[][] {
  const order = tokenCounts.map((_, index) => index).sort((a, b) => tokenCounts[b]! - tokenCounts[a]! || a - b);
  const total = order.length;
  if (total === 0) return [];
  if (tokenCounts[order[0]!] === tokenCounts[order[total - 1]!]) return [order];
  // best[i]: lowest cost of the rows from i on in descending order of tokens; cut[i]: where their first batch ends.
  const best = new Array<number>(total + 1).fill(0);
  const cut = new Array<number>(total).fill(total);
  for (let start = total - 1; start >= 0; start--) {
    best[start] = Infinity;
    for (let end = start + 1; end <= total; end++) {
      const rows = end - start;
      const cost = RUN_COST + rows * (ROW_COST + TOKEN_COST * tokenCounts[order[start]!]!) + best[end]!;
      const withSplit = end < total ? cost + SPLIT_COST : cost;
      if (withSplit < best[start]!) {
        best[start] = withSplit;
        cut[start] = end;
      }
    }
  }
  const batches: number[][] = [];
  for (let start = 0; start < total; start = cut[start]!) batches.push(order.slice(start, cut[start]));
  return batches;
}
