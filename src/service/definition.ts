import { MusterError } from '../errors.js';
import { isServiceName, want } from '../wire/check.js';

/** Anything that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A handler as the runner sees it: the context's shape is the library's affair. */
export type AnyHandler = (params: Json, context: never) => unknown;

export interface AnyService {
  readonly name: string;
  readonly methods: ReadonlyMap<string, { readonly idempotent: boolean; readonly handle: AnyHandler }>;
}

/** What a node says of a service. */
export interface ServiceView {
  readonly name: string;
  readonly methods: readonly { readonly name: string; readonly idempotent: boolean }[];
}

export const viewOf = ({ name, methods }: AnyService): ServiceView => ({
  name,
  methods: [...methods].map(([method, { idempotent }]) => ({ name: method, idempotent })),
});

/** The error text for a service or a method that does not exist; lists those that do. */
export function missing(services: readonly ServiceView[], service: string, method: string): string {
  const methods = services.find(({ name }) => name === service)?.methods;
  const names = (methods ?? services).map(({ name }) => name).join(', ') || 'none';
  return methods
    ? `unknown method ${service}.${method}: the methods of ${service} are ${names}`
    : `unknown service ${service}: the services are ${names}`;
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** A service from what a module exports; `where` names the module. Rejects with `service-invalid`. */
export function asService(value: unknown, where: string): AnyService {
  const unusable = (what: string): MusterError =>
    new MusterError('service-invalid', `${where}: ${what}`, { details: { path: where } });
  if (typeof value !== 'object' || value === null)
    throw unusable('no service exported: expected `export default { name, handlers }`');
  const { name, handlers } = value as { name?: unknown; handlers?: unknown };
  if (!isServiceName(name))
    throw unusable(`invalid service name ${shown(name)}: expected ${want.serviceName}`);
  if (typeof handlers !== 'object' || handlers === null || Object.keys(handlers).length === 0)
    throw unusable(`service ${name} has no handlers`);
  const methods = new Map<string, { idempotent: boolean; handle: AnyHandler }>();
  for (const [method, handler] of Object.entries(handlers as Record<string, unknown>)) {
    if (!isServiceName(method))
      throw unusable(`invalid method name ${shown(method)}: expected ${want.serviceName}`);
    const described =
      typeof handler === 'function' ? { handle: handler, idempotent: false } : (handler as object | null);
    const { handle, idempotent = false } = (described ?? {}) as { handle?: unknown; idempotent?: unknown };
    if (typeof handle !== 'function' || typeof idempotent !== 'boolean')
      throw unusable(
        `invalid handler ${name}.${method}: expected a function or { handle: function, idempotent: true|false }`,
      );
    methods.set(method, { handle: handle as AnyHandler, idempotent });
  }
  return { name, methods };
}
