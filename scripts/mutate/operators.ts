/** Enumerates the small changes that a mutation run makes to one source file. Pure: text in, mutants out. */
import { createHash } from 'node:crypto';
import ts from 'typescript';

export type Operator =
  | 'dropped-condition'
  | 'negated-condition'
  | 'off-by-one'
  | 'swapped-comparison'
  | 'swapped-min-max'
  | 'skipped-call'
  | 'stale-value'
  | 'early-return';

export interface Mutant {
  /** The same as long as neither the code around it nor its function's name changes; independent of line numbers. */
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly operator: Operator;
  /** Offsets into the source text, and what replaces that range. */
  readonly start: number;
  readonly end: number;
  readonly before: string;
  readonly after: string;
}

type Edit = Pick<Mutant, 'operator' | 'start' | 'end' | 'after'>;

const boundary: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.LessThanToken]: '<=',
  [ts.SyntaxKind.LessThanEqualsToken]: '<',
  [ts.SyntaxKind.GreaterThanToken]: '>=',
  [ts.SyntaxKind.GreaterThanEqualsToken]: '>',
};

const opposite: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.LessThanToken]: '>=',
  [ts.SyntaxKind.LessThanEqualsToken]: '>',
  [ts.SyntaxKind.GreaterThanToken]: '<=',
  [ts.SyntaxKind.GreaterThanEqualsToken]: '<',
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: '!==',
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: '===',
};

const assignments: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.PlusEqualsToken,
  ts.SyntaxKind.MinusEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

/** Calls that only tell somebody who looks: traces, and the steps at which a fault may be armed. */
const looks = /(^|[.#])(note|reached|log|debug|info|warn|trace)$/;

export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const mutants: Mutant[] = [];
  const ordinals = new Map<string, number>();
  walk(source, source, '', (edit, within) => {
    const before = text.slice(edit.start, edit.end);
    const name = [file, within, edit.operator, squeeze(before), squeeze(edit.after)].join('\n');
    const ordinal = ordinals.get(name) ?? 0;
    ordinals.set(name, ordinal + 1);
    const id = createHash('sha256').update(`${name}\n${ordinal}`).digest('hex').slice(0, 8);
    const line = source.getLineAndCharacterOfPosition(edit.start).line + 1;
    mutants.push({ id, file, line, before, ...edit });
  });
  return mutants;
}

const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim();

type Emit = (edit: Edit, within: string) => void;

function walk(node: ts.Node, source: ts.SourceFile, within: string, emit: Emit): void {
  if (isInert(node)) return;
  const name = nameOf(node);
  const inside = name === null ? within : `${within}.${name}`;
  for (const edit of editsOf(node, source)) emit(edit, inside);
  for (const child of liveChildren(node)) walk(child, source, inside, emit);
}

function nameOf(node: ts.Node): string | null {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if ((ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isVariableDeclaration(node)) && node.name)
    return node.name.getText();
  return null;
}

/** Changes nothing that a run could see: types, texts, errors that only say so, calls for whoever looks. */
function isInert(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isTemplateExpression(node) || ts.isStringLiteralLike(node)) return true;
  if (ts.isNewExpression(node) && /Error$/.test(node.expression.getText())) return true;
  return (
    ts.isExpressionStatement(node) &&
    ts.isCallExpression(node.expression) &&
    looks.test(node.expression.expression.getText())
  );
}

/** A rule of `Rules` is always true in production: code that only a variant reaches is left alone. */
function truthOf(node: ts.Expression): boolean | null {
  if (ts.isParenthesizedExpression(node)) return truthOf(node.expression);
  if (ts.isPropertyAccessExpression(node) && /(^|[.#])rules\.\w+$/.test(node.getText())) return true;
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    const truth = truthOf(node.operand);
    return truth === null ? null : !truth;
  }
  if (!ts.isBinaryExpression(node)) return null;
  const isAnd = node.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken;
  if (!isAnd && node.operatorToken.kind !== ts.SyntaxKind.BarBarToken) return null;
  const sides = [truthOf(node.left), truthOf(node.right)];
  if (sides.includes(!isAnd)) return !isAnd;
  return sides.every((side) => side === isAnd) ? isAnd : null;
}

function liveChildren(node: ts.Node): ts.Node[] {
  if (ts.isIfStatement(node) || ts.isConditionalExpression(node)) {
    const [test, yes, no] = ts.isIfStatement(node)
      ? [node.expression, node.thenStatement, node.elseStatement]
      : [node.condition, node.whenTrue, node.whenFalse];
    const truth = truthOf(test);
    const branches = truth === null ? [test, yes, no] : truth ? [yes] : [no];
    return branches.filter((branch) => branch !== undefined);
  }
  if (ts.isBinaryExpression(node) && truthOf(node) !== null) return [];
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  return children;
}

function* editsOf(node: ts.Node, source: ts.SourceFile): Generator<Edit> {
  const replace = (operator: Operator, target: ts.Node, after: string): Edit => ({
    operator,
    start: target.getStart(source),
    end: target.end,
    after,
  });
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) yield* ofCondition(node.expression, replace);
  else if (ts.isConditionalExpression(node)) yield* ofCondition(node.condition, replace);
  else if (ts.isBinaryExpression(node)) yield* ofBinary(node, replace);
  else if (ts.isNumericLiteral(node)) yield* ofNumber(node, replace);
  else if (ts.isCallExpression(node)) yield* ofMinMax(node, replace);
  else if (ts.isExpressionStatement(node)) yield* ofStatement(node, replace);
  else if (ts.isFunctionLike(node)) yield* ofBody(node, source);
}

type Replace = (operator: Operator, target: ts.Node, after: string) => Edit;

function* ofCondition(test: ts.Expression, replace: Replace): Generator<Edit> {
  if (truthOf(test) !== null) return;
  // Cast, so that the compiler does not take what follows for dead code.
  yield replace('dropped-condition', test, '(false as boolean)');
  const loops = ts.isWhileStatement(test.parent);
  if (!loops && !ts.isConditionalExpression(test.parent))
    yield replace('dropped-condition', test, '(true as boolean)');
  // The opposite of a single comparison is made where that is.
  const isComparison = ts.isBinaryExpression(test) && opposite[test.operatorToken.kind] !== undefined;
  if (!isComparison) yield replace('negated-condition', test, `!(${test.getText()})`);
}

function* ofBinary(node: ts.BinaryExpression, replace: Replace): Generator<Edit> {
  const { left, right, operatorToken } = node;
  const { kind } = operatorToken;
  if (kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken) {
    if (truthOf(right) === null) yield replace('dropped-condition', node, left.getText());
    // A longer chain drops its first two where they meet.
    const longer = ts.isBinaryExpression(left) && left.operatorToken.kind === kind;
    if (!longer && truthOf(left) === null) yield replace('dropped-condition', node, right.getText());
    return;
  }
  const near = boundary[kind];
  if (near !== undefined) yield replace('off-by-one', operatorToken, near);
  const other = opposite[kind];
  if (other !== undefined) yield replace('swapped-comparison', operatorToken, other);
}

function* ofNumber(node: ts.NumericLiteral, replace: Replace): Generator<Edit> {
  const value = Number(node.text);
  const { parent } = node;
  if (!Number.isSafeInteger(value) || value > 64) return;
  // A number by itself with a name is a setting; one in an expression decides something.
  if (ts.isPropertyAssignment(parent) || ts.isEnumMember(parent) || ts.isLiteralTypeNode(parent)) return;
  if (ts.isVariableDeclaration(parent) && ts.isSourceFile(parent.parent.parent.parent)) return;
  yield replace('off-by-one', node, `${value + 1}`);
}

function* ofMinMax(node: ts.CallExpression, replace: Replace): Generator<Edit> {
  const called = node.expression.getText();
  if (called === 'Math.min') yield replace('swapped-min-max', node.expression, 'Math.max');
  if (called === 'Math.max') yield replace('swapped-min-max', node.expression, 'Math.min');
}

function* ofStatement(node: ts.ExpressionStatement, replace: Replace): Generator<Edit> {
  let { expression } = node;
  if (ts.isVoidExpression(expression)) expression = expression.expression;
  if (ts.isAwaitExpression(expression)) expression = expression.expression;
  if (ts.isCallExpression(expression)) {
    if (expression.expression.kind !== ts.SyntaxKind.SuperKeyword) yield replace('skipped-call', node, ';');
  } else if (
    (ts.isBinaryExpression(expression) && assignments.has(expression.operatorToken.kind)) ||
    ts.isPostfixUnaryExpression(expression)
  )
    yield replace('stale-value', node, ';');
}

/** A function that gives nothing back does nothing. */
function* ofBody(node: ts.SignatureDeclaration, source: ts.SourceFile): Generator<Edit> {
  const isVoid = node.type?.kind === ts.SyntaxKind.VoidKeyword;
  const body = (node as ts.FunctionLikeDeclaration).body;
  if (!isVoid || body === undefined || !ts.isBlock(body) || body.statements.length < 2) return;
  const start = (body.statements[0] as ts.Statement).getStart(source);
  yield { operator: 'early-return', start, end: start, after: 'if (true as boolean) return; ' };
}

/** The source with the mutant in it. */
export const apply = (text: string, { start, end, after }: Pick<Mutant, 'start' | 'end' | 'after'>): string =>
  text.slice(0, start) + after + text.slice(end);
