import { checkAppends } from '../check/append.js';
import { checkCell } from '../check/cell.js';
import { checkDecisions } from '../check/decision.js';
import type { Observation, Verdict } from '../check/history.js';
import { checkLedger } from '../check/ledger.js';
import { checkFenced, checkHoldings } from '../check/lock.js';
import { checkVersions } from '../check/versions.js';
import { Violation } from './invariants.js';
import type { Scenario } from './scenario.js';
import type { TxHistory } from './tx-history.js';

export interface Judged {
  readonly scenario: Scenario;
  readonly history: readonly Observation[];
  readonly txHistory: TxHistory;
  /** One more of what is to be met now and then. */
  readonly count: (what: string) => void;
}

/** Judges what all clients saw. Throws `Violation`. */
export function judge({ scenario, history, txHistory, count }: Judged): void {
  /** A search that was given up accepts nothing, and is counted as such. */
  const searched = (verdict: Verdict): string | null => {
    if (verdict.type === 'wrong') return verdict.why;
    count(verdict.type === 'ok' ? 'judged' : 'undecided');
    return null;
  };
  const byKey = new Map<string, Observation[]>();
  for (const o of [...history, ...txHistory.cells]) {
    if (o.write !== undefined || o.outcome === 'refused') count(`${o.write?.type ?? 'tx'} ${o.outcome}`);
    const list = byKey.get(o.key) ?? [];
    list.push(o);
    byKey.set(o.key, list);
  }
  const unknown = history.filter((o) => o.outcome === 'unknown').length;
  if (scenario.quiet && unknown > 0)
    throw new Violation(15, `nothing failed, and ${unknown} operations are of unknown outcome`);
  const { ledger, appends, holdings, fenced, told } = txHistory;
  const judged: [number, string | null][] = [
    [11, searched(checkLedger(ledger))],
    [11, checkAppends(appends)],
    [11, checkDecisions(told)],
    [12, checkHoldings(holdings)],
    [12, checkFenced(fenced)],
  ];
  for (const [key, list] of byKey)
    for (const wrong of [checkVersions(list), searched(checkCell(list))])
      judged.push([7, wrong === null ? null : `${key}: ${wrong}`]);
  for (const [invariant, wrong] of judged) if (wrong !== null) throw new Violation(invariant, wrong);
}
