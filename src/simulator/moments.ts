import { txSteps } from '../core/messages.js';

/** An instant at which a crash or pause is most likely to find a mistake. */
export const moments = [
  ...txSteps,
  'before-sync',
  'after-sync',
  'publish-sent',
  'publish-returned',
  'before-reply',
  'after-send',
  'promoting',
] as const;
export type Moment = (typeof moments)[number];
