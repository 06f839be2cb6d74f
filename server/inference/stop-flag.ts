import type { Backbone, DecoderState } from '../../model/backbone.js';

/**
 * A backbone that looks at `stopped` before each run of a graph: a message that asks to stop is only received between two runs,
 * when the later one is already on its way. `stop` is called then; it must abort the signal the work was given.
 */
export function stoppable(backbone: Backbone, stopped: () => boolean, stop: () => void): Backbone {
  const look = (): void => {
    if (stopped()) stop();
  };
  return {
    config: backbone.config,
    tokenizer: backbone.tokenizer,
    encode: (ids, signal) => {
      look();
      return backbone.encode(ids, signal);
    },
    open: (memory, agent) => looking(backbone.open(memory, agent), look),
    close: () => backbone.close(),
  };
}

function looking(state: DecoderState, look: () => void): DecoderState {
  return {
    row: () => state.row(),
    fork: (row) => state.fork(row),
    drop: (row) => {
      state.drop(row);
    },
    truncate: (row, length) => {
      state.truncate(row, length);
    },
    step: (feeds, signal) => {
      look();
      return state.step(feeds, signal);
    },
    get routerGateMean() {
      return state.routerGateMean;
    },
    get usage() {
      return state.usage;
    },
    close: () => {
      state.close();
    },
  };
}
