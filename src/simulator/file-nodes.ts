/**
 * The inodes of the simulated file system: what a file or folder shows, and what of it is on the disk. A power failure makes
 * the one of the other. No calls, no steps and no faults of calls: those are in file-system.ts.
 */
import type { Random } from '../core/random.js';
import type { FileStat } from '../files/contract.js';

/** What a disk writes whole or not at all. */
export const sectorBytes = 512;
/** What the system keeps or forgets of a file at a time. */
const pageBytes = 4096;

/** Bytes that grow. */
class Content {
  private buffer = new Uint8Array(0);
  length = 0;

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    this.reserve(end);
    this.buffer.set(bytes, position);
    if (end > this.length) this.length = end;
  }

  truncate(bytes: number): void {
    this.reserve(bytes);
    // Bytes beyond the new end read as zeros if the file grows again.
    if (bytes < this.length) this.buffer.fill(0, bytes, this.length);
    this.length = bytes;
  }

  private reserve(bytes: number): void {
    if (bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(bytes, 2 * this.buffer.length, 1024));
    larger.set(this.bytes);
    this.buffer = larger;
  }

  copy(): Content {
    const copy = new Content();
    copy.buffer = this.bytes.slice();
    copy.length = this.length;
    return copy;
  }
}

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly bytes: number };

function apply(content: Content, change: Change): void {
  if (change.kind === 'write') content.write(change.position, change.bytes);
  else content.truncate(change.bytes);
}

/** A value that a library keeps in its own file, atomically and durably (LMDB's twin). Never changed once it is here. */
export interface StoredValue {
  readonly value: unknown;
  /** A bit of it was flipped: the library would notice by its checksums. */
  readonly rotten: boolean;
}

export class FileNode {
  readonly kind = 'file';
  private shown = new Content();
  private durable = new Content();
  /** Changes that are shown and not synced, oldest first. */
  private changes: Change[] = [];
  /** What is shown differs from what is durable though nothing is left to be synced: a sync failed. */
  private diverged = false;
  stored: StoredValue | null = null;

  /** What a read gives. */
  get bytes(): Uint8Array {
    return this.shown.bytes;
  }

  write(position: number, bytes: Uint8Array): void {
    this.shown.write(position, bytes);
    // `slice` of a Buffer would be the caller's own bytes.
    this.changes.push({ kind: 'write', position, bytes: new Uint8Array(bytes) });
  }

  /** A write that is durable when it returns. What was written before, un-synced, stays so. */
  writeDurably(position: number, bytes: Uint8Array): void {
    this.shown.write(position, bytes);
    this.durable.write(position, bytes);
  }

  truncate(bytes: number): void {
    if (bytes === this.shown.length) return; // nothing to be synced, whatever is on the disk
    this.shown.truncate(bytes);
    this.changes.push({ kind: 'truncate', bytes });
  }

  sync(): void {
    for (const change of this.changes) apply(this.durable, change);
    this.changes = [];
  }

  /**
   * A sync that fails ("fsyncgate"; Rebello et al., USENIX ATC 2020): by lot some sectors get there. The pages count as clean from
   * now on, so no later sync writes the others, though reads show them.
   */
  failSync(random: Random): void {
    if (this.changes.length > 0) this.diverged = true;
    this.keepSome(random, 0, []);
  }

  /** The same of one synced write: reads may show it, and the disk may have some of its sectors. */
  failWrite(position: number, bytes: Uint8Array, random: Random): void {
    if (random.chance(0.2)) return; // it failed before anything was done
    this.shown.write(position, bytes);
    this.diverged = true;
    if (random.chance(0.5)) this.keepSectors(position, bytes, random);
  }

  /** Pages that count as clean are forgotten, and are read from the disk again. */
  evict(): void {
    if (!this.diverged) return;
    this.diverged = false;
    const dirty = new Set<number>();
    for (const change of this.changes) {
      if (change.kind === 'truncate') continue;
      const last = Math.floor((change.position + change.bytes.length - 1) / pageBytes);
      for (let page = Math.floor(change.position / pageBytes); page <= last; page++) dirty.add(page);
    }
    for (let page = 0; page * pageBytes < this.shown.length; page++) {
      if (dirty.has(page)) continue;
      const from = page * pageBytes;
      const to = Math.min(from + pageBytes, this.shown.length);
      const bytes = new Uint8Array(to - from);
      bytes.set(this.durable.bytes.subarray(from, to));
      this.shown.write(from, bytes);
    }
  }

  /**
   * The power fails: of each un-synced change all, some sectors or nothing is there. `misdirected`: the probability that one of
   * them ended up elsewhere in the file.
   */
  loseUnsynced(random: Random, misdirected: number): void {
    this.keepSome(random, misdirected, [1]);
    this.shown = this.durable.copy();
    this.diverged = false;
  }

  /** `fates`: those that keep a change whole, of 0, 1 and 2; 2 keeps some sectors. */
  private keepSome(random: Random, misdirected: number, fates: readonly number[]): void {
    for (const change of this.changes) {
      const fate = random.below(3);
      if (change.kind === 'truncate') {
        if (fate > 0) apply(this.durable, change);
      } else if (misdirected > 0 && random.chance(misdirected)) {
        const sectors = Math.max(1, Math.ceil(this.durable.length / sectorBytes));
        this.durable.write(random.below(sectors) * sectorBytes, change.bytes);
      } else if (fates.includes(fate)) apply(this.durable, change);
      // A sector that is missing below one that is there reads as zeros.
      else if (fate === 2) this.keepSectors(change.position, change.bytes, random);
    }
    this.changes = [];
  }

  private keepSectors(position: number, bytes: Uint8Array, random: Random): void {
    for (let at = 0; at < bytes.length; at += sectorBytes)
      if (random.chance(0.5)) this.durable.write(position + at, bytes.subarray(at, at + sectorBytes));
  }

  /** Flips a bit, on the disk and in memory; of a stored value, somewhere in it. */
  corrupt(bit: number): void {
    if (this.stored !== null) this.stored = { ...this.stored, rotten: true };
    const at = Math.floor(bit / 8);
    for (const { bytes } of [this.shown, this.durable])
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << (bit % 8));
  }

  copy(): FileNode {
    const copy = new FileNode();
    copy.shown = this.shown.copy();
    copy.durable = this.durable.copy();
    copy.changes = [...this.changes];
    copy.diverged = this.diverged;
    copy.stored = this.stored;
    return copy;
  }

  /** A file that has durably what this one shows. */
  copyShown(): FileNode {
    const copy = new FileNode();
    copy.shown = this.shown.copy();
    copy.durable = this.shown.copy();
    copy.stored = this.stored;
    return copy;
  }
}

export class FolderNode {
  readonly kind = 'folder';
  readonly names = new Map<string, Node>();
  private durable = new Map<string, Node>();
  /** What each name stood for since the last sync, oldest first; null: nothing. */
  private readonly changes = new Map<string, (Node | null)[]>();

  set(name: string, node: Node | null): void {
    if (node === null) this.names.delete(name);
    else this.names.set(name, node);
    const states = this.changes.get(name);
    if (states === undefined) this.changes.set(name, [node]);
    else states.push(node);
  }

  setDurably(name: string, node: Node | null): void {
    this.changes.delete(name);
    for (const names of [this.names, this.durable]) {
      if (node === null) names.delete(name);
      else names.set(name, node);
    }
  }

  sync(): void {
    this.durable = new Map(this.names);
    this.changes.clear();
  }

  /** The power fails: each changed name stands for what it stood for at some time since the last sync. */
  loseUnsynced(random: Random): void {
    for (const [name, states] of this.changes) {
      const kept = random.below(states.length + 1);
      if (kept === 0) continue;
      const node = states[kept - 1] as Node | null;
      if (node === null) this.durable.delete(name);
      else this.durable.set(name, node);
    }
    this.changes.clear();
    this.names.clear();
    for (const [name, node] of this.durable) this.names.set(name, node);
  }

  /** A copy with all that is in it; `copies` keeps files with two names one file. */
  copy(copies = new Map<Node, Node>()): FolderNode {
    const copyOf = (node: Node): Node => {
      let copy = copies.get(node);
      if (copy === undefined) {
        copy = node.kind === 'folder' ? node.copy(copies) : node.copy();
        copies.set(node, copy);
      }
      return copy;
    };
    const made = new FolderNode();
    copies.set(this, made);
    for (const [name, node] of this.names) made.names.set(name, copyOf(node));
    for (const [name, node] of this.durable) made.durable.set(name, copyOf(node));
    for (const [name, states] of this.changes)
      made.changes.set(
        name,
        states.map((node) => node && copyOf(node)),
      );
    return made;
  }

  /** A folder that has durably what this one shows. */
  copyShown(): FolderNode {
    const copy = new FolderNode();
    for (const [name, node] of this.names) copy.setDurably(name, node.copyShown());
    return copy;
  }
}

export type Node = FileNode | FolderNode;

/** The power fails in a folder and in all that is in it afterwards. */
export function loseUnsynced(
  folder: FolderNode,
  random: Random,
  misdirected: number,
  seen = new Set<Node>(),
): void {
  if (seen.has(folder)) return;
  seen.add(folder);
  folder.loseUnsynced(random);
  for (const node of folder.names.values()) {
    if (node.kind === 'folder') loseUnsynced(node, random, misdirected, seen);
    else if (!seen.has(node)) {
      seen.add(node);
      node.loseUnsynced(random, misdirected);
    }
  }
}

/** A copy of a folder at one time: what a backup is. */
export interface FolderImage {
  readonly folder: FolderNode;
}

export const statOf = (node: Node): FileStat =>
  node.kind === 'folder' ? { kind: 'folder', bytes: 0 } : { kind: 'file', bytes: node.bytes.length };
