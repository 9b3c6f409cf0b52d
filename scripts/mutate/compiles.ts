/** Asks the compiler whether a mutant could be landed at all: one that does not compile is not counted. */
import { join } from 'node:path';
import ts from 'typescript';
import { apply, type Mutant } from './operators.js';
import { root, textOf } from './sources.js';

/** Unused names and dead code: no reason that a mutant could not run. */
const harmless = new Set([6133, 6192, 6196, 6198, 6199, 7027]);

export class Compiler {
  readonly #texts = new Map<string, { text: string; version: number }>();
  readonly #service: ts.LanguageService;

  constructor() {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const names = new Set<string>();
    this.#names = names;
    this.#service = ts.createLanguageService({
      getCompilationSettings: () => options,
      getScriptFileNames: () => [...names],
      getScriptVersion: (file) => `${this.#texts.get(file)?.version ?? 0}`,
      getScriptSnapshot: (file) => {
        const text = this.#texts.get(file)?.text ?? ts.sys.readFile(file);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => root,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
    });
  }

  readonly #names: Set<string>;

  accepts(mutant: Mutant): boolean {
    const file = join(root, mutant.file);
    this.#names.add(file);
    const original = textOf(mutant.file);
    this.#set(file, apply(original, mutant));
    const wrong = [
      ...this.#service.getSyntacticDiagnostics(file),
      ...this.#service.getSemanticDiagnostics(file),
    ].filter(({ code, category }) => category === ts.DiagnosticCategory.Error && !harmless.has(code));
    this.#set(file, original);
    return wrong.length === 0;
  }

  #set(file: string, text: string): void {
    const version = (this.#texts.get(file)?.version ?? 0) + 1;
    this.#texts.set(file, { text, version });
  }
}
