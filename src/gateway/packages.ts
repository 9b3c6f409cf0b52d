/** What the gateway is built on. Loaded when a gateway is opened, and bundled by itself (scripts/build.mjs): nobody else pays for it. */
export { createAdaptorServer } from '@hono/node-server';
export { Hono } from 'hono';
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
