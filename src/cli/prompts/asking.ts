/** What only a command needs that asks: in a file of its own when built, so that the others do not pay for it. */
export { valuesOf } from '../completion/value-source.js';
export { askMissing } from './missing.js';
