// Puts the dashboard's page together: src/dashboard/page/{index.html, style.css, app.ts} become one file that needs no other.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as esbuild from 'esbuild';

/** Gives the page, and the files it was made from (as esbuild names its inputs). */
export async function buildPage(root) {
  const folder = join(root, 'src/dashboard/page');
  const bundled = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [join(folder, 'app.ts'), join(folder, 'style.css')],
    outdir: folder,
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: ['chrome109', 'firefox115', 'safari16'],
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    tsconfig: join(folder, 'tsconfig.json'),
  });
  const of = (ending) => bundled.outputFiles.find(({ path }) => path.endsWith(ending)).text.trim();
  const put = (html, mark, text) => {
    if (!html.includes(mark)) throw new Error(`index.html lacks ${mark}`);
    // A function: what stands for `$` in a replacement is none here.
    return html.replace(mark, () => text);
  };
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  return {
    html: put(
      put(html, '<!-- style -->', `<style>${of('.css')}</style>`),
      '<!-- script -->',
      `<script>${of('.js')}</script>`,
    ),
    inputs: Object.keys(bundled.metafile.inputs),
  };
}
