import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MusterError } from '../errors.js';
import { type AnyService, asService } from './definition.js';

/** The file and line of the user's code that an error comes from, as far as can be told. */
function placeOf(error: unknown, path: string): string {
  let stack = String((error as { stack?: unknown } | null)?.stack ?? '');
  // The stack of a parse error is the loader's own; only on its way to a terminal is the place put before it.
  if ((error as { name?: unknown } | null)?.name === 'SyntaxError')
    stack = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: 5000 }).stderr ?? '';
  const file = basename(path).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const line = new RegExp(`${file}(?:\\?[^:)\\s]*)?:(\\d+)`).exec(stack)?.[1];
  return line === undefined ? path : `${path}:${line}`;
}

/**
 * The services that a module exports, by default or by name. Rejects with `service-invalid`, naming the file, and the line where
 * there is one, when it is not there, cannot be parsed, throws at its import, or exports no service.
 */
export async function loadModule(path: string): Promise<AnyService[]> {
  const unusable = (where: string, what: string, cause?: unknown): MusterError =>
    new MusterError('service-invalid', `${where}: ${what}`, {
      details: { path },
      ...(cause === undefined ? {} : { cause }),
    });
  if (!existsSync(path)) throw unusable(path, 'file not found');
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    // Not all are of this realm's classes: those of the module loader, say.
    const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
    const what =
      typeof message === 'string' ? `${String(name)}: ${message}` : `import threw ${String(error)}`;
    throw unusable(placeOf(error, path), what, error);
  }
  const exported = Object.values(module).filter(
    (value) => typeof value === 'object' && value !== null && 'handlers' in value,
  );
  if (exported.length === 0)
    throw unusable(path, 'no service exported: expected `export default { name, handlers }`');
  return [...new Set(exported)].map((value) => asService(value, path));
}

/** The services of all modules. Rejects as `loadModule` does, and when two have one name. */
export async function loadServices(paths: readonly string[]): Promise<AnyService[]> {
  const services: AnyService[] = [];
  for (const path of paths) {
    for (const service of await loadModule(path)) {
      if (services.some(({ name }) => name === service.name))
        throw new MusterError('service-invalid', `${path}: duplicate service name ${service.name}`, {
          details: { path },
        });
      services.push(service);
    }
  }
  return services;
}
