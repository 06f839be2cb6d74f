/** Files that are hard to patch; every patch for them must apply all the same. */
export const hostileFiles: Readonly<Record<string, string>> = {
  crlf: 'def f(x):\r\n    if x > 1:\r\n        return x\r\n    return 0\r\n',
  mixedEnds: 'def f(x):\r\n    return x\n\n\r\ndef g(x):\n    return x\r\n',
  tabs: 'def f(x):\n\tif x:\n\t\treturn x\n\treturn\t0\n',
  noFinalNewline: 'def f(x):\n    return x + 1',
  onlyNewline: '\n',
  empty: '',
  blanks: '   \n\t\n\n   ',
  unicode: 'def größe(x):\n    return "日本語 🎉 é́"  # ä\u00a0ö\u2028ü\n',
  byteOrderMark: '\ufeffdef f(x):\n    return x\n',
  duplicateLines: 'def f(x):\n    x += 1\n    x += 1\n    x += 1\n    return x\n'.repeat(6),
  oneRepeatedLine: 'x = 1\n'.repeat(2000),
  long: Array.from({ length: 10_000 }, (_, line) => `value_${line} = compute(${line})`).join('\n'),
  longLine: `x = "${'a b'.repeat(5000)}"\ny = 2\n`,
  specials: 'a = "<|patch|>"\nb = "<|ctx|><|del|>"\n# <|add|> <|\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n',
  formFeed: 'def f():\n    pass\n\f\ndef g():\n    pass\n',
  carriageReturns: 'a = 1\rb = 2\rc = 3\n',
};
