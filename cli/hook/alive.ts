/** Is there such a process of ours? Signal 0 asks, and does nothing. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
