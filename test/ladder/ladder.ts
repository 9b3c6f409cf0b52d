import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

export const root = join(import.meta.dirname, '../..');

/** The ladder of ARCHITECTURE.md: room (a folder, or a file of layer 0) → layer. Imports point down only. */
export const layers: Readonly<Record<string, number>> = {
  'src/errors.ts': 0,
  'src/limits.ts': 0,
  'src/util': 0,
  'src/os': 0,
  'src/text': 0.5,
  // The judge stands this low because it may see nothing of what it judges.
  'src/check': 1,
  'src/core': 1,
  // What several rooms of layer 2 stand on.
  'src/files': 1.5,
  'src/layout': 2,
  'src/wire': 2,
  'src/transport': 2,
  'src/storage': 2,
  'src/metastore': 2,
  'src/router': 3,
  'src/service': 3,
  'src/faults': 3,
  'src/host': 4,
  'src/client': 4,
  'src/bench': 5,
  'src/cluster': 5,
  'src/gateway': 5,
  'src/simulator': 5,
  'src/index.ts': 5,
  'src/dashboard': 6,
  'src/render': 6,
  'src/watch': 6.2,
  'src/cli': 6.4,
  commands: 7,
  bin: 7,
};

/** Imports between neighbours that are meant, each with its reason. */
export const sideways: Readonly<Record<string, string>> = {
  'src/host -> src/client/api.ts':
    'what a node says of itself is part of the library’s contract (types only)',
  'src/host -> src/client/open.ts': 'handlers are given a client of the cluster that they run in',
  'src/host -> src/client/service.ts': 'and what else the library promises to handlers',
};

export interface Import {
  readonly from: string;
  readonly specifier: string;
}

/** What a module imports or exports from, also dynamically, by type, and by `require`. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

const sourceFile = /\.(ts|js|mjs|cjs)$/;

/** Every module of these folders, as paths from the root. */
export function modulesOf(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    )
    .filter((file) => sourceFile.test(file) && !file.endsWith('.d.ts'))
    .sort();
}

/** Every import of the shipped code. */
export const allImports = (): Import[] =>
  modulesOf(['src', 'commands', 'bin']).flatMap((from) =>
    importsOf(readFileSync(join(root, from), 'utf8')).map((specifier) => ({ from, specifier })),
  );

const roomOf = (file: string): string | null =>
  Object.keys(layers).find((room) => file === room || file.startsWith(`${room}/`)) ?? null;

/** The file a relative import names, as a path from the root; `.js` stands for the source's `.ts`. */
function targetOf({ from, specifier }: Import): string {
  const path = relative(root, join(root, dirname(from), specifier));
  return /^(src|commands)\//.test(path) ? path.replace(/\.js$/, '.ts') : path;
}

/**
 * Groups of modules that import one another, directly or around: none of a group can be read, tested or moved alone. Imports of types
 * count as well.
 */
export function circlesOf(imports: readonly Import[]): string[][] {
  const graph = new Map<string, string[]>();
  for (const it of imports) {
    if (!it.specifier.startsWith('.')) continue;
    const list = graph.get(it.from) ?? [];
    list.push(targetOf(it));
    graph.set(it.from, list);
  }
  // Tarjan, SIAM J. Comput. 1972.
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (module: string): void => {
    const mine = index.size;
    index.set(module, mine);
    low.set(module, mine);
    stack.push(module);
    for (const next of graph.get(module) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(module, Math.min(low.get(module) ?? mine, low.get(next) ?? mine));
    }
    if (low.get(module) !== mine) return;
    const circle = stack.splice(stack.indexOf(module));
    if (circle.length > 1 || graph.get(module)?.includes(module) === true) circles.push(circle.sort());
  };
  for (const module of graph.keys()) if (!index.has(module)) visit(module);
  return circles.sort();
}

/** Why an import breaks the ladder, or null when it does not. */
export function brokenBy(it: Import): string | null {
  const here = roomOf(it.from);
  if (here === null)
    return `${it.from} stands in no room of the ladder: give it a layer in test/ladder/ladder.ts`;
  const say = (why: string) => `${it.from} imports ${it.specifier}: ${why}`;
  const bare = !it.specifier.startsWith('.');
  if (bare) {
    const what =
      builtinModules.includes(it.specifier) || it.specifier.startsWith('node:') ? 'Node' : 'a package';
    return layers[here]! <= 1 && here !== 'src/check'
      ? say(`${here} is pure, and knows nothing of ${what}`)
      : null;
  }
  const target = targetOf(it);
  const there = roomOf(target);
  // bin/ runs what is built, and package.json is data.
  if (there === null)
    return here === 'bin' || target === 'package.json' ? null : say('that is in no room of the ladder');
  if (here === there || sideways[`${here} -> ${target}`] !== undefined) return null;
  if (here === 'src/check' && layers[there] !== 0) return say('the judge imports nothing of what it judges');
  if (layers[there]! < layers[here]!) return null;
  return say(
    layers[there] === layers[here]
      ? `${here} and ${there} are neighbours in layer ${layers[here]}`
      : `layer ${layers[here]} may not reach up to layer ${layers[there]}`,
  );
}

/** Unresolved names: what a module without Node's and the browser's globals does not have. */
const unknownName = new Set([2304, 2503, 2552, 2580, 2584, 2591, 2592, 2593]);
/** Part of the language itself, and yet a clock, a die, or a way round this check. */
const forbiddenName = new Set([
  'Date',
  'globalThis',
  'eval',
  'Function',
  'Intl',
  'Atomics',
  'WeakRef',
  'FinalizationRegistry',
]);

/**
 * What in these modules (path → text) is not pure: they are compiled with the language's own library alone, so that
 * `process`, `setTimeout`, `performance` or `console` are names nobody knows, and looked through for what the language has.
 */
export function impurities(modules: ReadonlyMap<string, string>): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
    types: [],
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const given = new Map([...modules].map(([file, text]) => [join(root, file), text]));
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (path) => given.get(path) ?? readFile(path);
  host.fileExists = (path) => given.has(path) || fileExists(path);
  host.getSourceFile = (path, target, ...rest) => {
    const text = given.get(path);
    return text === undefined
      ? getSourceFile.call(host, path, target, ...rest)
      : ts.createSourceFile(path, text, target);
  };
  const program = ts.createProgram([...given.keys()], options, host);
  const checker = program.getTypeChecker();
  const found: string[] = [];
  for (const path of given.keys()) {
    const source = program.getSourceFile(path)!;
    const report = (at: number, what: string) =>
      found.push(`${relative(root, path)}:${source.getLineAndCharacterOfPosition(at).line + 1}: ${what}`);
    for (const { code, start, messageText } of program.getSemanticDiagnostics(source)) {
      if (unknownName.has(code)) report(start ?? 0, ts.flattenDiagnosticMessageText(messageText, ' '));
    }
    const isOfLanguage = (node: ts.Node) =>
      checker
        .getSymbolAtLocation(node)
        ?.declarations?.every((d) => program.isSourceFileDefaultLibrary(d.getSourceFile())) ?? true;
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node) && forbiddenName.has(node.text) && isOfLanguage(node))
        report(node.getStart(), node.text);
      if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random')
        report(node.getStart(), 'Math.random');
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}
