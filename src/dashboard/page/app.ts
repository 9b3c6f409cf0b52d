import { plural } from '../../text/format.js';
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
  lost: 'connection lost, reconnecting …',
  refused: 'not connected',
};

/** What is wrong with what is seen, in words; null: nothing. */
function problemOf(connection: Connection, { look, cluster }: State): string | null {
  if (connection === 'refused')
    return 'Open the complete address that `muster dashboard` printed: the part after # is the access token.';
  if (connection === 'lost')
    return 'The dashboard is not responding. If it has stopped, run `muster dashboard` again and open the new address.';
  if (look === null) return null;
  if (look.state === 'gone')
    return `Cluster ${cluster} no longer exists. This page updates when it is created again.`;
  if (look.state === 'stopped') return `Cluster ${cluster} is stopped.`;
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
      `cluster map revision ${seen.revision} · ${plural(seen.replicas, 'replica')}, min-in-sync ${seen.minInSync} · durability ${seen.durability}`,
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
