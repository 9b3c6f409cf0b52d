// Writes the declarations of the library: of src/index.ts and of what its own declarations name, nothing else.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** Writes them below `outDir`; throws what the compiler finds wrong in them. */
export function emitTypes(root, outDir) {
  const config = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram([join(root, 'src/index.ts')], {
    ...options,
    outDir,
    rootDir: root,
    declaration: true,
    emitDeclarationOnly: true,
    noEmit: false,
  });
  const emitted = new Set();
  const waiting = [join(root, 'src/index.ts')];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (emitted.has(path)) continue;
    emitted.add(path);
    const source = program.getSourceFile(path);
    if (source === undefined) throw new Error(`${path} is named by a declaration, and is not there`);
    const { diagnostics } = program.emit(
      source,
      (file, text) => {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
        for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
          if (fileName.startsWith('.')) waiting.push(join(dirname(path), fileName.replace(/\.js$/, '.ts')));
        }
      },
      undefined,
      true,
    );
    if (diagnostics.length > 0) {
      const host = {
        getCanonicalFileName: (f) => f,
        getCurrentDirectory: () => root,
        getNewLine: () => '\n',
      };
      throw new Error(ts.formatDiagnostics(diagnostics, host));
    }
  }
  return emitted.size;
}
