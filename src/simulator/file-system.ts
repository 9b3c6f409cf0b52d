/**
 * A file system in memory that is as unkind as POSIX allows, for driving production code: a step can wait before and
 * after each call, a process can be killed between any two, calls fail, writes come short, and at a power failure
 * whatever was not synced is lost or kept, each piece by lot.
 *
 * **What is modelled.** Files and folders as inodes; a file lives on without a name while it is open. Data: un-synced
 * writes survive a power failure each whole, in part (cut at sectors of 512 bytes) or not at all, in any combination; a sync that fails
 * loses what it was to make durable, and a later one does not notice (Rebello et al., USENIX ATC 2020). Names: each un-synced change
 * of a folder survives or not, independently of those of other names; a folder that is itself un-synced takes what is in it along.
 * Reading a folder takes its names one after another: what comes or goes meanwhile is in the answer or not.
 *
 * **What is not.** Permissions, links other than hard ones, bytes that rot (`corrupt` changes some on purpose), time stamps.
 *
 * Use: `new SimFileSystem(options)`, then `process(name)` for each process; hand `.files` to production code as its
 * `FileSystem`. `kill()` makes all further calls of a process never return, `powerFailure()` kills all and loses what is not durable.
 * Everything is drawn from `options.random`: with a deterministic `step`, a seed gives one run.
 */
import type { Random } from '../core/random.js';
import { type FileStat, type FileSystem, type OpenFile, systemError } from '../files/contract.js';

export type FileCall = 'readdir' | 'mkdir' | 'open' | 'link' | 'unlink' | 'stat' | 'read' | 'write' | 'sync';

export interface FileFaults {
  /** Probability that a call fails with EIO; one that changes something may have done so. */
  readonly io: number;
  /** Probability that a call that needs space fails with ENOSPC. */
  readonly full: number;
  /** Probability that a read or write is shorter than asked for. */
  readonly short: number;
  /** Probability that others change a folder between two parts of one reading of it. */
  readonly parts: number;
}

export const noFileFaults: FileFaults = { io: 0, full: 0, short: 0, parts: 0 };

export interface SimFileSystemOptions {
  readonly random: Random;
  /** Waits before and after each call of a process: here others run. */
  readonly step: (process: string, call: FileCall, path: string) => Promise<void>;
}

const sectorBytes = 512;

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

class FileNode {
  readonly kind = 'file';
  bytes: Uint8Array = new Uint8Array(0);
  /** What a power failure leaves at least. */
  durable: Uint8Array = new Uint8Array(0);
  /** Writes since, oldest first. */
  writes: Write[] = [];
}

class FolderNode {
  readonly kind = 'folder';
  readonly names = new Map<string, Node>();
  durable = new Map<string, Node>();
  /** What each name stood for since the last sync, oldest first; null: nothing. */
  readonly changes = new Map<string, (Node | null)[]>();

  set(name: string, node: Node | null): void {
    if (node === null) this.names.delete(name);
    else this.names.set(name, node);
    const states = this.changes.get(name);
    if (states === undefined) this.changes.set(name, [node]);
    else states.push(node);
  }
}

type Node = FileNode | FolderNode;

function written(bytes: Uint8Array, { position, bytes: more }: Write): Uint8Array {
  const grown = new Uint8Array(Math.max(bytes.length, position + more.length));
  grown.set(bytes);
  grown.set(more, position);
  return grown;
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');

/** One process that uses the file system. */
export interface SimFileProcess {
  readonly name: string;
  readonly files: FileSystem;
  readonly killed: boolean;
  /** From now on no call of it returns, and none that has not taken effect yet does. */
  kill(): void;
}

export class SimFileSystem {
  faults: FileFaults = noFileFaults;
  readonly #root = new FolderNode();
  readonly #random: Random;
  readonly #step: SimFileSystemOptions['step'];
  readonly #running = new Set<{ killed: boolean }>();

  constructor(options: SimFileSystemOptions) {
    this.#random = options.random;
    this.#step = options.step;
  }

  process(name: string): SimFileProcess {
    const state = { killed: false };
    this.#running.add(state);
    return {
      name,
      files: this.#filesOf(name, state),
      get killed() {
        return state.killed;
      },
      kill: () => {
        state.killed = true;
        this.#running.delete(state);
      },
    };
  }

  /** Kills every process and forgets, by lot, what was not synced. */
  powerFailure(): void {
    for (const state of this.#running) state.killed = true;
    this.#running.clear();
    this.#lose(this.#root, new Set());
  }

  /** What a file holds now, or null; for judges. */
  peek(path: string): Uint8Array | null {
    const node = this.#find(path);
    return node?.kind === 'file' ? node.bytes : null;
  }

  /** The names in a folder now; for judges. */
  list(path: string): string[] {
    const node = this.#find(path);
    return node?.kind === 'folder' ? [...node.names.keys()].sort() : [];
  }

  /** Flips one bit of a file, on the disk and in memory. */
  corrupt(path: string, bit: number): void {
    const node = this.#find(path);
    if (node?.kind !== 'file') throw systemError('ENOENT', path);
    for (const copy of [node.bytes, node.durable]) {
      const at = Math.floor(bit / 8);
      if (at < copy.length) copy[at] = (copy[at] as number) ^ (1 << (bit % 8));
    }
  }

  #lose(folder: FolderNode, seen: Set<Node>): void {
    if (seen.has(folder)) return;
    seen.add(folder);
    const survived = new Map(folder.durable);
    for (const [name, states] of folder.changes) {
      const kept = this.#random.below(states.length + 1);
      if (kept === 0) continue;
      const node = states[kept - 1] as Node | null;
      if (node === null) survived.delete(name);
      else survived.set(name, node);
    }
    folder.names.clear();
    folder.changes.clear();
    for (const [name, node] of survived) folder.names.set(name, node);
    folder.durable = survived;
    for (const node of survived.values()) {
      if (node.kind === 'folder') this.#lose(node, seen);
      else if (!seen.has(node)) {
        seen.add(node);
        this.#tear(node);
      }
    }
  }

  #tear(file: FileNode): void {
    let bytes = file.durable;
    for (const write of file.writes) {
      const fate = this.#random.below(3);
      if (fate === 0) continue;
      if (fate === 1) {
        bytes = written(bytes, write);
        continue;
      }
      // Some sectors of it; a sector that is missing below one that is there reads as zeros.
      for (let at = 0; at < write.bytes.length; at += sectorBytes) {
        const part = write.bytes.subarray(at, at + sectorBytes);
        if (this.#random.chance(0.5)) bytes = written(bytes, { position: write.position + at, bytes: part });
      }
    }
    file.bytes = bytes;
    file.durable = bytes.slice();
    file.writes = [];
  }

  #find(path: string): Node | null {
    let node: Node = this.#root;
    for (const name of namesOf(path)) {
      if (node.kind !== 'folder') return null;
      const next = node.names.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #get(path: string): Node {
    const node = this.#find(path);
    if (node === null) throw systemError('ENOENT', path);
    return node;
  }

  #folderOf(path: string): { folder: FolderNode; name: string } {
    const names = namesOf(path);
    const name = names.pop() ?? '';
    const folder = this.#get(names.join('/'));
    if (folder.kind !== 'folder') throw systemError('ENOTDIR', path);
    return { folder, name };
  }

  #filesOf(process: string, state: { readonly killed: boolean }): FileSystem {
    /** Waits, carries out, fails by lot, waits. What a killed process asks for is never done nor answered. */
    const call = async <T>(name: FileCall, path: string, run: () => T, changes = false): Promise<T> => {
      const pause = async (): Promise<void> => {
        await this.#step(process, name, path);
        if (state.killed) await new Promise<never>(() => {});
      };
      await pause();
      let result: { value: T } | { error: unknown };
      try {
        if (this.#random.chance(this.faults.io)) {
          if (changes && this.#random.chance(0.5)) run();
          throw systemError('EIO', path);
        }
        result = { value: run() };
      } catch (error) {
        result = { error };
      }
      await pause();
      if ('error' in result) throw result.error;
      return result.value;
    };
    const needSpace = (path: string): void => {
      if (this.#random.chance(this.faults.full)) throw systemError('ENOSPC', path);
    };
    const opened = (node: Node, path: string): OpenFile => ({
      stat: () => call('stat', path, () => statOf(node)),
      read: (buffer, offset, position) =>
        call('read', path, () => {
          if (node.kind === 'folder') throw systemError('EISDIR', path);
          const most = Math.min(buffer.length - offset, Math.max(0, node.bytes.length - position));
          const length = this.#shorten(most);
          buffer.set(node.bytes.subarray(position, position + length), offset);
          return length;
        }),
      write: (bytes, position) =>
        call('write', path, () => {
          if (node.kind === 'folder') throw systemError('EBADF', path);
          needSpace(path);
          const write = { position, bytes: bytes.slice(0, this.#shorten(bytes.length)) };
          node.bytes = written(node.bytes, write);
          node.writes.push(write);
          return write.bytes.length;
        }),
      sync: () => this.#sync(call, node, path),
      close: async () => {},
    });
    return {
      readdir: (path) => this.#readdir(call, path),
      mkdir: (path) =>
        call(
          'mkdir',
          path,
          () => {
            const { folder, name } = this.#folderOf(path);
            if (name === '' || folder.names.has(name)) throw systemError('EEXIST', path);
            needSpace(path);
            folder.set(name, new FolderNode());
          },
          true,
        ),
      open: async (path, flags) => {
        if (flags === 'r') return opened(await call('open', path, () => this.#get(path)), path);
        const made = await call(
          'open',
          path,
          () => {
            const { folder, name } = this.#folderOf(path);
            if (folder.names.has(name)) throw systemError('EEXIST', path);
            needSpace(path);
            const file = new FileNode();
            folder.set(name, file);
            return file;
          },
          true,
        );
        return opened(made, path);
      },
      link: (from, to) =>
        call(
          'link',
          to,
          () => {
            const source = this.#get(from);
            const { folder, name } = this.#folderOf(to);
            if (source.kind !== 'file') throw systemError('EPERM', from);
            if (folder.names.has(name)) throw systemError('EEXIST', to);
            needSpace(to);
            folder.set(name, source);
          },
          true,
        ),
      unlink: (path) =>
        call(
          'unlink',
          path,
          () => {
            const { folder, name } = this.#folderOf(path);
            const node = folder.names.get(name);
            if (node === undefined) throw systemError('ENOENT', path);
            if (node.kind === 'folder') throw systemError('EISDIR', path);
            folder.set(name, null);
          },
          true,
        ),
      stat: (path) => call('stat', path, () => statOf(this.#get(path))),
    };
  }

  #shorten(length: number): number {
    return length > 1 && this.#random.chance(this.faults.short) ? 1 + this.#random.below(length - 1) : length;
  }

  async #sync(
    call: <T>(name: FileCall, path: string, run: () => T, changes?: boolean) => Promise<T>,
    node: Node,
    path: string,
  ): Promise<void> {
    await call('sync', path, () => {
      if (this.#random.chance(this.faults.io)) {
        // The pages count as clean from now on, and are not on the disk. A journal that failed takes no more names either way.
        if (node.kind === 'file') this.#forget(node);
        throw systemError('EIO', path);
      }
      if (node.kind === 'file') {
        for (const write of node.writes) node.durable = written(node.durable, write);
        node.writes = [];
      } else {
        node.durable = new Map(node.names);
        node.changes.clear();
      }
    });
  }

  /** A failed sync: what it was to write is lost at the next power failure, whatever later syncs say. */
  #forget(file: FileNode): void {
    file.writes = [];
  }

  async #readdir(
    call: <T>(name: FileCall, path: string, run: () => T) => Promise<T>,
    path: string,
  ): Promise<string[]> {
    const found: string[] = [];
    let folder = new FolderNode();
    let left: string[] = [];
    const known = new Set<string>();
    /** The next names, if they are still there: all that are left, or some. */
    const take = (): void => {
      const inParts = left.length > 1 && this.#random.chance(this.faults.parts);
      const part = left.splice(0, inParts ? 1 + this.#random.below(left.length - 1) : left.length);
      for (const name of part) if (folder.names.has(name)) found.push(name);
      if (left.length > 0) return;
      // What came between two parts is in the answer or not.
      for (const name of folder.names.keys()) {
        if (!known.has(name) && this.#random.chance(0.5)) found.push(name);
      }
    };
    await call('readdir', path, () => {
      const node = this.#get(path);
      if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
      folder = node;
      left = [...node.names.keys()];
      for (let i = left.length - 1; i > 0; i--) {
        const j = this.#random.below(i + 1);
        [left[i], left[j]] = [left[j] as string, left[i] as string];
      }
      for (const name of left) known.add(name);
      take();
    });
    while (left.length > 0) await call('readdir', path, take);
    return found;
  }
}

const statOf = (node: Node): FileStat =>
  node.kind === 'folder' ? { kind: 'folder', bytes: 0 } : { kind: 'file', bytes: node.bytes.length };
