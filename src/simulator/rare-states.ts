/**
 * Rare states that a run may reach, each with its meaning. A simulation that never reaches a state proves nothing about it, so
 * `muster simulate --coverage` counts them.
 */
export const rareStates = {
  'drop in flight': 'a new copy begins while the drop of the previous one is not on disk yet',
  'late publish applied': 'a publish of unknown outcome takes effect later',
  'late publish refused': 'a publish of unknown outcome arrives too late and is refused',
  'participant asked': 'a participant that has heard nothing asks for the outcome of a transaction',
  'coordinator asked': 'a new coordinator asks which participants have prepared',
  'wiped in hand-over': 'a disk of a replica in a hand-over is lost',
  'two processes': 'two processes of one node run concurrently',
  'killed in recovery': 'a process is killed before it has recovered',
  'power failure': 'all machines lose power at the same time',
  'log was torn': 'recovery finds a torn tail of the log',
  'log was compared': 'a replica with a damaged log compares it with the others before it leads',
  'rot was noticed': 'a store with a flipped bit is refused',
  'disk failed': 'a write of the log fails and the node ends',
  'checkpoint failed': 'a checkpoint fails and the node continues',
  'session expired': 'an operation is refused because its session has expired',
  'copy in pieces': 'a snapshot is sent in more than one piece',
} as const satisfies Record<string, string>;
export type RareState = keyof typeof rareStates;
