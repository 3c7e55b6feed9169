/** What a master lets out of its secret files (S29, S30, A5). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { publishable } from '../../../engine/compose/publish.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { home } from '../fixture.ts'
import { at, look, World } from '../machines.ts'

const publish = (path: string, text: string) => {
  const out = publishable(home(path), Buffer.from(text))
  return isRefusal(out) ? out.refused : out.toString()
}
const login = (refresh: string) =>
  JSON.stringify({
    auth_mode: 'chatgpt',
    tokens: { access_token: 'at', id_token: 'id', refresh_token: refresh },
  })

describe('S29, A5: logins', () => {
  test('a refresh token never travels, everything else does', () => {
    expect(publish('auth.json', login('rt-secret'))).toBe(login(''))
    const key = '{\n  "OPENAI_API_KEY": "sk"\n}\n'
    expect(publish('auth.json', key)).toBe(key)
    expect(publish('skills/a/auth.json', login('rt'))).toBe(login(''))
    const servers = '{"docs|1f": {"access_token": "at", "refresh_token": "rt-secret", "scopes": []}}'
    expect(publish('.credentials.json', servers)).toBe(servers.replace('rt-secret', ''))
  })
  test('what is no login is not published', () => {
    for (const bad of ['', '[]', '{', '{"tokens":{"refresh_token":7}}'])
      expect(publish('auth.json', bad)).toBe('bad-config')
    expect(isRefusal(publishable(home('auth.json'), Buffer.from([0x7b, 0xff, 0x7d])))).toBe(true)
  })
})

describe('S30: config.toml, profiles and hooks', () => {
  const canonical = '# Ours\nmodel = "m" # so\n\n[mcp_servers.docs]\ncommand = "docs"\n'
  const machine =
    '\n[projects."/srv/a"]\ntrust_level = "trusted"\n\n[hooks.state."/h:stop:0:0"]\ntrusted_hash = "x"\n\n[mcp_servers.docs.tools.a]\napproval_mode = "approve"\n'
  test('a machine’s keys stay, every other byte travels', () => {
    for (const path of ['config.toml', 'work.config.toml']) {
      expect(publish(path, canonical)).toBe(canonical)
      expect(publish(path, `${canonical}${machine}`)).toBe(canonical)
      expect(publish(path, 'model = ')).toBe('bad-config')
    }
  })
  test('S41: what Codex would refuse is not published, so that nothing else waits for it', () => {
    for (const bad of ['model = 5\n', 'approval_policy = "untrusted"\n', '[mcp_servers.x]\nenabled = true\n'])
      expect(publish('config.toml', bad)).toBe('bad-config')
  })
  test('S43: consent and files of one machine stay there, those of plugins included', () => {
    const text =
      'model_instructions_file = "inst.md"\n\n[plugins.p.mcp_servers.s.tools.rm]\napproval_mode = "approve"\n'
    expect(publish('config.toml', `model = "m"\n${text}`)).toBe('model = "m"\n')
  })
  test('our own hook stays, others keep their bytes', () => {
    const group = (command: string) => ({ hooks: [{ type: 'command', command }] })
    const text = (...commands: string[]) =>
      JSON.stringify({ hooks: { SessionStart: commands.map(group) } }, null, 3)
    expect(publish('hooks.json', text('a', 'b'))).toBe(text('a', 'b'))
    const out = publish('hooks.json', text('a', 'node /x/stemma-hook.cjs start', 'b'))
    expect(JSON.parse(out)).toEqual(JSON.parse(text('a', 'b')))
    expect(publish('hooks.json', '{"hooks": []}')).toBe('bad-config')
  })
  test('any other secret file is what it is', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        for (const path of ['.env', 'mise.toml', 'gateway_oauth.json', 'skills/a/.env'])
          expect(publishable(home(path), Buffer.from(bytes))).toEqual(Buffer.from(bytes))
      }),
    )
  })

  test('S25: a look of the master: Codex’s own writing causes no entry, a broken file a warning and none either', async () => {
    const world = await World.make({ 'config.toml': canonical, 'auth.json': login('rt-1') })
    const { seq } = world.master.head
    await world.publish({ 'config.toml': `${canonical}${machine}`, 'auth.json': login('rt-2') })
    expect(world.master.head.seq).toBe(seq)
    const broken = await world.publish({ 'config.toml': 'model = ', 'hooks.json': '{', 'AGENTS.md': 'a' })
    expect(broken.entries).toBe(1)
    expect(broken.refused.map(({ path, refusal }) => `${path} ${refusal.refused}`)).toEqual([
      'config.toml bad-config',
      'hooks.json bad-config',
    ])
    expect(broken.refused.map(({ refusal }) => refusal.why).join(' ')).not.toContain('rt-')
    const machineOne = await world.join(2)
    await machineOne.keeper.apply()
    expect(machineOne.text('config.toml')).toBe(canonical)
    expect(machineOne.text('auth.json')).toBe(login(''))
    expect(machineOne.text('hooks.json')).toBe(null)
    // It is right again, with what a person did meanwhile.
    await world.publish({ 'config.toml': canonical.replace('"m"', '"n"') })
    await world.update(machineOne)
    expect(machineOne.text('config.toml')).toContain('"n"')
  })

  test('S28: a secret file that is a link to another place in the home is followed, out of it is not', async () => {
    const world = await World.make({ 'config.toml': canonical })
    world.disk.plantFile('/user/dotfiles/.env', 'A=1')
    world.disk.plantLink(at('.env'), '/user/dotfiles/.env')
    const { warnings } = await look(world.disk, world.ports, world.master)
    expect(warnings.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['link-out .env'])
    assert(!world.master.state.maps.secrets.has('.env'), 'it stays where it is')
  })
})
