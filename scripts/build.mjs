// Builds what is shipped, into dist/:
//   cli.cjs             the program, with the commands of which milliseconds count;  more.cjs  all commands
//   help.cjs            oclif's help, loaded only when help is asked for;  complete.cjs  what answers the Tab key
//   gateway.cjs         the packages that only `muster gateway` needs;  asking.cjs  what only a command needs that asks
//   dashboard.html      the page of `muster dashboard`, with its style and script
//   src/host/main.js    a node's process;  src/index.js  the library;  src/cluster/lock-run/watchdog.js  what watches over `lock run`
//   commands/**         one small file a command, by which oclif discovers them
// and oclif.manifest.json, from which oclif shows help without loading a command.
// `--types` adds the library's declarations, `--watch` is not there: bin/dev.js runs the sources.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { noticesOf } from './notices.mjs';
import { buildPage } from './page.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inputs = new Set();
/** esbuild, remembering what went into the result. */
async function build(options) {
  const result = await esbuild.build(options);
  for (const input of Object.keys(result.metafile.inputs)) inputs.add(input);
  return result;
}
/** Built aside and put in place by a rename, so that programs running meanwhile see the old build or the new one. */
const aside = `dist.new-${process.pid}`;
const dist = join(root, aside);
const require = createRequire(import.meta.url);
const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const commandFiles = readdirSync(join(root, 'commands'), { recursive: true })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(/[\\/]/).join('/'))
  .sort();
const idOf = (file) => file.slice(0, -3).replaceAll('/', ':');

/**
 * Makes `const x = require("y")` of these packages lazy: `y` is loaded when `x` is first used. They load far
 * more at once than one command needs (oclif its help and plug-in scan, ws its server, TLS and zlib).
 */
const lazyRequires = {
  name: 'lazy-requires',
  setup(b) {
    b.onLoad({ filter: /node_modules\/(@oclif\/core\/lib|ws\/lib|debug\/src)\/.*\.js$/ }, (args) => {
      const source = readFileSync(args.path, 'utf8');
      const helper =
        'function __lazy(load){let m;const g=()=>(m??=load());return new Proxy(function(){},{get:(_,k)=>g()[k],has:(_,k)=>k in g(),apply:(_,t,a)=>Reflect.apply(g(),t,a),construct:(_,a,n)=>Reflect.construct(g(),a,n)})}\n';
      const contents = source.replace(
        /^const (\w+) = ((?:__importDefault|__importStar)\()?require\((["'][^"']+["'])\)(\))?;$/gm,
        (_, name, open = '', what, close = '') =>
          `const ${name} = __lazy(() => ${open}require(${what})${close});`,
      );
      return {
        contents:
          contents === source
            ? source
            : contents.replace(/^((?:"use strict"|'use strict');\n)?/, `$1${helper}`),
        loader: 'js',
      };
    });
  },
};

/** Parts of oclif that a command needs only when something is wrong: kept out of cli.cjs, in rest.cjs. */
const rest = [
  'config/index',
  'help/index',
  'help/util',
  'ux/index',
  'ux/list',
  'ux/theme',
  'ux/write',
  'ux/colorize-json',
];
const restInOwnFile = {
  name: 'rest-in-own-file',
  setup(b) {
    const lib = join(dirname(require.resolve('@oclif/core/package.json')), 'lib/');
    b.onResolve({ filter: /^\.\.?\// }, (args) => {
      if (!args.importer.startsWith(lib)) return undefined;
      const path = join(args.resolveDir, args.path).slice(lib.length);
      const part = rest.find((name) => name === path || name === `${path}/index`);
      return part === undefined ? undefined : { path: part, namespace: 'rest' };
    });
    b.onLoad({ filter: /.*/, namespace: 'rest' }, (args) => ({
      contents: `module.exports = require('./rest.cjs')[${JSON.stringify(args.path)}];`,
      loader: 'js',
    }));
    b.onResolve({ filter: /rest\.cjs$/, namespace: 'rest' }, () => ({ path: './rest.cjs', external: true }));
  },
};

/**
 * What a script calls again and again starts fastest: these commands are in cli.cjs, all others in more.cjs, for half
 * of a short command's own time is the compiling of the file it is in.
 */
const isHot = (file) => /^(counter|kv)\//.test(file);

/** `muster:commands`: command id → a function that loads it. */
const commandTable = {
  name: 'command-table',
  setup(b) {
    b.onResolve({ filter: /^muster:commands$/ }, () => ({ path: 'commands', namespace: 'table' }));
    b.onLoad({ filter: /.*/, namespace: 'table' }, () => ({
      contents: `export const commands = {${commandFiles
        .map((file) => {
          const id = JSON.stringify(idOf(file));
          const load = isHot(file)
            ? `import(${JSON.stringify(`./commands/${file}`)})`
            : `Promise.resolve({default: require('./more.cjs')[${id}]()})`;
          return `${id}: async () => ${load}`;
        })
        .join(',')}};`,
      resolveDir: root,
      loader: 'js',
    }));
    b.onResolve({ filter: /^\.\/more\.cjs$/, namespace: 'table' }, () => ({
      path: './more.cjs',
      external: true,
    }));
  },
};

/** These stand in files of their own, so that the commands beside them do not pay. */
const apart = {
  'src/gateway/packages.ts': 'gateway.cjs',
  'src/cli/prompts/asking.ts': 'asking.cjs',
};
const apartInOwnFiles = {
  name: 'apart-in-own-files',
  setup(b) {
    const names = Object.keys(apart).map((file) => basename(file, '.ts'));
    b.onResolve({ filter: new RegExp(`/(${names.join('|')})\\.js$`) }, ({ resolveDir, path }) => {
      const own = apart[relative(root, join(resolveDir, path)).replace(/\.js$/, '.ts')];
      return own === undefined ? undefined : { path: `./${own}`, external: true };
    });
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};
// Loaded only when used, from node_modules: keeping them out keeps the program small and quick to start.
const heavy = [
  'lmdb',
  'ora',
  'inquirer',
  '@inquirer/core',
  'conf',
  'cli-table3',
  'ansis',
  'pino',
  'typescript',
  'tsx',
];
const cjs = {
  ...common,
  format: 'cjs',
  define: { 'import.meta.url': '__importMetaUrl', 'process.env.NODE_ENV': '"production"' },
  banner: { js: 'const __importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
  plugins: [lazyRequires, commandTable],
};

process.on('exit', () => rmSync(dist, { recursive: true, force: true }));

const cliSource = `
import { commands } from 'muster:commands';
import { dispatch, leave } from './src/cli/dispatch.ts';
const path = require('node:path');
const root = path.join(__dirname, '..');
export const load = async (id) => (await commands[id]()).default;
const sessionCommands = Object.fromEntries(
  Object.keys(commands).map((id) => [id, async () => ({ default: require('./more.cjs')[id]() })]),
);
if (!process.env.MUSTER_BUILD) {
  dispatch(process.argv.slice(2), {
    bin: 'muster', name: ${JSON.stringify(pkg.name)}, version: ${JSON.stringify(pkg.version)}, commands, sessionCommands,
    help: (words) => require('./help.cjs').showHelp(root, words),
    topics: () => require(path.join(root, 'package.json')).oclif.topics,
    answerTab: (...about) => require('./complete.cjs').answer(...about),
  }).then(leave);
}
`;
const cli = await build({
  ...cjs,
  plugins: [restInOwnFile, apartInOwnFiles, ...cjs.plugins],
  stdin: { contents: cliSource, resolveDir: root, sourcefile: 'cli.ts', loader: 'ts' },
  external: [...heavy, './help.cjs', './more.cjs', './complete.cjs'],
  outfile: `${aside}/cli.cjs`,
});
await build({
  ...cjs,
  stdin: {
    contents: `module.exports={${rest.map((name) => `get ${JSON.stringify(name)}(){return require('@oclif/core/lib/${name}.js')}`).join(',')}};`,
    resolveDir: root,
    sourcefile: 'rest.js',
  },
  alias: { '@oclif/core/lib': join(root, 'node_modules/@oclif/core/lib') },
  external: heavy,
  outfile: `${aside}/rest.cjs`,
});
await build({
  ...cjs,
  entryPoints: ['src/cli/help.ts'],
  external: heavy,
  outfile: `${aside}/help.cjs`,
});
await build({
  ...cjs,
  entryPoints: ['src/cli/completion/answer.ts'],
  external: heavy,
  outfile: `${aside}/complete.cjs`,
});

const entries = ['src/host/main.ts', 'src/index.ts', 'src/cluster/lock-run/watchdog.ts'].filter((file) =>
  existsSync(join(root, file)),
);
if (entries.length > 0) {
  await build({
    ...common,
    entryPoints: entries,
    outbase: '.',
    outdir: aside,
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[hash]',
    external: heavy,
    plugins: [lazyRequires],
    banner: { js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);' },
  });
}

for (const [entry, outfile] of Object.entries(apart)) {
  await build({ ...cjs, entryPoints: [entry], external: heavy, outfile: `${aside}/${outfile}` });
}

await build({
  ...cjs,
  plugins: [restInOwnFile, apartInOwnFiles, ...cjs.plugins],
  stdin: {
    contents: `module.exports = {${commandFiles
      .map(
        (file) =>
          `${JSON.stringify(idOf(file))}: () => require(${JSON.stringify(`./commands/${file}`)}).default`,
      )
      .join(',')}};`,
    resolveDir: root,
    sourcefile: 'more.ts',
    loader: 'ts',
  },
  external: heavy,
  outfile: `${aside}/more.cjs`,
});

const page = await buildPage(root);
for (const input of page.inputs) inputs.add(input);
writeFileSync(join(dist, 'dashboard.html'), page.html);

// oclif's way in: each file hands out its class.
for (const file of commandFiles) {
  const out = join(dist, 'commands', file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(out), { recursive: true });
  const up = '../'.repeat(file.split('/').length);
  writeFileSync(out, `module.exports.default = require('${up}more.cjs')[${JSON.stringify(idOf(file))}]();\n`);
}
writeFileSync(join(dist, 'commands', 'package.json'), '{"type":"commonjs"}\n');

if (process.argv.includes('--types')) {
  // Loaded only here: the compiler alone takes longer than all of the above.
  const { emitTypes } = await import('./types.mjs');
  emitTypes(root, dist);
}

writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), noticesOf(root, inputs));

const place = join(root, 'dist');
for (let tries = 1; ; tries++) {
  const old = `${dist}-old${tries}`;
  try {
    if (existsSync(place)) renameSync(place, old);
    renameSync(dist, place);
    break;
  } catch (error) {
    // Another build put its own in place in between: the last one stays.
    if (tries === 5) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

if (pkg.oclif) {
  process.env.NODE_ENV = 'production';
  const { Plugin } = require('@oclif/core');
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`);
}
const size = Object.values(cli.metafile.outputs)[0].bytes;
process.stdout.write(
  `built dist/ (${commandFiles.length} commands, cli.cjs ${Math.round(size / 1024)} KiB)\n`,
);
