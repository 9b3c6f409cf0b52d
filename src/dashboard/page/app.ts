import { $, say } from './dom.js';
import { createFaults } from './faults.js';
import { Feed } from './feed.js';
import { createNodes } from './nodes.js';
import { createRing } from './ring.js';
import { createLocks, createShares } from './shares.js';
import { type Connection, type State, Store } from './store.js';
import { createTotals } from './totals.js';
import { createTransactions } from './transactions.js';

const connectionWords: Readonly<Record<Connection, string>> = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'connection lost; trying again',
  refused: 'not connected',
};

/** What is wrong with what is seen, in words; null: nothing. */
function problemOf(connection: Connection, { look, cluster }: State): string | null {
  if (connection === 'refused')
    return 'Open the whole address that `muster dashboard` printed: what stands behind the # lets you in.';
  if (connection === 'lost')
    return 'The dashboard does not answer. If it was ended, start `muster dashboard` again and open the address it prints.';
  if (look === null) return null;
  if (look.state === 'gone')
    return `There is no cluster ${cluster} any more. It is shown as soon as there is one again.`;
  if (look.state === 'stopped') return `Cluster ${cluster} is stopped: no node has a process.`;
  return look.problem;
}

const feed = new Feed();
let connected: Connection = 'connecting';
const store = new Store((events) => {
  const { connection, state } = store;
  if (connection === 'live' && connected !== 'live') feed.reset(state.events);
  else feed.add(events);
  connected = connection;
  say($('cluster'), state.cluster);
  const status = $('connection');
  status.dataset.state = connection;
  const seen = state.look?.overview?.status;
  if (seen)
    say(
      $('settings'),
      `map revision ${seen.revision} · ${seen.replicas} replicas, ${seen.minInSync} for a write · durability ${seen.durability}`,
    );
  say(status, connectionWords[connection]);
  document.title = state.cluster === '' ? 'muster dashboard' : `${state.cluster} · muster`;
  const problem = problemOf(connection, state);
  const banner = $('banner');
  say(banner, problem ?? '');
  banner.hidden = problem === null;
  for (const show of parts) show(state);
});
const parts = [
  createTotals(),
  createRing(),
  createNodes(store),
  createFaults(store),
  createTransactions(store),
  createShares(),
  createLocks(),
];
store.connect();
