/** Bounds that tests make small so that the rare becomes common. */
export interface Tuning {
  readonly snapshotChunk: number;
  readonly appendBytes: number;
  readonly streamWindowBytes: number;
  readonly pipelineEntries: number;
  readonly retainEntries: number;
  readonly retainBytes: number;
  readonly sessionIdleMs: number;
}
