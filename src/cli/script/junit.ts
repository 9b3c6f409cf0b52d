import type { ScenarioReport, StepRow } from './run.js';

/** XML 1.0 has no place for most control characters; they become visible. */
const xml = (text: string): string =>
  text
    .replace(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g,
      (c) => `\\x${c.charCodeAt(0).toString(16)}`,
    )
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

function testCase(scenario: string, row: StepRow): string {
  const name = `line ${row.line}: ${row.text}`;
  const open = `    <testcase classname="${xml(scenario)}" name="${xml(name)}" time="${seconds(row.ms)}"`;
  const parts: string[] = [];
  if (row.error !== undefined) {
    const { code, message, tookEffect, hint } = row.error;
    parts.push(
      `      <failure type="${xml(code)}" message="${xml(message)}">${xml(`Took effect: ${tookEffect}. ${hint}`)}</failure>`,
    );
  }
  if (row.out !== undefined) parts.push(`      <system-out>${xml(row.out)}</system-out>`);
  if (row.err !== undefined) parts.push(`      <system-err>${xml(row.err)}</system-err>`);
  return parts.length === 0 ? `${open}/>` : `${open}>\n${parts.join('\n')}\n    </testcase>`;
}

/** The reports as JUnit XML, as CI systems read it: a suite a scenario, a case a step. */
export function junitOf(reports: readonly ScenarioReport[]): string {
  const suites = reports.map(({ scenario, steps, ms }) => {
    const failures = steps.filter(({ ok }) => !ok).length;
    const cases = steps.map((row) => testCase(scenario, row)).join('\n');
    return `  <testsuite name="${xml(scenario)}" tests="${steps.length}" failures="${failures}" errors="0" skipped="0" time="${seconds(ms)}">\n${cases}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}
