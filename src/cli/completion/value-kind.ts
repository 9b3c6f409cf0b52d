/** What there is one by one: values that `ValueSource` looks up. */
export type PlainKind =
  | 'cluster'
  | 'node'
  | 'key'
  | 'counter'
  /** A key or a counter: they share one space of names. */
  | 'name'
  | 'lock'
  | 'tx'
  | 'fault'
  | 'strategy'
  /** SERVICE.METHOD. */
  | 'method'
  | 'failpoint'
  | 'setting'
  /** One that has a completion. */
  | 'shell'
  | 'variant'
  /** A program on the PATH. */
  | 'command';

/** What is written with such values inside. */
export type ShapedKind =
  /** What `wait --for` takes: `members=5`, `primary=n2`. */
  | 'condition'
  /** `random,hash`. */
  | 'strategies'
  /** `n1=…`, something said of a node; `node-values`: of several, `n1=2,n2=…`. */
  | 'node-value'
  | 'node-values'
  /** `n1`, or `n1-n2`. */
  | 'link'
  /** `n1,n2/n3`. */
  | 'groups'
  /** `LOCK:TOKEN`. */
  | 'fence';

/** What kind of value an argument or a flag takes; `file`: a path, which only a shell completes. */
export type ValueKind = PlainKind | ShapedKind | 'file';
