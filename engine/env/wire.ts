/**
 * The Wire port: frames in order between two ends, and the close that ends them.
 * Always holds: a frame arrives whole or not at all; after `closed` settles nothing more arrives.
 */
import type { Code } from '../../schemas/code.ts'

export type WireClose = { readonly code: Code | 'gone'; readonly why: string }

export interface Wire {
  /**
   * Resolves once the frame is handed to the network and less than the credit window is buffered; the bytes must
   * not change until then. Rejects with a Fault once the wire has ended.
   */
  send(frame: Uint8Array): Promise<void>
  /**
   * The next frame, or null once the wire has ended. What arrived before the other side's close is still handed
   * out; after a close of this side nothing is. One reader at a time; frames not yet read hold back the sender.
   */
  receive(signal?: AbortSignal): Promise<Uint8Array | null>
  /** Ends the wire. `code` reaches the other side where the network still allows it. */
  close(code: Code | 'gone', why: string): void
  /**
   * The other end is no stranger any more: a master has let it in, or asked it for what was lost. Before that it may
   * send a wire that a master took in no more than a hello needs (`strangerBytesMax`).
   */
  welcome(): void
  /** Settles once the connection is down, with the reason of the side that closed first. Never rejects. */
  readonly closed: Promise<WireClose>
  /** 32 bytes that both ends of this channel, and nobody else, share (the TLS exporter). */
  readonly exporter: Uint8Array
  /** The other end's node key (raw Ed25519): what its certificate proved. */
  readonly peerKey: Uint8Array
  /** Where the other end is, for logs and caps. */
  readonly peerAddress: string
}
