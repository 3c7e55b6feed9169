/**
 * A master and a follower of it, both real, whose Codex speaks to a model of ours: the follower's config comes from
 * the master.
 * Always holds: `remove` ends and removes all of it.
 */
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { codexBinary, runCodexExec, writeCodexConfig } from './codex.ts'
import { type Machine, makeMachine, onLoopback, skillText } from './machine.ts'
import { type FakeModel, type ModelRequest, startModel } from './model.ts'
import { until } from './patience.ts'
import type { Server } from './server.ts'

export type Pair = {
  readonly model: FakeModel
  readonly master: Machine
  readonly follower: Machine
  readonly server: Server
  readonly link: string
  /** Changes the master's home, and waits until all of it is published. */
  publish(change: () => void): Promise<void>
  /** Instructions, a skill and a model, each of this name. */
  publishNamed(name: string): Promise<void>
  /** One `codex exec` on the follower that ends well, and what its model was asked. */
  exec(more?: Partial<Parameters<typeof runCodexExec>[0]>): Promise<ModelRequest>
  /**
   * What a session leaves behind is done soon. On a busy machine a budget may be over before: the master seems away for
   * a minute, or what came is staged when nobody waits for it any more. Then another session has its turn.
   */
  bringIn(isThere: () => boolean): Promise<void>
  remove(): Promise<void>
}

/** @param joinWords more words for `follower join`. */
export async function makePair(...joinWords: string[]): Promise<Pair> {
  const model = await startModel()
  const master = makeMachine('master')
  const follower = makeMachine('follower', [], {
    PATH: `${dirname(codexBinary())}:${process.env['PATH'] ?? ''}`,
  })
  writeCodexConfig(master.codexHome, model.baseUrl)
  master.write('AGENTS.md', 'Speak of the zebra crossing.\n')
  const init = await master.stemma('master', 'init')
  expect(init.code, init.stderr).toBe(0)
  const server = await master.serve(...onLoopback)
  await server.event('listening')
  const link = String((await master.stemma('master', 'link', '--json')).json()['link'])
  const joined = await follower.stemma('follower', 'join', link, '--yes', ...joinWords)
  expect(joined.code, joined.stderr + joined.stdout).toBe(0)

  async function publish(change: () => void): Promise<void> {
    change()
    const told = await master.stemma('master', 'rebuild', '--json')
    expect(told.code, told.stderr).toBe(0)
  }

  const exec: Pair['exec'] = async (more = {}) => {
    const before = model.requests.length
    const run = await runCodexExec({ home: follower.codexHome, prompt: 'Say hello.', ...more })
    expect([run.code, run.stdout.trim()], run.stderr).toEqual([0, 'done'])
    expect(model.requests).toHaveLength(before + 1)
    const request = model.requests[before]
    if (request === undefined) throw new Error('the model was not asked')
    return request
  }

  return {
    model,
    master,
    follower,
    server,
    link,
    publish,
    publishNamed: (name) =>
      publish(() => {
        master.write('AGENTS.md', `Speak of the ${name}.\n`)
        master.write(`skills/${name}/SKILL.md`, skillText(name, `Draws a ${name}.`))
        const config = master.read('config.toml') ?? ''
        master.write('config.toml', config.replace(/^model = .*/, `model = "gpt-${name}"`))
      }),
    exec,
    async bringIn(isThere) {
      for (let tries = 1; ; tries++) {
        try {
          return await until('what a session left behind is done', isThere, 10_000)
        } catch (error) {
          if (tries === 4) throw error
          rmSync(join(follower.stemmaHome, 'away'), { force: true })
          await exec()
        }
      }
    },
    async remove() {
      await follower.remove()
      await master.remove()
      await model.close()
    },
  }
}

/** The names of the tools that a session offers its model. */
export function toolsOf({ body }: ModelRequest): readonly string[] {
  const tools = typeof body === 'object' && body !== null && 'tools' in body ? body.tools : null
  return Array.isArray(tools) ? tools.map((tool) => JSON.stringify(tool)) : []
}
export const modelOf = ({ body }: ModelRequest): unknown =>
  typeof body === 'object' && body !== null && 'model' in body ? body.model : null
