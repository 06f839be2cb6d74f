// Proves: the files the issue is about come first, within the limits.
import { strict as assert } from 'node:assert';
import { chooseFiles } from '../../cli/choose-files.js';

const files = [
  { path: 'shop/cart.py', content: 'class Cart:\n    def add(self, item):\n        self.items.append(item)\n' },
  { path: 'shop/pages.py', content: 'def page_count(items, size):\n    return len(items) // size\n' },
  { path: 'shop/mail.py', content: 'def send_mail(to, text):\n    transport.send(to, text)\n' },
];
const issue = { title: 'The last page is missing', body: '`page_count` gives 2 for 21 items.' };
const limits = { maxFiles: 10, maxBytes: 10_000 };

function chosen(changes: Partial<typeof limits> = {}, about = issue): string[] {
  return chooseFiles(about, files, { ...limits, ...changes }).map((file) => file.path);
}

describe('choice of files', () => {
  it('puts the file the issue names first', () => {
    assert.equal(chosen()[0], 'shop/pages.py');
  });

  it('keeps to the number and to the bytes', () => {
    assert.deepEqual(chosen({ maxFiles: 1 }), ['shop/pages.py']);
    assert.ok(!chosen({ maxBytes: 60 }).includes('shop/cart.py'));
  });

  it('takes any when no word fits', () => {
    assert.deepEqual(chosen({ maxFiles: 2 }, { title: 'zzz', body: '' }), ['shop/cart.py', 'shop/pages.py']);
  });
});
