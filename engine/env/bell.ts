/**
 * A bell: whoever waits hears the next ring. Carries nothing; what changed is looked up by who heard it.
 * Always holds: a ring is never missed by somebody who called `next` before it.
 */
export class Bell {
  #ring: () => void = () => undefined
  #heard: Promise<void> = Promise.resolve()

  constructor() {
    this.#renew()
  }

  ring(): void {
    const ring = this.#ring
    this.#renew()
    ring()
  }

  /** Resolves at the next ring; rejects with the signal's reason when that comes first. */
  next(signal?: AbortSignal): Promise<void> {
    const heard = this.#heard
    if (!signal) return heard
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      heard.then(() => {
        signal.removeEventListener('abort', abort)
        resolve()
      })
    })
  }

  #renew(): void {
    this.#heard = new Promise((resolve) => {
      this.#ring = resolve
    })
  }
}
