import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MusterError } from '../errors.js';
import { clustersDir, configHome } from '../layout/paths.js';
import { parseDuration } from './duration.js';

type Env = Readonly<Record<string, string | undefined>>;

/** What a person can set for good; each with what it means and how a value is checked. */
export const settingKeys = {
  cluster: { about: 'the cluster that commands are for', check: (value: string) => value.length > 0 },
  timeout: {
    about: 'how long a command tries, like 10s',
    check: (value: string) => parseDuration(value) > 0,
  },
  color: {
    about: 'colours on a terminal: auto or never',
    check: (value: string) => value === 'auto' || value === 'never',
  },
} as const;

export type SettingKey = keyof typeof settingKeys;
export type Settings = { readonly [K in SettingKey]?: string };

export const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(settingKeys, key);

/** Rejects with `usage` when there is no such setting or the value does not suit it. */
export function checkSetting(key: string, value?: string): SettingKey {
  const command = 'config set';
  if (!isSettingKey(key)) {
    throw new MusterError(
      'usage',
      `there is no setting "${key}"; there are ${Object.keys(settingKeys).join(', ')}`,
      { details: { command } },
    );
  }
  if (value !== undefined && !settingKeys[key].check(value)) {
    throw new MusterError('usage', `"${value}" does not suit ${key}: ${settingKeys[key].about}`, {
      details: { command },
    });
  }
  return key;
}

export const settingsFile = (env: Env = process.env): string => join(configHome(env), 'config.json');

function pick(value: unknown): Settings {
  const found: { -readonly [K in SettingKey]?: string } = {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it holds no object');
  for (const [key, entry] of Object.entries(value)) {
    if (isSettingKey(key) && typeof entry === 'string') found[key] = entry;
  }
  return found;
}

/**
 * The user's settings. Read as the plain JSON file that `conf` keeps, because loading `conf` takes longer than
 * a whole increment. A damaged file is moved aside, never lost; `warn` is told, and defaults hold.
 */
export function readSettings(warn: (text: string) => void, env: Env = process.env): Settings {
  const path = settingsFile(env);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      warn(`cannot read ${path}: ${(error as Error).message}`);
    return {};
  }
  try {
    return pick(JSON.parse(text));
  } catch (error) {
    const aside = `${path}.damaged-${Date.now()}`;
    try {
      renameSync(path, aside);
      warn(`${path} is damaged (${(error as Error).message}); it is kept as ${aside}, defaults hold`);
    } catch {
      warn(`${path} is damaged (${(error as Error).message}); defaults hold`);
    }
    return {};
  }
}

/** Sets (or, with null, removes) a setting for good, through `conf`: atomic, in the user's configuration folder. */
export async function writeSetting(key: SettingKey, value: string | null): Promise<void> {
  readSettings(() => {}); // Moves a damaged file aside, which `conf` would refuse to open.
  const { default: Conf } = await import('conf');
  const path = settingsFile();
  try {
    const conf = new Conf<Record<string, string>>({
      cwd: dirname(path),
      configName: 'config',
      projectName: 'muster',
      configFileMode: 0o600,
    });
    if (value === null) conf.delete(key);
    else conf.set(key, value);
  } catch (cause) {
    throw new MusterError('usage', `cannot write ${path}: ${(cause as Error).message}`, {
      details: { command: 'config' },
      cause,
    });
  }
}

/** `.muster.json` of the folder or the nearest one above it, with its path; null when there is none. */
export function readProjectFile(
  warn: (text: string) => void,
  from: string = process.cwd(),
): { path: string; settings: Settings } | null {
  for (let dir = from; ; dir = dirname(dir)) {
    const path = join(dir, '.muster.json');
    if (existsSync(path)) {
      try {
        return { path, settings: pick(JSON.parse(readFileSync(path, 'utf8'))) };
      } catch (error) {
        warn(`${path} is left out: ${(error as Error).message}`);
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

/** The value of a setting, by precedence: flag, environment, project file, user configuration. */
export function resolveSetting(
  key: SettingKey,
  flag: string | undefined,
  warn: (text: string) => void,
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

/** The cluster that is meant when nobody says so: the only one there is, else the one named `default`. */
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
