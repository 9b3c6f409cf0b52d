import { equivalentInGroups } from './equivalent/groups.js';
import { lmdbVerify } from './equivalent/lmdb-verify.js';
import { other } from './equivalent/other.js';
import { storage } from './equivalent/storage.js';
import { transaction } from './equivalent/transaction.js';
import type { Equivalent } from './equivalent/types.js';

/**
 * Mutants that were reviewed and change nothing that a client, an operator or a test could see: they are not drawn. By id, with the
 * change and the reason. An id changes with the code that is mutated; `npm run mutate -- --stale` lists those that are gone.
 */
export const equivalent: Equivalent = {
  ...equivalentInGroups,
  ...lmdbVerify,
  ...other,
  ...storage,
  ...transaction,
};
