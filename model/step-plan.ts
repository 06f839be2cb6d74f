/**
 * Estimated time of one graph run, in units of one more token: a fixed part (the weights are read once), a part for each
 * row (its own cache) and one for each token of the padded batch. Measured on the 12-layer int8 decoder; only ratios count.
 */
const RUN_COST = 6;
const ROW_COST = 1.5;
const TOKEN_COST = 1;
/** Rows that run apart may have to change places in the cache. */
const SPLIT_COST = 3;

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
