/** What Codex tells a hook on standard input: of it, which session it is about. */
import { hookPayloadBytesMax } from '../../schemas/limits.ts'

const idForm = /^[0-9a-f][0-9a-f-]{35}$/

/** Null when it does not say. */
export async function readSession(input: AsyncIterable<Buffer>): Promise<string | null> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of input) {
    bytes += piece.length
    if (bytes > hookPayloadBytesMax) return null
    pieces.push(piece)
  }
  let told: unknown
  try {
    told = JSON.parse(Buffer.concat(pieces).toString())
  } catch {
    return null
  }
  const id = typeof told === 'object' && told !== null && 'session_id' in told ? told.session_id : null
  return typeof id === 'string' && idForm.test(id) ? id : null
}
