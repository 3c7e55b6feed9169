import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyDifference } from '../../../engine/show/keys.ts'
import { isSecretName, mask, redactLines, redactText } from '../../../engine/show/redact.ts'
import { diffLineLettersMax } from '../../../schemas/limits.ts'

/** A word without the look of a token: only its name tells what it is. */
const word = 'correct horse'

describe('S29, Q5: what may be secret is hidden, by its name', () => {
  test.each([
    `password = "${word}"`,
    `  "token": "${word}",`,
    `API_KEY=${word}`,
    `export GITHUB_TOKEN=${word}`,
    `key: ${word}`,
    `secret_access_key => '${word}'`,
    `env = { PATH = "/bin", X = "${word}" }`,
    `http_headers = { "X-Any" = "${word}" }`,
    `Authorization: Basic ${word}`,
    `auth_token := ${word}`,
    `  client.secret = ${word}`,
    `run --api-key ${word.split(' ')[1]}`,
    `run --api-key '${word}'`,
    `PASSWORD=${word}\r`,
    `"{\\"token\\": \\"${word}\\"}"`,
  ])('%s', (line) => {
    const [shown] = redactLines([line])
    for (const one of word.split(' ')) expect(shown).not.toContain(one)
    expect(shown).toContain(mask)
  })

  test.each([
    ['[mcp_servers.docs.env]', `FOO = "${word}"`, '[other]', 'a = "plain"'],
    ['token = """', word, '"""', 'a = "plain"'],
    ['token: |', `  ${word}`, `  ${word}`, 'a: plain'],
    ['env:', `  FOO: ${word}`, '', 'a: plain'],
    ['"secrets": {', `  "a": "${word}"`, '},', '"a": "plain"'],
    ['keys = [', `  "${word}",`, ']', 'a = "plain"'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----', word, '-----END OPENSSH PRIVATE KEY-----', 'a = "plain"'],
    ['export TOKEN=\\', word, 'a = "plain"'],
    ['[mcp_servers.docs.env]\r', `FOO = "${word}"\r`, '[other]\r', 'a = "plain"\r'],
    ['export TOKEN=\\\r', `${word}\r`, 'a = "plain"\r'],
  ])('over lines: %s', (...lines) => {
    const shown = redactLines(lines)
    expect(shown).toHaveLength(lines.length)
    expect(shown.join('\n')).not.toContain('horse')
    expect(shown.at(-1)).toBe(lines.at(-1))
  })
})

describe('S29, Q5: what may be secret is hidden, by its look', () => {
  test.each([
    'sk-proj-4f9a77b2c1',
    'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
    'github_pat_11ABCDEFG0aaaa',
    'xoxb-1234567890-abc',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
    'Bearer abc.def-ghi',
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'wJalrXUtnFEMI0K7MDENGbPxRfiCYEXAMPLEKEY',
  ])('%s', (token) => {
    expect(redactText(`see ${token} there`)).toBe(`see ${mask} there`)
  })

  test('in addresses', () => {
    expect(redactText('get https://me:pw@host/a?x=1&token=abc&y=2')).toBe(
      `get https://${mask}host/a?x=1&token=${mask}&y=2`,
    )
  })
})

test.each([
  'Speak of the zebra crossing; use few tokens.',
  '# Keys and locks',
  'author = "somebody"',
  'model = "gpt-5.2-codex"',
  'See https://example.org/docs/2024-01-05-some-long-title/page.html',
  'skills/review/SKILL.md and AbstractSingletonProxyFactoryBean',
  'token = true',
])('S35: other lines are shown as they are: %s', (line) => {
  expect(redactLines([line])).toEqual([line])
})

test.each([
  ['command', false],
  ['author', false],
  ['model', false],
  ['monkey', false],
  ['bypass', false],
  ['key', true],
  ['env_key', true],
  ['bearer_token_env_var', true],
  ['X-Api-Key', true],
  ['env', true],
  ['preferred_auth_method', true],
] as const)('S29: is %s the name of a secret? %s', (key, secret) => {
  expect(isSecretName(key)).toBe(secret)
})

test('Q5: a name of a variable is shown where a key names one, and nothing else is', () => {
  expect(redactLines(['bearer_token_env_var = "DOCS_TOKEN"', "env_key = 'OPENAI_API_KEY'"])).toEqual([
    'bearer_token_env_var = "DOCS_TOKEN"',
    "env_key = 'OPENAI_API_KEY'",
  ])
  for (const value of ['hunter2', 'JBSWY3DPEHPK3PXP', 'AKIAIOSFODNN7EXAMPLE', 'TOKEN" # "hunter2', 'A horse'])
    for (const line of [`env_key = "${value}"`, `bearer_token_env_var = "${value}"`]) {
      expect(redactLines([line])[0]).not.toContain(value)
      expect(keyDifference('a.env_key', `"${value.split('"')[0]}x"`, null).lines[0]).toContain(mask)
    }
  const shown = (key: string) => keyDifference(key, '"DOCS_TOKEN"', null).lines
  expect(shown('model_providers.a.env_key')).toEqual(['+model_providers.a.env_key = "DOCS_TOKEN"'])
  expect(shown('a.env_http_headers.Authorization')).toEqual([
    '+a.env_http_headers.Authorization = "DOCS_TOKEN"',
  ])
  // What is secret above stays so below.
  for (const key of ['a.env.env_key', 'a.http_headers.X', 'a.token', 'a.env'])
    expect(shown(key)).toEqual([`+${key} = ${mask}`])
  expect(redactLines(['[a.env]', 'env_key = "TOKEN"'])[1]).toBe(`env_key = ${mask}`)
})

test('Q5: no line of random text comes out longer than its secret allows, and none is lost', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('env:', 'token = """', 'keys = [', ']', '[a.env]', '  x'),
  )
  fc.assert(
    fc.property(fc.array(line.map((text) => text.replaceAll('\n', ''))), (lines) => {
      expect(redactLines(lines)).toHaveLength(lines.length)
    }),
    { numRuns: 500 },
  )
})

describe('Q3: the work grows with the length of a text and no faster', () => {
  const lettersMany = 1024 * 1024
  const source = readFileSync(new URL('../../../engine/show/redact.ts', import.meta.url), 'utf8')
  const patterns = [
    ...source.matchAll(/(?<=[ (])\/(?![/*])((?:\\.|\[[^\]]*\]|[^/\\\n])+)\/[a-z]*(?=$|[.\s,)])/gm),
  ].map(([, pattern]) => pattern ?? '')
  /** Words that begin what the patterns look for, and what keeps them from coming to an end. */
  const fragments = [
    ...[
      'auth',
      'author',
      'key',
      'keys_',
      'token-',
      'api-',
      '_pass',
      '.env',
      'a',
      'a1',
      'A1b2-',
      '=',
      '/',
      '~',
      '-',
      '.',
    ],
    ...[
      ' ',
      '\t',
      '"',
      "'",
      '\\',
      '[',
      ']',
      '[ ',
      '[env ',
      '[a.',
      '{',
      '?key',
      '&a',
      '?',
      '://a',
      '@',
      ':',
      '=>',
      '|',
    ],
    ...[
      '--key ',
      '--key "',
      "--key '",
      '-.',
      '- ',
      'sk-',
      'eyJ',
      'eyJ.',
      'Bearer ',
      'Basic\t',
      '-----BEGIN ',
      'PRIVATE KEY',
    ],
    ...['token =', 'token ', 'token = """', 'true', '"""', '#', 'é', '\r'],
  ]

  test('no pattern repeats what repeats in itself', () => {
    expect(patterns.length).toBeGreaterThan(15)
    expect(patterns).toContain('[A-Za-z0-9]{20,}')
    for (const pattern of patterns) {
      const plain = pattern.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x')
      expect(plain, pattern).not.toMatch(/[+*}][^()]*\)(?:[+*{]|\?(?!:))/)
      // The same letters twice with something between that repeats as well.
      expect(pattern, pattern).not.toMatch(/(\[[^\]]*\]|\\w|\.)[*+].*\1[*+]/)
    }
  })

  test('a line of a megabyte, whatever it is made of', () => {
    for (const fragment of fragments) {
      const line = fragment.repeat(lettersMany / fragment.length)
      const short = line.slice(0, lettersMany / 8)
      for (const text of [line, `token = ${short}`, `[${short}`, `${short}!`]) {
        expect(redactLines([text, 'end'])).toHaveLength(2)
        redactText(text)
        isSecretName(text)
      }
    }
  }, 60_000)

  test('many lines, of which each is looked at to its end', () => {
    const line = 'auth'.repeat(500)
    expect(redactLines(Array.from({ length: 500 }, () => line))).toEqual(
      Array.from({ length: 500 }, () => mask),
    )
  })

  test('of a long line the beginning is shown, up to a space; a secret that the cut goes through is not', () => {
    const words = 'ab '.repeat(diffLineLettersMax)
    expect(redactLines([words])).toEqual([
      `${words.slice(0, diffLineLettersMax - (diffLineLettersMax % 3))}${mask}`,
    ])
    const cut = `${'ab '.repeat(diffLineLettersMax / 3 - 2)}sk-${word.replace(' ', '-')}-${word.repeat(9)}`
    const [shown = ''] = redactLines([cut])
    expect(shown).toMatch(/^(?:ab )+‹hidden›$/)
    expect(redactLines([`${words}"secrets": {`, word, '}', 'plain']).slice(1)).toEqual([mask, mask, 'plain'])
  })
})

describe('S39: a key in conflict', () => {
  const lines = (key: string, canonical: string | null, local: string | null) =>
    keyDifference(key, canonical, local).lines

  test('a plain value is shown, of a missing one only that it is missing', () => {
    expect(lines('model', '"gpt-5"', '"gpt-4"')).toEqual(['-model = "gpt-4"', '+model = "gpt-5"'])
    expect(lines('model', null, '"gpt-4"')).toEqual(['-model = "gpt-4"'])
    expect(lines('model_context_token_limit', '100', '200')).toEqual([
      '-model_context_token_limit = 200',
      '+model_context_token_limit = 100',
    ])
  })

  test('Q5: two secrets differ, and nothing else of them is told', () => {
    expect(lines('mcp_servers.docs.env.FOO', `"${word}"`, `"${word} two"`)).toEqual([
      `-mcp_servers.docs.env.FOO = ${mask}`,
      `+mcp_servers.docs.env.FOO = ${mask}`,
    ])
    expect(lines('x.token', '1234', '4321')).toEqual([`-x.token = ${mask}`, `+x.token = ${mask}`])
  })

  test.each([
    'shell_environment_policy.set.FOO',
    'mcp_servers.docs.args',
    'mcp_servers.docs.env.FOO',
    'mcp_servers.docs.http_headers.X-Any',
    'plugins."docs@market".mcp_servers.docs.args',
    'plugins."docs@market".mcp_servers.docs.env.FOO',
    'plugins."docs@market".mcp_servers.docs.http_headers.X-Any',
    'model_providers.mine.query_params.a',
    'model_providers.mine.http_headers.X-Any',
    'profiles.p.model_providers.mine.query_params.a',
    'hooks.SessionStart',
  ])('S29, Q5: all below %s is hidden', (key) => {
    for (const value of [`"${word}"`, `["-y", "${word}"]`, `[{ hooks = [{ command = "${word}" }] }]`, '4711'])
      expect(lines(key, value, null)).toEqual([`+${key} = ${mask}`])
  })

  test.each([
    ['instructions', '"API_KEY=correct horse"'],
    ['instructions', '"First.\\nAPI_KEY=correct horse\\nLast."'],
    ['mcp_servers.docs.command', `"sh -c 'PASS=correct horse'"`],
    ['mcp_servers.docs.url', '"https://correct:horse@host/x"'],
    ['model_providers.mine.base_url', '"https://host/x?sig=correct&code=horse"'],
    ['notify', '["sh", "-c", "TOKEN=correct horse notify"]'],
    ['notify', '["notify", "--password", "correct horse"]'],
    ['skills.config', '[{ path = "/a", token = "correct horse" }, { text = "PASS=correct horse" }]'],
    ['instructions', '"""-----BEGIN PRIVATE KEY-----\ncorrect\nhorse\n-----END PRIVATE KEY-----"""'],
  ])('S29, Q5: each line of a text is redacted as one of a file is: %s = %s', (key, value) => {
    const [shown = ''] = lines(key, value, null)
    expect(shown).not.toMatch(/correct|horse/)
    expect(shown).toContain(mask)
  })

  test('S35: what is no secret is shown', () => {
    expect(lines('features.hooks', 'true', 'false')).toEqual([
      '-features.hooks = false',
      '+features.hooks = true',
    ])
    expect(lines('skills.config', '[{ path = "/a", enabled = false }]', null)).toEqual([
      '+skills.config = [{ path = "/a", enabled = false }]',
    ])
    expect(lines('notify', '["notify", "-x", "a b"]', null)).toEqual(['+notify = ["notify", "-x", "a b"]'])
  })

  test('S45: of a whole server each value that is no argument', () => {
    const server = (more: string) => `{ command = "npx", args = ["-y", "--api-key", "${word}"]${more} }`
    expect(lines('mcp_servers.docs', server(`, env = { A = "${word}" }`), server(''))).toEqual([
      ' mcp_servers.docs.command = "npx"',
      ` mcp_servers.docs.args = ${mask}`,
      `+mcp_servers.docs.env.A = ${mask}`,
    ])
  })
})
