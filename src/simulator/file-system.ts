/**
 * A file system in memory that is as unkind as POSIX allows, for driving production code: a step can wait before and
 * after each call, a process can be killed between any two, calls fail, writes come short, and at a power failure
 * whatever was not synced is lost or kept, each piece by lot.
 *
 * **What is modelled.** Files and folders as inodes; a file lives on without a name while it is open. Data: un-synced
 * writes survive a power failure each whole, in part (cut at sectors of 512 bytes) or not at all, in any combination, or elsewhere in the
 * file (`misdirected`). A sync or synced write that fails loses what it was to make durable, and a later one does not notice, while
 * reads show it (Rebello et al., USENIX ATC 2020) until the system forgets those pages (`stale`). Names: each un-synced change
 * of a folder survives or not, independently of those of other names (so of a rename perhaps one half);
 * a folder that is itself un-synced takes what is in it along. Reading a folder takes its names one after another: what comes or goes
 * meanwhile is in the answer or not. Bits that rot: `corrupt`. Backups: `save` and `restore`. A library's own file: `writeValue`.
 *
 * **What is not.** Permissions, links other than hard ones, time stamps.
 *
 * Use: `new SimFileSystem(options)`, then `process(name)` for each process; hand `.files` to production code as its
 * `FileSystem`. `kill()` makes all further calls of a process never return, `powerFailure()` kills all and loses what is not durable.
 * Everything is drawn from `options.random`: with a deterministic `step`, a seed gives one run.
 */
import type { Random } from '../core/random.js';
import { type FileSystem, type OpenFile, type OpenMode, systemError } from '../files/contract.js';
import { type FileFaults, noFileFaults } from './file-faults.js';
import {
  FileNode,
  type FolderImage,
  FolderNode,
  loseUnsynced,
  type Node,
  type StoredValue,
  statOf,
} from './file-nodes.js';

export { type FileFaults, noFileFaults };

export type FileCall = Exclude<keyof FileSystem, 'open'> | 'open' | 'read' | 'write' | 'truncate' | 'sync';

/** Waits, carries out, fails by lot (`onError`: what it did all the same), waits. What a killed process asks for is neither done nor answered. */
interface Call {
  <T>(name: FileCall, path: string, run: () => T, onError?: () => void): Promise<T>;
  state: State;
}

export interface SimFileSystemOptions {
  readonly random: Random;
  /** Waits before and after each call of a process: here others run. */
  readonly step: (process: string, call: FileCall, path: string) => Promise<void>;
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');

/** One process that uses the file system. */
export interface SimFileProcess {
  readonly name: string;
  readonly files: FileSystem;
  readonly killed: boolean;
  /** From now on no call of it returns, and none that has not taken effect yet does. */
  kill(): void;
  /** Keeps a folder to this process until it is killed or `release` is called; null while another one has it. */
  lock(folder: string): (() => void) | null;
  /** The value of a file that `writeValue` made, with the steps and faults of a read; null for any other file. */
  readValue(path: string): Promise<StoredValue | null>;
  /** Puts a value, which nobody changes afterwards, in place of that of a file: whole, and durable on return. */
  writeValue(path: string, value: unknown): Promise<void>;
}

interface State {
  killed: boolean;
  readonly immediate: boolean;
}

export class SimFileSystem {
  faults: FileFaults = noFileFaults;
  readonly #root: FolderNode;
  readonly #random: Random;
  readonly #step: SimFileSystemOptions['step'];
  readonly #running = new Set<State>();
  readonly #locks = new Map<string, State>();

  constructor(options: SimFileSystemOptions, root = new FolderNode()) {
    this.#random = options.random;
    this.#step = options.step;
    this.#root = root;
  }

  /** `immediate`: calls complete without steps or faults, before any other process continues. */
  process(name: string, { immediate = false } = {}): SimFileProcess {
    const state: State = { killed: false, immediate };
    this.#running.add(state);
    const call = this.#callOf(name, state);
    return {
      name,
      files: this.#filesOf(call),
      get killed() {
        return state.killed;
      },
      kill: () => {
        state.killed = true;
        this.#running.delete(state);
      },
      lock: (folder) => this.#lock(folder, state),
      readValue: (path) => call('read', path, () => this.#file(path).stored),
      writeValue: (path, value) => {
        const write = (): void => {
          this.#file(path).stored = { value, rotten: false };
        };
        return call(
          'write',
          path,
          () => {
            this.#needSpace(path, state);
            write();
          },
          () => {
            if (this.#random.chance(0.5)) write();
          },
        );
      },
    };
  }

  /** Kills every process and forgets, by lot, what was not synced. With a folder: forgets only what is in it, and kills nobody. */
  powerFailure(folder?: string): void {
    if (folder === undefined) {
      for (const state of this.#running) state.killed = true;
      this.#running.clear();
    }
    const node = folder === undefined ? this.#root : this.#find(folder);
    if (node?.kind === 'folder') loseUnsynced(node, this.#random, this.faults.misdirected);
  }

  /** An exact copy, with what is not durable in it, and without processes. Its draws and steps are those of `options`. */
  clone(options: Partial<SimFileSystemOptions> = {}): SimFileSystem {
    const random = options.random ?? this.#random.fork();
    return new SimFileSystem({ random, step: options.step ?? this.#step }, this.#root.copy());
  }

  /** A copy of a folder as it shows now. Throws `ENOENT`. */
  save(path: string): FolderImage {
    const node = this.#get(path);
    if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
    return { folder: node.copyShown() };
  }

  /** Puts a copy, durably, in place of whatever has the name. Its parent must exist. */
  restore(path: string, image: FolderImage): void {
    const { folder, name } = this.#folderOf(path);
    folder.setDurably(name, image.folder.copyShown());
  }

  /** Removes a file or folder with all that is in it, durably. */
  remove(path: string): void {
    const { folder, name } = this.#folderOf(path);
    folder.setDurably(name, null);
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
    this.#file(path).corrupt(bit);
  }

  #lock(folder: string, state: State): (() => void) | null {
    const path = namesOf(folder).join('/');
    const holder = this.#locks.get(path);
    if (holder !== undefined && !holder.killed) return null;
    this.#locks.set(path, state);
    return () => {
      if (this.#locks.get(path) === state) this.#locks.delete(path);
    };
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

  #file(path: string): FileNode {
    const node = this.#get(path);
    if (node.kind === 'folder') throw systemError('EISDIR', path);
    return node;
  }

  #folderOf(path: string): { folder: FolderNode; name: string } {
    const names = namesOf(path);
    const name = names.pop() ?? '';
    const folder = this.#get(names.join('/'));
    if (folder.kind !== 'folder') throw systemError('ENOTDIR', path);
    return { folder, name };
  }

  #callOf(process: string, state: State): Call {
    const pause = async (name: FileCall, path: string): Promise<void> => {
      if (!state.immediate) await this.#step(process, name, path);
      if (state.killed) await new Promise<never>(() => {});
    };
    const call: Call = async (name, path, run, onError) => {
      await pause(name, path);
      let result: { value: ReturnType<typeof run> } | { error: unknown };
      try {
        if (!state.immediate && this.#random.chance(this.faults.io)) {
          onError?.();
          throw systemError('EIO', path);
        }
        result = { value: run() };
      } catch (error) {
        result = { error };
      }
      await pause(name, path);
      if ('error' in result) throw result.error;
      return result.value;
    };
    call.state = state;
    return call;
  }

  #filesOf(call: Call): FileSystem {
    const { state } = call;
    /** A change of names: one that fails may have been made. */
    const change = <T>(name: FileCall, path: string, run: () => T): Promise<T> =>
      call(name, path, run, () => {
        if (this.#random.chance(0.5)) run();
      });
    const make = (path: string, node: Node): void => {
      const { folder, name } = this.#folderOf(path);
      if (name === '' || folder.names.has(name)) throw systemError('EEXIST', path);
      this.#needSpace(path, state);
      folder.set(name, node);
    };
    return {
      readdir: (path) => this.#readdir(call, path),
      mkdir: (path) => change('mkdir', path, () => make(path, new FolderNode())),
      open: async (path, mode) => {
        if (mode === 'r' || mode === 'r+') {
          const node = await call('open', path, () => {
            const found = this.#get(path);
            if (found.kind === 'folder' && mode === 'r+') throw systemError('EISDIR', path);
            if (found.kind === 'file' && this.#chance(this.faults.stale, state)) found.evict();
            return found;
          });
          return this.#opened(call, node, path, mode);
        }
        const made = new FileNode();
        await change('open', path, () => make(path, made));
        return this.#opened(call, made, path, mode);
      },
      link: (from, to) =>
        change('link', to, () => {
          const source = this.#get(from);
          if (source.kind !== 'file') throw systemError('EPERM', from);
          make(to, source);
        }),
      rename: (from, to) =>
        change('rename', to, () => {
          const source = this.#file(from);
          const old = this.#folderOf(from);
          const { folder, name } = this.#folderOf(to);
          if (folder.names.get(name)?.kind === 'folder') throw systemError('EISDIR', to);
          this.#needSpace(to, state);
          old.folder.set(old.name, null);
          folder.set(name, source);
        }),
      unlink: (path) =>
        change('unlink', path, () => {
          this.#file(path);
          const { folder, name } = this.#folderOf(path);
          folder.set(name, null);
        }),
      rmdir: (path) =>
        change('rmdir', path, () => {
          const node = this.#get(path);
          if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
          if (node.names.size > 0) throw systemError('ENOTEMPTY', path);
          const { folder, name } = this.#folderOf(path);
          folder.set(name, null);
        }),
      stat: (path) => call('stat', path, () => statOf(this.#get(path))),
    };
  }

  #opened(call: Call, node: Node, path: string, mode: OpenMode): OpenFile {
    const { state } = call;
    const writable = (): FileNode => {
      if (node.kind === 'folder' || mode === 'r') throw systemError('EBADF', path);
      return node;
    };
    const write = (bytes: Uint8Array, position: number): Promise<number> =>
      call(
        'write',
        path,
        () => {
          const file = writable();
          this.#needSpace(path, state);
          const part = bytes.subarray(0, this.#shorten(bytes.length, state));
          if (mode === 'wxs') file.writeDurably(position, part);
          else file.write(position, part);
          return part.length;
        },
        () => {
          const part = bytes.subarray(0, this.#random.below(bytes.length + 1));
          if (mode === 'wxs')
            writable().failWrite(position, this.#random.chance(0.5) ? bytes : part, this.#random);
          else writable().write(position, part);
        },
      );
    return {
      stat: () => call('stat', path, () => statOf(node)),
      read: (buffer, offset, position) =>
        call('read', path, () => {
          if (node.kind === 'folder') throw systemError('EISDIR', path);
          const most = Math.min(buffer.length - offset, Math.max(0, node.bytes.length - position));
          const length = this.#shorten(most, state);
          buffer.set(node.bytes.subarray(position, position + length), offset);
          return length;
        }),
      write,
      writev: (buffers, position) => write(Buffer.concat(buffers), position),
      truncate: (bytes) => call('truncate', path, () => writable().truncate(bytes)),
      sync: () =>
        call(
          'sync',
          path,
          () => node.sync(),
          // A journal that failed takes no more names either way.
          () => {
            if (node.kind === 'file') node.failSync(this.#random);
          },
        ),
      close: async () => {},
    };
  }

  #chance(probability: number, state: State): boolean {
    return !state.immediate && this.#random.chance(probability);
  }

  #needSpace(path: string, state: State): void {
    if (this.#chance(this.faults.full, state)) throw systemError('ENOSPC', path);
  }

  #shorten(length: number, state: State): number {
    return length > 1 && this.#chance(this.faults.short, state) ? 1 + this.#random.below(length - 1) : length;
  }

  async #readdir(call: Call, path: string): Promise<string[]> {
    const found: string[] = [];
    let folder = new FolderNode();
    let left: string[] = [];
    const known = new Set<string>();
    /** The next names, if they are still there: all that are left, or some. */
    const take = (): void => {
      const inParts = left.length > 1 && this.#chance(this.faults.parts, call.state);
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
      for (let i = left.length - 1; i > 0 && !call.state.immediate; i--) {
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
