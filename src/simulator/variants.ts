import { type Rules, soundRules } from '../core/rules.js';
import {
  busyTx,
  comesLate,
  doubtful,
  late,
  loneJudge,
  moving,
  only,
  putBack,
  slowDrops,
  struck,
  unsettled,
  unstaged,
  usurped,
  weightsOf,
  withDamage,
} from './biases.js';
import { brokenLinks, quiet, type Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';

/** A deliberately broken protocol, and how many seeds the simulator may need to notice. */
export interface Variant {
  readonly name: string;
  /** What it does wrong, and which rule of PROTOCOL.md says so. */
  readonly story: string;
  readonly rules: Rules;
  /** The simulator must find a violation within this many seeds, from seed `from` on. */
  readonly within: number;
  /** Where to begin, when what it takes is rare: the seeds before are known to find nothing. Default: 1. */
  readonly from?: number;
  /** Circumstances that the mistake needs; without this, the scenarios as they come. */
  readonly change?: (scenario: Scenario) => Scenario;
}

/**
 * The circumstances in which a variant is tried. What is around the core follows the rules: it need not run. Invariant 18 is
 * demanded only where nothing but links is broken.
 */
export const changeOf =
  ({ change = scenarios.core.of }: Variant): ((scenario: Scenario) => Scenario) =>
  (scenario) =>
    change({ ...scenario, brokenLinks: false });

const broken = (change: Partial<Rules>): Rules => ({ ...soundRules, ...change });

/** Every rule that `Rules` can break has at least one variant here; a test sees to it. */
export const variants: readonly Variant[] = [
  {
    name: 'answer-before-replication',
    story: 'R4: answers once its own disk has the entry',
    rules: broken({ replyAfterReplication: false }),
    within: 50,
  },
  {
    name: 'serve-without-lease',
    story: 'R11: reads without the leases of the required set',
    rules: broken({ readsNeedLease: false }),
    within: 600,
  },
  {
    name: 'lease-from-cached-flag',
    story: 'R11: reads by a flag that a timer sets',
    rules: broken({ leaseCheckedPerRead: false }),
    within: 700,
  },
  {
    name: 'promote-without-epoch-check',
    story: 'R9: repeats a promotion on a newer map without looking at it',
    rules: broken({ promoteChecksEpoch: false }),
    within: 200,
  },
  {
    name: 'promote-without-grace',
    story: 'R9, R10: promotes and commits without waiting out the grace',
    rules: broken({ promoteWaitsGrace: false }),
    within: 1000,
  },
  {
    name: 'wiped-disk-in-sync',
    story: 'section 0: counts an empty disk as the replica it was',
    rules: broken({ wipedDiskIsAnotherReplica: false }),
    within: 100,
  },
  {
    name: 'no-dedup',
    story: 'section 3: applies a repeated operation again',
    rules: broken({ dedup: false }),
    within: 100,
  },
  {
    name: 'grow-before-barrier',
    story: 'R8a: adds a replica before the barrier of the epoch is committed',
    rules: broken({ growAfterBarrier: false }),
    within: 300,
  },
  {
    name: 'grow-without-match',
    story: 'R8c: adds a replica that lacks committed entries',
    rules: broken({ growNeedsMatch: false }),
    within: 100,
  },
  {
    name: 'shrink-before-confirm',
    story: 'R7: no longer requires a member whose removal is not confirmed',
    rules: broken({ shrinkAfterConfirm: false }),
    within: 500,
  },
  {
    name: 'accept-old-epoch',
    story: 'R1: accepts entries of an epoch that is over',
    rules: broken({ refuseOldEpoch: false }),
    within: 400,
    change: (scenario) => ({ ...struck(scenario, 900), partitions: 1, clients: 4, network: late }),
  },
  {
    name: 'reject-skips-run',
    story: 'R15: cuts a log that does not fit by the whole run of an epoch, committed entries among it',
    rules: broken({ rejectKeepsCommon: false }),
    within: 1200,
    change: (scenario) => unsettled(scenario),
  },
  {
    name: 'commit-before-barrier',
    story: 'R10: commits entries of earlier epochs, and serves, before its own barrier is committed',
    rules: broken({ commitsFromBarrier: false }),
    from: 118,
    within: 20,
    change: (scenario) => unsettled(scenario),
  },
  {
    name: 'sleep-keeps-beacons',
    story: 'R12: takes acks of beacons sent before the machine slept for leases',
    rules: broken({ sleepEndsLeases: false }),
    within: 1500,
    change: (scenario) => only(struck(scenario, 900), 'sleep'),
  },
  {
    name: 'ack-before-sync',
    story: 'R1: acks before the entries are on disk',
    rules: broken({ ackAfterSync: false }),
    within: 100,
  },
  {
    name: 'no-min-in-sync',
    story: 'R5: acknowledges with too few replicas in sync',
    rules: broken({ minInSync: false }),
    within: 100,
  },
  {
    name: 'retire-before-add',
    story: 'section 2: retires a replica before all that placement wants are in sync',
    rules: broken({ addBeforeRemove: false }),
    within: 20,
    change: quiet,
  },
  {
    name: 'handover-to-any-life',
    story: 'section 2: a restarted process takes an epoch that an earlier life of it may have acted in',
    rules: broken({ handoverNamesProcess: false }),
    within: 200,
    change: (scenario) => moving(struck(scenario, 300), { kill: 1, primary: 1 }),
  },
  {
    name: 'handover-releases-all',
    story: 'section 2: takes the yielding of one primary for that of all it granted leases to',
    rules: broken({ handoverReleasesOne: false }),
    within: 400,
    change: (scenario) => moving(struck(scenario, 300), { primary: 2, oneWay: 1, netsplit: 1 }),
  },
  {
    name: 'drop-by-old-map',
    story: 'section 2: deletes its copy by a map that may be old',
    rules: broken({ dropNeedsFreshMap: false }),
    within: 400,
    change: (scenario) => moving(struck(scenario, 300), { blind: 2 }),
  },
  {
    name: 'damaged-log-leads',
    story: 'R9a: leads with a log whose end was cut, without asking whether another goes further',
    rules: broken({ damagedAsksAll: false }),
    within: 100,
    change: (scenario) => withDamage(scenario, { bitFlip: 1, kill: 0.5 }, 700),
  },
  {
    name: 'starts-unasked',
    story: 'R9a: leads after a start without asking those who answer whether their logs go further',
    rules: broken({ startsUnchecked: false }),
    within: 100,
    change: (scenario) => withDamage(scenario, { rewind: 1 }, 9000),
  },
  {
    name: 'old-store-put-back',
    story: 'section 0: takes an old copy of a store that the node had before for the replica that it was',
    rules: broken({ formerStoresDistrusted: false }),
    within: 100,
    change: putBack,
  },
  {
    name: 'deaf-primary-claims',
    story: 'R11a: a primary that hears nobody, or can commit nothing, keeps the others from taking over',
    rules: broken({ claimsNeedAnswers: false }),
    within: 200,
    change: brokenLinks,
  },
  {
    name: 'promote-cut-off',
    story:
      'R9b: a replica that is cut off from the others takes over, and keeps those who are enough from leading',
    rules: broken({ promoteNeedsReach: false }),
    within: 200,
    change: brokenLinks,
  },
  {
    name: 'laggards-stay',
    story: 'R7: a replica that holds up all others stays in sync as long as it answers',
    rules: broken({ laggardsLeave: false }),
    from: 101,
    within: 100,
    change: brokenLinks,
  },
  {
    name: 'checkpoint-before-base',
    story: 'R15: checkpoints a new copy while the end of the one before is still on its way to the disk',
    rules: broken({ checkpointAfterBase: false }),
    within: 300,
    change: slowDrops,
  },
  {
    name: 'acks-outlive-placement',
    story: 'section 2: counts what a learner acked for an earlier placement, and may have deleted since',
    rules: broken({ streamsOfPlacement: false }),
    within: 200,
    change: (scenario) => ({ ...only(struck(scenario, 4000), 'flip'), faultyMs: 40_000, thinkMs: 400 }),
  },
  {
    name: 'one-judge-is-enough',
    story: 'section 2: puts out whom a single node does not hear',
    rules: broken({ judgedByMany: false }),
    within: 100,
    change: loneJudge,
  },
  {
    name: 'no-read-intents',
    story: 'section 5: lets others write what a transaction has read before it is decided',
    rules: broken({ readIntents: false }),
    within: 200,
    change: (scenario) => busyTx(scenario, { lists: 2 }),
  },
  {
    name: 'intents-released-at-vote',
    story: 'section 5: holds nothing from the vote to the decision',
    rules: broken({ intentsUntilDecision: false }),
    within: 100,
    change: (scenario) => busyTx(scenario, { lists: 2, accounts: 3 }),
  },
  {
    name: 'increments-hold-nothing',
    story:
      'section 5: takes it that increments, which commute, need not hold their keys against readers either',
    rules: broken({ incrementsHold: false }),
    within: 100,
    change: (scenario) => busyTx(scenario, { accounts: 3 }),
  },
  {
    name: 'increments-without-room',
    story: 'section 5: prepares increments side by side that pass the bounds of a counter together',
    rules: broken({ incrementsLeaveRoom: false }),
    within: 200,
    change: (scenario) => ({ ...busyTx(scenario, { accounts: 3 }), brim: true }),
  },
  {
    name: 'decision-before-durable',
    story: 'section 5: tells the decision before it is committed',
    rules: broken({ decisionDurable: false }),
    within: 300,
    change: (scenario) => busyTx(struck(scenario, 300), { accounts: 3, lists: 2 }),
  },
  {
    name: 'presumed-commit',
    story: 'section 5: takes a transaction that the anchor does not know for committed',
    rules: broken({ presumedAbort: false }),
    within: 300,
    change: (scenario) => busyTx(struck(scenario, 300), { accounts: 3 }),
  },
  {
    name: 'abort-not-logged',
    story:
      'section 5: says that a transaction which the anchor does not know is aborted, and does not log it',
    rules: broken({ abortLogged: false }),
    from: 351,
    within: 100,
    change: unstaged,
  },
  {
    name: 'own-part-unchecked',
    story: 'section 5: commits without a vote on the coordinator’s own part',
    rules: broken({ ownVote: false }),
    within: 300,
    change: (scenario) => busyTx(struck(scenario, 300), { accounts: 3, lists: 2 }),
  },
  {
    name: 'answer-before-staged',
    story: 'section 5: says that a transaction is committed before its own part is in the log for good',
    rules: broken({ answerWhenStaged: false }),
    within: 300,
    change: (scenario) => busyTx(struck(scenario, 300), { accounts: 3, lists: 2 }),
  },
  {
    name: 'staged-presumed-aborted',
    story: 'section 5: aborts what an earlier primary staged without asking whether all had prepared',
    rules: broken({ stagedAreAsked: false }),
    within: 100,
    change: (scenario) => busyTx(only(struck(scenario, 200), 'armed'), { accounts: 3, lists: 2 }),
  },
  {
    name: 'finish-any-prepare',
    story: 'section 5: applies a decision to a prepare that came when the transaction was over',
    rules: broken({ finishNamesPrepare: false }),
    within: 1500,
    change: (scenario) => busyTx({ ...struck(scenario, 300), network: late }, { accounts: 3 }),
  },
  {
    name: 'lock-expired-at-failover',
    story: 'section 6: takes a lock that it finds at a failover for expired',
    rules: broken({ locksOutliveFailover: false }),
    within: 300,
    change: (scenario) => busyTx(struck(scenario, 600), { locks: 1 }),
  },
  {
    name: 'lapse-despite-renewal',
    story: 'section 6: ends the time of a holder whose renewal is in the log already, and will be answered',
    rules: broken({ lapseNamesRenewal: false }),
    within: 1300,
    change: (scenario) => busyTx({ ...only(struck(scenario, 600), 'sleep'), partitions: 2 }, { locks: 1 }),
  },
  {
    name: 'token-reused',
    story: 'section 6: grants a lock under a token that was granted before',
    rules: broken({ tokensGrow: false }),
    within: 50,
    change: (scenario) => busyTx(scenario, { locks: 1 }),
  },
  {
    name: 'ack-before-promise',
    story: 'R1: acks entries that it has already before its promise of the epoch is on disk',
    rules: broken({ ackAfterPromise: false }),
    within: 20,
  },
  {
    name: 'start-is-no-grant',
    story: 'R9: forgets at a start whom an earlier life of it granted leases to',
    rules: broken({ startIsGrant: false }),
    within: 300,
    change: usurped,
  },
  {
    name: 'other-store-proves-gone',
    story: 'section 0: takes it that a process has ended because its node has another store',
    rules: broken({ otherStoreProvesNothing: false }),
    within: 400,
    change: usurped,
  },
  {
    name: 'failure-ends-doubt',
    story: 'R6: takes a publish for failed of which an earlier attempt may still take effect',
    rules: broken({ failureKeepsDoubt: false }),
    within: 400,
    change: doubtful,
  },
  {
    name: 'old-read-ends-doubt',
    story: 'R6: takes a publish for failed because a read does not show it yet',
    rules: broken({ oldReadKeepsDoubt: false }),
    from: 801,
    within: 250,
    change: doubtful,
  },
  {
    name: 'vote-before-in-sync',
    story: 'section 5: votes yes with what too few replicas hold',
    rules: broken({ votesNeedInSync: false }),
    within: 200,
    change: (scenario) => ({
      ...busyTx(struck(scenario, 400), { accounts: 4, lists: 2 }),
      nodes: Math.max(3, scenario.nodes),
      replicas: 3,
      minInSync: 2,
      nemesis: { everyMs: 400, weights: weightsOf({ kill: 1, pause: 1, netsplit: 1, oneWay: 1 }) },
    }),
  },
  {
    name: 'stage-what-is-over',
    story: 'section 5: stages a transaction whose abort is in the log already',
    rules: broken({ stageLooksUp: false }),
    within: 300,
    change: comesLate,
  },
];
