/**
 * A model server on loopback that says "done" to everything and keeps what it was asked.
 * Always holds: it listens on 127.0.0.1 only, and every request is in `requests` before its answer leaves.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A request to `/v1/responses`, as far as tests look at it. */
export type ModelRequest = { readonly text: string; readonly body: unknown }

export type FakeModel = {
  /** What a provider's `base_url` has to be. */
  readonly baseUrl: string
  readonly requests: readonly ModelRequest[]
  /** The next request that comes in from now on. */
  next(): Promise<ModelRequest>
  /** Keeps every answer back, so that turns stay in progress, until the returned function is called. */
  hold(): () => void
  close(): Promise<void>
}

/** Every string in a JSON value that stands under a key `text`, one per line: what the model was told. */
function toldText(value: unknown): string {
  if (Array.isArray(value)) return value.map(toldText).filter(Boolean).join('\n')
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([key, inner]) => (key === 'text' && typeof inner === 'string' ? inner : toldText(inner)))
    .filter(Boolean)
    .join('\n')
}

const frame = (event: { readonly type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/** The least that Codex takes as a finished answer. */
export function answer(id: string): string {
  const message = {
    type: 'message',
    id: `msg_${id}`,
    role: 'assistant',
    content: [{ type: 'output_text', text: 'done' }],
  }
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 }
  return [
    { type: 'response.created', response: { id } },
    { type: 'response.output_item.done', output_index: 0, item: message },
    { type: 'response.completed', response: { id, output: [message], usage } },
  ]
    .map(frame)
    .join('')
}

export async function startModel(): Promise<FakeModel> {
  const requests: ModelRequest[] = []
  let waiting: ((request: ModelRequest) => void)[] = []
  let held: Promise<void> | null = null

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const path = new URL(request.url ?? '/', 'http://model').pathname
    if (request.method === 'GET' && path === '/v1/models') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"list","data":[]}')
      return
    }
    if (request.method !== 'POST' || path !== '/v1/responses') {
      response.writeHead(404).end()
      return
    }
    const body: unknown = JSON.parse(Buffer.concat(parts).toString())
    const told = { body, text: toldText(body) }
    requests.push(told)
    for (const resolve of waiting) resolve(told)
    waiting = []
    await held
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(answer(`resp_${requests.length}`))
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(Error(String(error))))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('bug: no TCP address')

  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    requests,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    hold: () => {
      let release = () => {}
      held = new Promise((done) => {
        release = () => {
          held = null
          done()
        }
      })
      return release
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
