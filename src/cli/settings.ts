import { existsSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type Conf from 'conf';
import { invalid, MusterError } from '../errors.js';
import { readWholeSync } from '../files/whole.js';
import { clustersDir, configHome } from '../layout/paths.js';
import { parseDuration } from '../text/duration.js';
import { didYouMean, either } from '../text/nearest.js';

type Env = Readonly<Record<string, string | undefined>>;

/** The settings of the config file: each with its description and the check of its values. */
export const settingKeys = {
  cluster: {
    about: 'cluster that commands use',
    expected: 'the name of a cluster',
    check: (value: string) => value.length > 0,
  },
  timeout: {
    about: 'how long a command keeps trying, such as 10s',
    expected: 'a duration of more than 0, such as 10s',
    check: (value: string) => parseDuration(value) > 0,
  },
  color: {
    about: 'color on a terminal: auto or never',
    expected: 'auto or never',
    check: (value: string) => value === 'auto' || value === 'never',
  },
} as const;

export type SettingKey = keyof typeof settingKeys;
export type Settings = { readonly [K in SettingKey]?: string };

export const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(settingKeys, key);

/** Throws `usage` if the setting does not exist or the value is not valid for it. */
export function checkSetting(key: string, value?: string): SettingKey {
  const details = { command: 'config set' };
  const names = Object.keys(settingKeys);
  if (!isSettingKey(key))
    throw invalid('setting', key, `${either(names)}${didYouMean(key, names)}`, { details });
  if (value !== undefined && !settingKeys[key].check(value))
    throw invalid(key, value, settingKeys[key].expected, { details });
  return key;
}

export const settingsFile = (env: Env = process.env): string => join(configHome(env), 'config.json');

function pick(value: unknown): Settings {
  const found: { -readonly [K in SettingKey]?: string } = {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('expected a JSON object');
  for (const [key, entry] of Object.entries(value)) {
    if (isSettingKey(key) && typeof entry === 'string') found[key] = entry;
  }
  return found;
}

/** Called with what is wrong with a file. null: nothing can be reported now, so a damaged file stays in place until it can. */
type Warn = ((text: string) => void) | null;

/**
 * Reads a JSON file of the user. Not with `conf`, because loading it takes longer than a whole increment. A damaged file
 * is moved aside, never lost; `warn` is called, and the file counts as absent (null).
 */
export function readUserFile<T>(path: string, check: (value: unknown) => T, warn: Warn): T | null {
  let text: string;
  try {
    const found = readWholeSync(path);
    if (found === null) return null;
    text = found;
  } catch (error) {
    warn?.(`cannot read ${path}: ${(error as Error).message}`);
    return null;
  }
  try {
    return check(JSON.parse(text));
  } catch (error) {
    if (warn === null) return null;
    const aside = `${path}.damaged-${Date.now()}`;
    try {
      renameSync(path, aside);
      warn(`${path} is damaged (${(error as Error).message}): moved to ${aside}, using defaults`);
    } catch {
      warn(`${path} is damaged (${(error as Error).message}): using defaults`);
    }
    return null;
  }
}

/**
 * `conf`, without the signal handlers of a package below it (`when-exit`): those send each signal a second time, which
 * looks like a second Ctrl-C to code that handles signals itself.
 */
async function loadConf() {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const before = names.map((name) => process.listeners(name));
  const { default: Store } = await import('conf');
  names.forEach((name, i) => {
    for (const listener of process.listeners(name))
      if (!before[i]!.includes(listener)) process.removeListener(name, listener);
  });
  return Store;
}

/** Opens a file of the user with `conf`, which replaces it atomically and keeps it private. Throws `usage`. */
export async function openUserFile<T extends Record<string, unknown>>(path: string): Promise<Conf<T>> {
  const Store = await loadConf();
  try {
    return new Store<T>({
      cwd: dirname(path),
      configName: basename(path, '.json'),
      projectName: 'muster',
      configFileMode: 0o600,
    });
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

const cannotWrite = (path: string, cause: unknown): MusterError =>
  new MusterError('usage', `cannot write ${path}: ${(cause as Error).message}`, {
    details: { command: 'config' },
    cause,
  });

/** How long settings that were read are reused, in ms. */
let rememberedMs = 0;

/** Reuse settings for a while from now on: a session reads the same settings for each of many commands. */
export function rememberSettings(): void {
  rememberedMs = 250;
}

/** Caches the last result of `read`. */
function remembered<T>(read: (key: string, warn: Warn) => T): {
  of(key: string, warn: Warn): T;
  forget(): void;
} {
  let last: { readonly key: string; readonly value: T; readonly until: number } | null = null;
  return {
    of(key, warn) {
      const now = performance.now();
      if (last === null || last.key !== key || now >= last.until)
        last = { key, value: read(key, warn), until: now + rememberedMs };
      return last.value;
    },
    forget() {
      last = null;
    },
  };
}

const userSettings = remembered((path, warn) => readUserFile(path, pick, warn) ?? {});

/** The user's settings; a damaged file is moved aside, `warn` is called, and defaults apply. */
export const readSettings = (warn: Warn, env: Env = process.env): Settings =>
  userSettings.of(settingsFile(env), warn);

/** Sets (or, with null, unsets) a setting in the config file. Throws `usage` if it cannot be written. */
export async function writeSetting(key: SettingKey, value: string | null): Promise<void> {
  const path = settingsFile();
  readUserFile(path, pick, () => {}); // Moves a damaged file aside, which `conf` would refuse to open.
  const store = await openUserFile<Record<string, string>>(path);
  try {
    if (value === null) store.delete(key);
    else store.set(key, value);
  } catch (cause) {
    throw cannotWrite(path, cause);
  } finally {
    userSettings.forget();
  }
}

/** `.muster.json` of the folder or the nearest one above it, with its path; null when there is none. */
export const readProjectFile = (
  warn: Warn,
  from: string = process.cwd(),
): { path: string; settings: Settings } | null => projectSettings.of(from, warn);

const projectSettings = remembered(lookForProjectFile);

function lookForProjectFile(from: string, warn: Warn): { path: string; settings: Settings } | null {
  for (let dir = from; ; dir = dirname(dir)) {
    const path = join(dir, '.muster.json');
    if (existsSync(path)) {
      try {
        return { path, settings: pick(JSON.parse(readWholeSync(path) ?? '')) };
      } catch (error) {
        warn?.(`${path} ignored: ${(error as Error).message}`);
        return null;
      }
    }
    if (dir === dirname(dir)) return null;
  }
}

export interface Resolved {
  readonly value: string;
  readonly from: 'flag' | 'environment' | 'project file' | 'user config' | 'only cluster' | 'default';
}

/** Where a value is set, for people. */
export const sourceText: Readonly<Record<Resolved['from'], string>> = {
  flag: 'set by --cluster',
  environment: 'set in the environment',
  'project file': 'set in .muster.json',
  'user config': 'set in your config',
  'only cluster': 'the only cluster',
  default: 'the default',
};

/** The value of a setting, by precedence: flag, environment, project file, user configuration. */
export function resolveSetting(
  key: SettingKey,
  flag: string | undefined,
  warn: Warn,
  env: Env = process.env,
): Resolved | null {
  if (flag !== undefined) return { value: flag, from: 'flag' };
  const fromEnv = env[`MUSTER_${key.toUpperCase()}`];
  if (fromEnv) return { value: fromEnv, from: 'environment' };
  const fromProject = readProjectFile(warn)?.settings[key];
  if (fromProject !== undefined) return { value: fromProject, from: 'project file' };
  const fromUser = readSettings(warn, env)[key];
  return fromUser === undefined ? null : { value: fromUser, from: 'user config' };
}

/** The cluster to use when none is set: the only existing one, else the one named `default`. */
export function clusterByDefault(env: Env = process.env): Resolved {
  let names: string[] = [];
  try {
    names = readdirSync(clustersDir(env)).filter((name) => !name.startsWith('.'));
  } catch {
    // No folder, no clusters.
  }
  const [only = 'default'] = names.length === 1 ? names : [];
  return only === 'default' ? { value: only, from: 'default' } : { value: only, from: 'only cluster' };
}
