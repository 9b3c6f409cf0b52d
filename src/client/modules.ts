/** The parts of the library that are loaded when first used. */

/** `load`, done once: each `import()` goes through the module loader, even of what it has loaded long ago. */
function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | null = null;
  return () => {
    loaded ??= load();
    return loaded;
  };
}

// Loaded when first used: a counter's increment pays for neither.
export const loadTransactions = lazily(() => import('./transactions.js'));
export const loadLocks = lazily(() => import('./locks.js'));

/** Loads at once what is else loaded when first used. */
export async function loadAll(): Promise<void> {
  await Promise.all([loadTransactions(), loadLocks()]);
}
