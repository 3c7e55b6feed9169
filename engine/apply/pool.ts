/** Runs `work` over all items, at most `width` at a time; after a failure starts no more and throws the first one. */
export async function eachOf<T>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries()
  const failures: unknown[] = []
  // All lanes draw from one queue.
  const lane = async () => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return
      try {
        await work(item, index)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  // Every lane is awaited, so that nothing is still at work when the caller goes on.
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  if (failures.length > 0) throw failures[0]
}
