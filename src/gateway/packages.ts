/** Dependencies of the gateway. Loaded when a gateway opens and bundled separately (scripts/build.mjs), so that nothing else loads them. */
export { createAdaptorServer } from '@hono/node-server';
export { Hono } from 'hono';
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
