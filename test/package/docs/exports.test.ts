// Every export of an entry point is documented: a summary, an example if it is called, units and defaults if it has any.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './blocks';

interface Manifest {
  readonly exports: Record<string, { readonly types?: string } | string>;
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const entryPoints = Object.entries(manifest.exports).flatMap(([entryPoint, target]) =>
  typeof target === 'object' && target.types
    ? [{ entryPoint, entry: target.types.replace('./dist/', 'src/').replace('.d.ts', '.ts') }]
    : [],
);

let program: ts.Program;
let checker: ts.TypeChecker;
beforeAll(() => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, ROOT);
  program = ts.createProgram(
    entryPoints.map(({ entry }) => join(ROOT, entry)),
    options,
  );
  checker = program.getTypeChecker();
});

const summaryOf = (symbol: ts.Symbol): string =>
  ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
const hasTag = (symbol: ts.Symbol, name: string): boolean =>
  symbol.getJsDocTags(checker).some((tag) => tag.name === name);
const tagOf = (symbol: ts.Symbol, name: string): string =>
  ts.displayPartsToString(symbol.getJsDocTags(checker).find((tag) => tag.name === name)?.text);

interface Export {
  readonly name: string;
  readonly symbol: ts.Symbol;
  /** Handed out as a type alone: nobody can call it. */
  readonly typeOnly: boolean;
}

function exportsOf(entry: string): Export[] {
  const source = program.getSourceFile(join(ROOT, entry)) as ts.SourceFile;
  const module = checker.getSymbolAtLocation(source) as ts.Symbol;
  return checker.getExportsOfModule(module).map((given) => ({
    name: given.name,
    symbol: given.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(given) : given,
    typeOnly: given.declarations?.some((node) => ts.isTypeOnlyExportDeclaration(node)) ?? false,
  }));
}

/** Functions, decorators and classes: what a user calls. A constant counts when its value can be called. */
function isCalled(symbol: ts.Symbol): boolean {
  if (symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) return true;
  const declaration = symbol.valueDeclaration;
  return (
    declaration !== undefined &&
    (symbol.flags & ts.SymbolFlags.Variable) !== 0 &&
    checker.getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures().length > 0
  );
}

/** Members that a user meets: public, declared by this package, not marked as its own. */
function membersOf(symbol: ts.Symbol): ts.Symbol[] {
  const own = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
  const statics = symbol.flags & ts.SymbolFlags.Class ? checker.getTypeOfSymbol(symbol).getProperties() : [];
  return [...own, ...statics].filter((member) => {
    const [declaration] = member.declarations ?? [];
    if (!declaration || !declaration.getSourceFile().fileName.startsWith(join(ROOT, 'src'))) return false;
    const hidden = ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected);
    return !hidden && !member.name.startsWith('#') && !member.name.startsWith('__@') && !hasTag(member, 'internal');
  });
}

const isLiteral = (node: ts.Expression): boolean => ts.isLiteralExpression(node);

/**
 * Where control may leave by an error: a throw, or a call of what is said to throw. Not looked at: what a callback does,
 * and calls with nothing but literals, which are known to be right.
 */
function throwingNodes(body: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return;
    if (ts.isTryStatement(node) && node.catchClause) return visit(node.catchClause.block);
    if (ts.isThrowStatement(node)) found.push(node);
    if (ts.isNewExpression(node) || (ts.isCallExpression(node) && !node.arguments.every(isLiteral))) {
      const declaration = checker.getResolvedSignature(node)?.declaration;
      const called = declaration && ts.isConstructorDeclaration(declaration) ? declaration.parent : declaration;
      const own = called?.getSourceFile().fileName.startsWith(join(ROOT, 'src')) === true;
      if (own && ts.getJSDocTags(called as ts.Node).some(({ tagName }) => tagName.text === 'throws')) found.push(node);
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(body, visit);
  return found;
}

/** A symbol's own functions, by the name that a user calls them: itself, or a class's constructor and public methods. */
function functionsOf(name: string, symbol: ts.Symbol): { name: string; saysSo: boolean; body: ts.Node }[] {
  const bodyOf = (node: ts.Node | undefined): ts.Node | undefined => {
    const made = node && ts.isVariableDeclaration(node) ? node.initializer : node;
    return made && ts.isFunctionLike(made) ? (made as ts.FunctionLikeDeclaration).body : undefined;
  };
  if (!(symbol.flags & ts.SymbolFlags.Class)) {
    const body = bodyOf(symbol.valueDeclaration);
    return body ? [{ name, saysSo: hasTag(symbol, 'throws'), body }] : [];
  }
  const { members } = symbol.valueDeclaration as ts.ClassDeclaration;
  const constructor = members.find(ts.isConstructorDeclaration);
  const made = bodyOf(constructor);
  const saysSo =
    hasTag(symbol, 'throws') ||
    ts.getJSDocTags(constructor ?? symbol.valueDeclaration!).some(({ tagName }) => tagName.text === 'throws');
  const methods = membersOf(symbol).flatMap((member) => {
    const body = bodyOf(member.valueDeclaration);
    return body ? [{ name: `${name}.${member.name}`, saysSo: hasTag(member, 'throws'), body }] : [];
  });
  return [...(made ? [{ name, saysSo, body: made }] : []), ...methods];
}

const UNITS: readonly (readonly [suffix: RegExp, said: RegExp])[] = [
  [/(?:Ms|At)$/, /\bms\b|millisecond/i],
  [/Bytes$/, /\bbytes?\b/i],
];

describe.each(entryPoints)('the entry point $entryPoint', ({ entry }) => {
  it('exists', () => expect(existsSync(join(ROOT, entry))).toBe(true));

  it('describes each export', () => {
    const silent = exportsOf(entry).filter(({ symbol }) => summaryOf(symbol) === '');
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it('has an example for each function and class', () => {
    const bare = exportsOf(entry).filter(
      ({ symbol, typeOnly }) => !typeOnly && isCalled(symbol) && !hasTag(symbol, 'example'),
    );
    expect(bare.map(({ name }) => name)).toEqual([]);
  });

  it('describes each public method of a class', () => {
    const silent = exportsOf(entry)
      .filter(({ symbol }) => symbol.flags & ts.SymbolFlags.Class)
      .flatMap(({ name, symbol }) =>
        membersOf(symbol)
          .filter((member) => member.flags & ts.SymbolFlags.Method && summaryOf(member) === '')
          .map((member) => `${name}.${member.name}`),
      );
    expect(silent).toEqual([]);
  });

  it('says what each function and method throws, if it can', () => {
    const silent = exportsOf(entry)
      .filter(({ typeOnly }) => !typeOnly)
      .flatMap(({ name, symbol }) => functionsOf(name, symbol))
      .filter(({ saysSo, body }) => throwingNodes(body).length > 0 && !saysSo);
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it('gives the unit of each time and size', () => {
    const bare = exportsOf(entry)
      .filter(({ symbol }) => symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class))
      .flatMap(({ name, symbol }) =>
        membersOf(symbol).flatMap((member) => {
          const unit = UNITS.find(([suffix]) => suffix.test(member.name))?.[1];
          // A Date needs none.
          const isNumber = checker.typeToString(checker.getTypeOfSymbol(member)).includes('number');
          return unit && isNumber && !unit.test(summaryOf(member)) ? [`${name}.${member.name}`] : [];
        }),
      );
    expect(bare).toEqual([]);
  });

  it('describes each option, with its unit and its default', () => {
    const findings = exportsOf(entry)
      .filter(({ name, symbol }) => name.endsWith('Options') && symbol.flags & ts.SymbolFlags.Interface)
      .flatMap(({ name, symbol }) =>
        membersOf(symbol).flatMap((member) => {
          const said = `${summaryOf(member)} ${tagOf(member, 'default')}`.trim();
          const unit = UNITS.find(([suffix]) => suffix.test(member.name))?.[1];
          return [
            ...(said === '' ? [`${name}.${member.name} is silent`] : []),
            ...(unit && !hasTag(member, 'default') ? [`${name}.${member.name} lacks its default`] : []),
          ];
        }),
      );
    expect(findings).toEqual([]);
  });
});
