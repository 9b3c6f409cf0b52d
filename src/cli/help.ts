import { Config, loadHelpClass } from '@oclif/core';

/**
 * Shows oclif's help for these words (none: for the whole program). `pjson` stands in for package.json when
 * running from source.
 */
export async function showHelp(root: string, words: readonly string[], pjson?: unknown): Promise<void> {
  const config = await Config.load({
    root,
    ...(pjson === undefined ? {} : { pjson: pjson as never, ignoreManifest: true }),
  });
  const Help = await loadHelpClass(config);
  const help = new Help(config, config.pjson.oclif.helpOptions);
  // Joined as oclif itself joins the words of a command before it looks it up.
  await help.showHelp(words.length > 0 ? [words.join(':')] : []);
}
