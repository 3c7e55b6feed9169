/**
 * A server holds little: the nursery of new values stays as small as it is when this is called. V8 would double it
 * whenever much of it survives, up to three times 16 MiB, and give nothing back to a process that then waits for years.
 * Always holds: only how much memory V8 takes is changed, never what a program does.
 */
import { setFlagsFromString } from 'node:v8'

/** To be called once, behind what needs the speed of a large nursery: reading a long log. */
export function holdLittle(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
