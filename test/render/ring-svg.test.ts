import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeColor } from '../../src/render/node-colors.js';
import { type RingSvg, ringSvg } from '../../src/render/ring/svg.js';
import { type Element, everyElement, ofClass, parseXml, textOf } from './strict-xml.js';

/** One partition a letter: `a` is led by node a, `-` by nobody. */
const owner = (letter: string): string | null => (letter === '-' ? null : letter);
const active = (...ids: string[]) => ids.map((id) => ({ id, weight: 1, state: 'active' }));
const show = (owners: string, more: Partial<RingSvg> = {}): RingSvg => ({
  title: 'cluster demo',
  partitions: [...owners].map((letter) => ({ primary: owner(letter) })),
  nodes: active(...new Set(owners.replaceAll('-', ''))),
  ...more,
});
const plan = (before: string, after: string, more: Partial<RingSvg> = {}): RingSvg => ({
  title: 'cluster demo',
  partitions: [...before].map((letter, i) => ({ primary: owner(letter), after: owner(after[i]!) })),
  nodes: active(...new Set((before + after).replaceAll('-', ''))),
  ...more,
});
const drawn = (picture: RingSvg): Element => parseXml(ringSvg(picture));

interface Slice {
  /** In turns from hash 0; `to` is beyond 1 when the slice crosses it. */
  readonly from: number;
  readonly to: number;
  /** `nobody` for an arc without a color of its own. */
  readonly fill: string;
}

const turnOf = (x: number, y: number): number => (Math.atan2(x, -y) / (2 * Math.PI) + 1) % 1;

/** The slices that the paths of a layer draw, read back from their coordinates. */
function slicesOf(picture: Element, ring: string, layer: string): Slice[] {
  const paths = ofClass(picture, ring)
    .flatMap((group) => ofClass(group, layer))
    .flatMap((group) => ofClass(group, 'arc'));
  const outer = layer === 'was' ? 232 : ring === 'muster-now' ? 240 : 212;
  return paths.flatMap(({ attributes }) => {
    const fill = attributes.fill ?? 'nobody';
    if (!attributes.d!.startsWith('M0 0')) return [{ from: 0, to: 1, fill }];
    const parts = attributes.d!.slice('M0 0'.length).split('z').slice(0, -1);
    return parts.map((part) => {
      const curve = /^l([^a]+)a(\d+) \2 0 ([01]) 1 (.+)$/.exec(part);
      const text = curve ? `${curve[1]} ${curve[4]}` : part;
      const [x, y, dx, dy] = text.match(/-?\d+(\.\d+)?/g)!.map(Number) as [number, number, number, number];
      const from = turnOf(x, y);
      const to = turnOf(x + dx, y + dy);
      const turn = to > from ? to - from : to + 1 - from;
      // A straight edge must not cut into the ring; a curved one must go the long way round beyond half a turn.
      if (!curve) expect(Math.hypot(x + dx / 2, y + dy / 2) / 100).toBeGreaterThan(outer);
      else if (Math.abs(turn - 0.5) > 1e-4) expect(curve[3], part).toBe(turn > 0.5 ? '1' : '0');
      return { from, to: from + turn, fill };
    });
  });
}

const angles = (slices: readonly Slice[]): number =>
  slices.reduce((sum, slice) => sum + slice.to - slice.from, 0);

/** What is drawn at the middle of every partition: one fill each if all is well. */
const fillsOf = (slices: readonly Slice[], count: number): string[] =>
  Array.from({ length: count }, (_, i) => {
    const at = (i + 0.5) / count;
    const covers = ({ from, to }: Slice) => (from < at && at < to) || (from < at + 1 && at + 1 < to);
    return slices
      .filter(covers)
      .map(({ fill }) => fill)
      .join(' and ');
  });

/** What it should be: nodes sorted by name have the colors in order. */
function expected(owners: readonly (string | null)[], names: readonly string[]): string[] {
  const sorted = [...new Set(names)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return owners.map((name) => (name === null ? 'nobody' : nodeColor(sorted.indexOf(name))));
}

interface Placed {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** In degrees. */
  readonly turned: number;
}

/** The labels on arcs, by their middles, from the centre of the ring. */
const labelsOf = (picture: Element, ring: string): Placed[] =>
  ofClass(picture, ring)
    .flatMap((group) => ofClass(group, 'labels'))
    .flatMap(({ children }) => children)
    .map(({ attributes, text }) => {
      const [x, y, turned = 0] = attributes.transform!.match(/-?\d+(\.\d+)?/g)!.map(Number);
      return { text, x: x!, y: y!, turned, size: Number(attributes['font-size']) };
    });

/** Corners of what a label covers, in a font whose capitals are 0.7 em high and whose characters are 0.6 em wide. */
function cornersOf({ text, x, y, size, turned }: Placed): [number, number][] {
  const [sin, cos] = [Math.sin((turned * Math.PI) / 180), Math.cos((turned * Math.PI) / 180)];
  const [w, h] = [text.length * size * 0.3, size * 0.35];
  return [
    [-w, -h],
    [w, -h],
    [w, h],
    [-w, h],
  ].map(([right, down]) => [x + right! * cos - down! * sin, y + right! * sin + down! * cos]);
}

/** Left and right ends of every text outside of rings, and baselines, in the picture's coordinates. */
function extents(element: Element, dx = 0, dy = 0): { from: number; to: number; y: number; text: string }[] {
  if (element.attributes.class?.startsWith('ring ')) return [];
  const moved = /^translate\((-?[\d.]+) ?(-?[\d.]+)\)/.exec(element.attributes.transform ?? '');
  const [x, y] = [dx + Number(moved?.[1] ?? 0), dy + Number(moved?.[2] ?? 0)];
  const below = element.children.flatMap((child) => extents(child, x, y));
  if (element.name !== 'text') return below;
  const look = element.attributes.class ?? '';
  const at = x + Number(element.attributes.x ?? 0);
  const em = /title/.test(look) ? (look === 'title' ? 13 : 8) : /head|note/.test(look) ? 7 : 7.8;
  const width = element.text.length * em;
  const from = look.includes('end') ? at - width : look === 'note' ? at - width / 2 : at;
  return [{ from, to: from + width, y: y + Number(element.attributes.y ?? 0), text: element.text }];
}

/** The legend's rows as text. */
const legendOf = (picture: Element): string[] => ofClass(picture, 'entry').map(textOf);

const many = (count: number, nodes: number, moved: (i: number) => number | null): RingSvg => ({
  title: 'many',
  partitions: Array.from({ length: count }, (_, i) => {
    const to = moved(i);
    return {
      primary: `node-${(i * 7) % nodes}`,
      ...(to === null ? {} : { after: `node-${(i * 7 + to) % nodes}` }),
    };
  }),
  nodes: active(...Array.from({ length: nodes }, (_, i) => `node-${i}`)),
});

describe('the ring as SVG', () => {
  it('is well-formed, and told by title and description, whatever the names', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.array(fc.option(fc.constantFrom('a', '<b>', '&amp;', '"\'', '\x1b[2J', '\ud800', ']]>')), {
          maxLength: 30,
        }),
        fc.boolean(),
        (title, subtitle, owners, planned) => {
          const partitions = owners.map((primary) => ({
            primary,
            ...(planned ? { after: 'x\ufffe\x00' } : {}),
          }));
          const svg = drawn({ title, subtitle, partitions, nodes: active('a', '</text>') });
          expect(svg.name).toBe('svg');
          expect(svg.attributes.role).toBe('img');
          expect(svg.children.slice(0, 2).map(({ name }) => name)).toEqual(['title', 'desc']);
          const ids = svg.children.slice(0, 2).map(({ attributes }) => attributes.id);
          expect(svg.attributes['aria-labelledby']).toBe(ids.join(' '));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is checked for being well-formed by what finds faults', () => {
    for (const faulty of [
      '<a>',
      '<a></b>',
      '<a/><b/>',
      '<a>&</a>',
      '<a>&nbsp;</a>',
      '<a b=c/>',
      '<a b="<"/>',
      '<a b="1" b="2"/>',
      '<a>\x1b</a>',
      '<a>\ud800</a>',
      '<a><</a>',
    ]) {
      expect(() => parseXml(faulty), faulty).toThrow();
    }
    expect(parseXml('<a b="&#60;"><c/>&amp;</a>')).toMatchObject({ attributes: { b: '<' }, text: '&' });
  });

  it('shows text as it is, however much it looks like markup', () => {
    const title = `</title><script>alert("1")</script> & 'more'`;
    const svg = drawn(show('aab', { title, subtitle: '<b>&lt;' }));
    expect(svg.children[0]!.text).toBe(title);
    expect(textOf(ofClass(svg, 'title')[0]!)).toBe(title);
    expect(textOf(ofClass(svg, 'subtitle')[0]!)).toBe('<b>&lt;');
    expect(everyElement(svg).map(({ name }) => name)).not.toContain('script');
  });

  it('covers every partition exactly once, in the color of its primary', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom('n1', 'n2', 'n10', 'n3', 'n4')), { minLength: 1, maxLength: 200 }),
        (owners) => {
          const svg = drawn({
            title: 't',
            partitions: owners.map((primary) => ({ primary })),
            nodes: active('n5', 'n1'),
          });
          const slices = slicesOf(svg, 'muster-now', 'arcs');
          expect(angles(slices)).toBeCloseTo(1, 6);
          const names = ['n5', 'n1', ...owners.flatMap((name) => name ?? [])];
          expect(fillsOf(slices, owners.length)).toEqual(expected(owners, names));
        },
      ),
    );
  });

  it('covers every partition exactly once after a plan too, be it calm or changed', () => {
    const node = fc.option(fc.constantFrom('a', 'b', 'c'));
    fc.assert(
      fc.property(fc.array(fc.tuple(node, node), { minLength: 1, maxLength: 120 }), (pairs) => {
        const svg = drawn({
          title: 't',
          partitions: pairs.map(([primary, after]) => ({ primary, after })),
          nodes: active('a', 'b', 'c'),
        });
        const names = ['a', 'b', 'c'];
        const before = slicesOf(svg, 'muster-before', 'arcs');
        expect(fillsOf(before, pairs.length)).toEqual(
          expected(
            pairs.map(([was]) => was),
            names,
          ),
        );
        const calm = slicesOf(svg, 'muster-after', 'calm');
        const changed = slicesOf(svg, 'muster-after', 'changed');
        expect(angles([...calm, ...changed])).toBeCloseTo(1, 6);
        expect(fillsOf([...calm, ...changed], pairs.length)).toEqual(
          expected(
            pairs.map(([, is]) => is),
            names,
          ),
        );
        const differs = pairs.map(([was, is]) => was !== is);
        expect(fillsOf(changed, pairs.length).map((fill) => fill !== '')).toEqual(differs);
      }),
    );
  });

  it('merges neighbours of the same primary, over hash 0 as well', () => {
    expect(slicesOf(drawn(show('aabbba')), 'muster-now', 'arcs')).toHaveLength(2);
    expect(slicesOf(drawn(show('a'.repeat(16_384))), 'muster-now', 'arcs')).toEqual([
      { from: 0, to: 1, fill: nodeColor(0) },
    ]);
    expect(slicesOf(drawn(show('a')), 'muster-now', 'arcs')).toHaveLength(1);
  });

  it('marks the arcs that change with a band in the color of who led them before', () => {
    const svg = drawn(plan('aabbccaa', 'aabdcdab'));
    const [a, b, c] = [nodeColor(0), nodeColor(1), nodeColor(2)];
    expect(fillsOf(slicesOf(svg, 'muster-after', 'was'), 8)).toEqual(['', '', '', b, '', c, '', a]);
    expect(textOf(ofClass(svg, 'note')[0]!)).toMatch(/^The primary of 3 of 8 partitions moves/);
    expect(textOf(ofClass(svg, 'muster-after')[0]!)).toContain('3 primaries move');
  });

  it('shows even the least change of the largest ring, a pixel wide at least', () => {
    const svg = drawn(many(16_384, 100, (i) => (i === 5000 ? 1 : 0)));
    const [band, ...others] = slicesOf(svg, 'muster-after', 'was');
    expect(others).toEqual([]);
    expect(angles([band!]) * 2 * Math.PI * 212).toBeGreaterThan(1);
    expect((band!.from + band!.to) / 2).toBeCloseTo(5000.5 / 16_384, 5);
  });

  it('says so when a plan changes no primary', () => {
    const svg = drawn(plan('aabb', 'aabb'));
    for (const layer of ['changed', 'was']) expect(slicesOf(svg, 'muster-after', layer)).toEqual([]);
    expect(textOf(ofClass(svg, 'note')[0]!)).toBe('No primary moves.');
  });

  it('takes a partition without an after to keep its primary', () => {
    const svg = drawn({
      ...show('abc'),
      partitions: [{ primary: 'a' }, { primary: 'b', after: 'c' }, { primary: 'c' }],
    });
    expect(fillsOf(slicesOf(svg, 'muster-after', 'calm'), 3)).toEqual([nodeColor(0), '', nodeColor(2)]);
    expect(legendOf(svg).map((row) => /(\d+) → (\d+)/.exec(row)!.slice(1))).toEqual([
      ['1', '1'],
      ['1', '0'],
      ['1', '2'],
    ]);
  });

  it('draws one ring without a plan, and no mark of a change', () => {
    const svg = drawn(show('aab'));
    expect(ofClass(svg, 'ring')).toHaveLength(1);
    for (const word of ['calm', 'changed', 'was', 'note']) expect(ofClass(svg, word)).toEqual([]);
  });

  it('says in the legend who leads how much, against the ideal by weight', () => {
    const nodes = [
      { id: 'n10', weight: 1, state: 'active' },
      { id: 'n2', weight: 2, state: 'active' },
      { id: 'n1', weight: 1, state: 'active' },
    ];
    const owners = ['n1', 'n2', 'n2', 'n2', 'n10', 'n1', 'n1', 'n1'];
    const svg = drawn({ title: 't', nodes, partitions: owners.map((primary) => ({ primary })) });
    expect(legendOf(svg)).toEqual(['n1 1 4 50.0 % 25.0 %', 'n2 2 3 37.5 % 50.0 %', 'n10 1 1 12.5 % 25.0 %']);
    expect(svg.children[1]!.text).toContain('n2 is primary of 3, 37.5 % (ideal 50.0 %)');
  });

  it('says in the legend how many each leads before and after a plan, and the share after', () => {
    expect(legendOf(drawn(plan('aabb', 'aabc')))).toEqual([
      'a 2 → 2 50.0 % 33.3 %',
      'b 2 → 1 25.0 % 33.3 %',
      'c 0 → 1 25.0 % 33.3 %',
    ]);
  });

  it('draws bars as long as the shares, with ticks at the ideals', () => {
    const svg = drawn(show('aaab'));
    const [a, b] = ofClass(svg, 'entry').map((entry) => {
      const [, , track, bar] = entry.children.filter(({ name }) => name === 'rect');
      const tick = Number(/^M([\d.]+) /.exec(ofClass(entry, 'tick')[0]!.attributes.d!)![1]);
      return {
        share: Number(bar!.attributes.width),
        ideal: tick - Number(track!.attributes.x),
      };
    });
    expect(a!.share / b!.share).toBeCloseTo(3, 1);
    expect(a!.ideal / a!.share).toBeCloseTo(2 / 3, 1);
    expect(b!.ideal).toBe(a!.ideal);
  });

  it('marks states other than active in words, and wants of who leaves that it leads nothing', () => {
    const states = ['active', 'draining', 'joining', 'out', 'down', 'active'];
    const nodes = states.map((state, i) => ({ id: `n${i}`, weight: 1, state }));
    const svg = drawn({ title: 't', nodes, partitions: [{ primary: 'n0' }] });
    expect(ofClass(svg, 'state').map(textOf)).toEqual(['↓ draining', '+ joining', '– out', '× down']);
    const ideals = legendOf(svg).map((row) => row.split(' ').at(-2));
    expect(ideals).toEqual(['25.0', '0.0', '25.0', '0.0', '25.0', '25.0']);
  });

  it('names what nobody leads, and primaries that are no nodes', () => {
    const svg = drawn(show('ab--', { nodes: active('a') }));
    expect(legendOf(svg)).toEqual(['a 1 25.0 % 100.0 %', 'b ? unknown 1 25.0 %', '(none) 2 50.0 %']);
    expect(fillsOf(slicesOf(svg, 'muster-now', 'arcs'), 4).slice(2)).toEqual(['nobody', 'nobody']);
  });

  it('draws a ring without partitions or nodes', () => {
    const svg = drawn({ title: 't', partitions: [], nodes: [] });
    expect(textOf(ofClass(svg, 'ring')[0]!)).toContain('0 partitions');
    expect(ofClass(svg, 'arc')).toEqual([]);
  });

  it('stays below a megabyte at 16,384 partitions, even when each has another primary and all change', () => {
    expect(ringSvg(many(16_384, 100, () => null)).length).toBeLessThan(500_000);
    expect(ringSvg(many(16_384, 100, () => 3)).length).toBeLessThan(1_000_000);
  });

  it('covers the largest ring exactly, in colors that lie apart', () => {
    const picture = many(16_384, 100, () => null);
    const slices = slicesOf(drawn(picture), 'muster-now', 'arcs').sort((a, b) => a.from - b.from);
    expect(slices).toHaveLength(16_384);
    expect(angles(slices)).toBeCloseTo(1, 6);
    const owners = picture.partitions.map(({ primary }) => primary);
    const names = picture.nodes.map(({ id }) => id);
    expect(slices.map(({ fill }) => fill)).toEqual(expected(owners, names));
  });

  it('draws without smoothing what is thinner than pixels, for that would blend it with the ground', () => {
    const sharp = (picture: RingSvg): boolean =>
      ofClass(drawn(picture), 'arcs')[0]!.attributes['shape-rendering'] === 'crispEdges';
    expect(sharp(many(16_384, 5, () => null))).toBe(true);
    expect(sharp(many(64, 5, () => null))).toBe(false);
  });

  it('leaves gaps between arcs only where they are wide enough to spare them', () => {
    const gaps = (picture: RingSvg): number => ofClass(drawn(picture), 'gaps').length;
    expect(gaps(many(64, 5, () => null))).toBe(1);
    expect(gaps(many(150, 5, () => null))).toBe(0);
  });

  it('is the same bytes for the same input, in whatever order the nodes come', () => {
    const picture = many(64, 12, (i) => (i % 5 === 0 ? 1 : 0));
    expect(ringSvg(picture)).toBe(ringSvg(structuredClone(picture)));
    expect(ringSvg({ ...picture, nodes: [...picture.nodes].reverse() })).toBe(ringSvg(picture));
    expect(ringSvg(show('', { nodes: active('n1', 'n01') }))).toBe(
      ringSvg(show('', { nodes: active('n01', 'n1') })),
    );
  });

  it('has no number with more than two decimals', () => {
    for (const picture of [many(48, 7, () => null), many(100, 60, (i) => i % 2), show('abbbbbb')]) {
      expect(ringSvg(picture)).not.toMatch(/\d\.\d{3}/);
      expect(ringSvg(picture)).not.toMatch(/NaN|undefined|Infinity|\de-\d/);
    }
  });

  it('is light or dark as the reader wants, and refers to nothing outside itself', () => {
    const text = ringSvg(plan('aabb', 'aabc'));
    const svg = parseXml(text);
    const [style] = everyElement(svg).filter(({ name }) => name === 'style');
    expect(style!.text).toMatch(/@media \(prefers-color-scheme:dark\)\{[^}]*--ground:#0d1117/);
    expect(style!.text).toMatch(/\.ground\{[^}]*fill:var\(--ground\)/);
    expect(ofClass(svg, 'ground')).toHaveLength(1);
    expect(text.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /https?:|@import|@font-face|href|<script|<image|\son\w+=/,
    );
    const ids = everyElement(svg).flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of text.matchAll(/url\(#([^)]*)\)/g)) expect(ids).toContain(id);
  });

  it('keeps its style to itself, so that it can stand in a page', () => {
    const [style] = everyElement(drawn(show('ab'))).filter(({ name }) => name === 'style');
    const selectors = style!.text.replace(/@media[^{]*\{/g, '').match(/[^{}]+(?=\{)/g)!;
    for (const selector of selectors
      .flatMap((list) => list.split(',\n'))
      .flatMap((list) => list.split(','))) {
      expect(selector.trim()).toMatch(/^\.muster-ring/);
    }
  });

  it('names arcs that have room for it, within their bounds and never upside down', () => {
    const id = fc.constantFrom('n1', 'n22', 'node-333', 'a', 'a-name-that-is-longer-than-all-others');
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 150 }), (owners) => {
        const svg = drawn({
          title: 't',
          partitions: owners.map((primary) => ({ primary })),
          nodes: active(...owners),
        });
        const names = [...new Set(owners)];
        for (const label of labelsOf(svg, 'muster-now')) {
          expect(Math.abs(label.turned)).toBeLessThanOrEqual(90.01);
          for (const [x, y] of [...cornersOf(label), [label.x, label.y] as const]) {
            expect(Math.hypot(x, y)).toBeGreaterThan(166);
            expect(Math.hypot(x, y)).toBeLessThan(240);
            const partition = Math.floor(turnOf(x, y) * owners.length);
            expect(names.filter((name) => owners[partition] === name)).toEqual([label.text]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('names every arc of a small ring, in the band as well', () => {
    expect(labelsOf(drawn(show('abcabcabcabc')), 'muster-now')).toHaveLength(12);
    const changed = labelsOf(drawn(plan('abcabcabcabc', 'abcabcabcabd')), 'muster-after');
    expect(changed.map(({ text }) => text).sort()).toEqual([...'aaaabbbbcccc', 'd'].sort());
    expect(changed.filter(({ x, y }) => Math.hypot(x, y) > 212).map(({ text }) => text)).toEqual(['c']);
  });

  it('leaves out on arcs what all names begin with, where they have no room, and in the legend their middle', () => {
    const ids = ['db-eu-west-1-replica-of-shard-1', 'db-eu-west-1-replica-of-shard-12'];
    const partitions = Array.from({ length: 32 }, (_, i) => ({ primary: ids[i % 2]! }));
    const svg = drawn({ title: 't', partitions, nodes: active(...ids) });
    expect([...new Set(labelsOf(svg, 'muster-now').map(({ text }) => text))]).toEqual(['…1', '…12']);
    const [row] = ofClass(svg, 'entry');
    const shown = row!.children.find(({ name }) => name === 'text')!.text;
    expect(shown).toBe('db-eu-west…-of-shard-1');
    expect(row!.children.find(({ name }) => name === 'title')!.text).toBe(ids[0]);
  });

  it('is large enough for its title and its legend, whose columns do not run into one another', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 130 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        fc.boolean(),
        (count, nameLength, titleLength, planned, uneven) => {
          const nodes = Array.from({ length: count }, (_, i) => ({
            id: `${i}`.padStart(nameLength, 'n'),
            weight: uneven ? i + 0.25 : 1,
            state: i % 3 === 0 ? 'draining' : 'active',
          }));
          const partitions = nodes.map(({ id }) => ({
            primary: id,
            ...(planned ? { after: nodes[0]!.id } : {}),
          }));
          const svg = drawn({
            title: 'wide '.repeat(titleLength),
            subtitle: 'm'.repeat(300),
            partitions,
            nodes,
          });
          const texts = extents(svg).sort((a, b) => a.y - b.y || a.from - b.from);
          for (const [i, { from, to, y, text }] of texts.entries()) {
            expect(from, text).toBeGreaterThanOrEqual(0);
            expect(to, text).toBeLessThanOrEqual(Number(svg.attributes.width));
            expect(y, text).toBeLessThanOrEqual(Number(svg.attributes.height));
            const next = texts[i + 1];
            if (next?.y === y && y > 620) expect(to, `${text} | ${next.text}`).toBeLessThanOrEqual(next.from);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('lets the pointer follow a node from the legend to all of its arcs', () => {
    const svg = drawn(plan('aabb', 'aabc'));
    const style = everyElement(svg).find(({ name }) => name === 'style')!.text;
    for (const entry of ofClass(svg, 'entry')) {
      const own = entry.attributes.class!.split(' ')[1]!;
      const fill = entry.children.find(({ attributes }) => attributes.fill !== undefined)!.attributes.fill;
      const arcs = ofClass(svg, own).filter(({ name }) => name === 'path');
      expect(arcs.length).toBeGreaterThan(0);
      for (const arc of arcs) expect(arc.attributes.fill).toBe(fill);
      expect(style).toContain(`.muster-ring:has(.${own}:hover) .arc:not(.${own})`);
    }
  });
});
