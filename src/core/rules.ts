/**
 * The rules of PROTOCOL.md that the test suite breaks on purpose, one at a time, to show that the simulator
 * notices. Production always runs `soundRules`; no flag, file or message can change them.
 */
export interface Rules {
  /** R4: a reply waits for commit by the whole required set. */
  readonly replyAfterReplication: boolean;
  /** R11: a read needs the leases of the required set. */
  readonly readsNeedLease: boolean;
  /** R11: the lease is compared with the clock at each read, not remembered as a flag. */
  readonly leaseCheckedPerRead: boolean;
  /** R9: a promotion holds only for the very configuration it was decided on. */
  readonly promoteChecksEpoch: boolean;
  /** R9: the grace has passed since the last beacon granted. */
  readonly promoteWaitsGrace: boolean;
  /** Section 0: a replica is a node and a store; a wiped disk is another replica. */
  readonly wipedDiskIsAnotherReplica: boolean;
  /** Section 3: an operation already applied is answered from the session, not applied again. */
  readonly dedup: boolean;
  /** R8a: nobody is added before this epoch's barrier is committed. */
  readonly growAfterBarrier: boolean;
  /** R8c: a candidate holds every committed entry before it is published as in sync. */
  readonly growNeedsMatch: boolean;
  /** R7: a member being removed is required until its removal is confirmed. */
  readonly shrinkAfterConfirm: boolean;
  /** R1: entries of an epoch that is over are refused. */
  readonly refuseOldEpoch: boolean;
  /** R15: a log that does not fit is cut no further than it has to be, and an in-sync replica never gets a snapshot. */
  readonly rejectKeepsCommon: boolean;
  /** R10: a primary commits nothing before the barrier of its epoch, and serves nothing. */
  readonly commitsFromBarrier: boolean;
  /** R12: after a sleep neither leases nor beacons of before count. */
  readonly sleepEndsLeases: boolean;
  /** R1: an ack leaves only when the entries are on disk. */
  readonly ackAfterSync: boolean;
  /** R5: nothing is acknowledged while too few replicas are in sync. */
  readonly minInSync: boolean;
  /** Section 2: a replica leaves only when all that placement wants are in sync. */
  readonly addBeforeRemove: boolean;
  /** Section 2: only the very process that was handed an epoch acts in it. */
  readonly handoverNamesProcess: boolean;
  /** Section 2: a hand-over ends the grants given to the primary that yielded, and no others. */
  readonly handoverReleasesOne: boolean;
  /** R9b: who is cut off from too many replicas to take writes does not promote itself. */
  readonly promoteNeedsReach: boolean;
  /** R11a: a primary claims nothing of nodes that do not answer, nor while it can commit nothing. */
  readonly claimsNeedAnswers: boolean;
  /** R7: a replica that holds up what all others have is removed although it answers. */
  readonly laggardsLeave: boolean;
  /** R9a: a replica whose log is damaged leads only when no log of the in-sync set goes further. */
  readonly damagedAsksAll: boolean;
  /** R9a: a replica that has started asks those who answer how far their logs go, before it leads. */
  readonly startsUnchecked: boolean;
  /** R15: a checkpoint is taken of a copy only once the record that the copy began with is durable. */
  readonly checkpointAfterBase: boolean;
  /** Section 2: a replica is deleted only when a map read after the last thing it stored does not name it. */
  readonly dropNeedsFreshMap: boolean;
  /** Section 2: what a learner acked for an earlier placement does not count for a later one. */
  readonly streamsOfPlacement: boolean;
  /** Section 2: a member is put out, or given its share, when more than half of the others think so. */
  readonly judgedByMany: boolean;
  /** Section 5: whoever reads or checks a key holds it until the decision. */
  readonly readIntents: boolean;
  /** Section 5: a participant that voted holds what it promised until the decision. */
  readonly intentsUntilDecision: boolean;
  /** Section 5: increments of a transaction hold their key against who reads and who writes it otherwise. */
  readonly incrementsHold: boolean;
  /** Section 5: increments prepared side by side leave one another room within the bounds of a counter. */
  readonly incrementsLeaveRoom: boolean;
  /** Section 5: the decision is told when it is committed, not before. */
  readonly decisionDurable: boolean;
  /** Section 5: a transaction that the anchor does not know is aborted. */
  readonly presumedAbort: boolean;
  /** Section 5: before it says so, it logs the abort. */
  readonly abortLogged: boolean;
  /** Section 5: the anchor votes on its own part. */
  readonly ownVote: boolean;
  /** Section 5: the anchor's own part is prepared, in its log, before anybody is told that the transaction is committed. */
  readonly answerWhenStaged: boolean;
  /** Section 5: a new primary finds out whether all had prepared before it ends what it finds staged. */
  readonly stagedAreAsked: boolean;
  /** Section 5: the decision concerns the prepare that was voted on, and no later one. */
  readonly finishNamesPrepare: boolean;
  /** Section 6: after a failover a lock lives its full time again. */
  readonly locksOutliveFailover: boolean;
  /** Section 6: a holder's time is over only if no renewal came into the log before. */
  readonly lapseNamesRenewal: boolean;
  /** Section 6: every grant has a greater token than all before. */
  readonly tokensGrow: boolean;
  /** R1: an ack leaves only when the promise of its epoch is on disk, too. */
  readonly ackAfterPromise: boolean;
  /** R9: the start of a process counts as a grant: an earlier life of it may have granted anyone. */
  readonly startIsGrant: boolean;
  /** Section 0: that a node has another store does not prove that the process with the old one has ended. */
  readonly otherStoreProvesNothing: boolean;
  /** R6: a failure says nothing of an earlier attempt at the same publish, which may still take effect. */
  readonly failureKeepsDoubt: boolean;
  /** R6: that a read still shows the old revision does not end a publish of open outcome. */
  readonly oldReadKeepsDoubt: boolean;
  /** Section 5: nobody votes yes with what too few replicas hold. */
  readonly votesNeedInSync: boolean;
  /** R2: what was acknowledged is not sent again, by an append or by a snapshot. */
  readonly acksMoveOn: boolean;
  /** Section 0: a store that a node had before counts only if it remembers all starts that were seen of it. */
  readonly formerStoresDistrusted: boolean;
  /** Section 5: what is over already is not staged. */
  readonly stageLooksUp: boolean;
}

export const soundRules: Rules = {
  replyAfterReplication: true,
  readsNeedLease: true,
  leaseCheckedPerRead: true,
  promoteChecksEpoch: true,
  promoteWaitsGrace: true,
  wipedDiskIsAnotherReplica: true,
  dedup: true,
  growAfterBarrier: true,
  growNeedsMatch: true,
  shrinkAfterConfirm: true,
  refuseOldEpoch: true,
  rejectKeepsCommon: true,
  commitsFromBarrier: true,
  sleepEndsLeases: true,
  ackAfterSync: true,
  minInSync: true,
  addBeforeRemove: true,
  handoverNamesProcess: true,
  handoverReleasesOne: true,
  promoteNeedsReach: true,
  claimsNeedAnswers: true,
  laggardsLeave: true,
  damagedAsksAll: true,
  startsUnchecked: true,
  checkpointAfterBase: true,
  dropNeedsFreshMap: true,
  streamsOfPlacement: true,
  judgedByMany: true,
  readIntents: true,
  intentsUntilDecision: true,
  incrementsHold: true,
  incrementsLeaveRoom: true,
  decisionDurable: true,
  presumedAbort: true,
  abortLogged: true,
  ownVote: true,
  answerWhenStaged: true,
  stagedAreAsked: true,
  finishNamesPrepare: true,
  locksOutliveFailover: true,
  lapseNamesRenewal: true,
  tokensGrow: true,
  ackAfterPromise: true,
  startIsGrant: true,
  otherStoreProvesNothing: true,
  failureKeepsDoubt: true,
  oldReadKeepsDoubt: true,
  votesNeedInSync: true,
  acksMoveOn: true,
  formerStoresDistrusted: true,
  stageLooksUp: true,
};
