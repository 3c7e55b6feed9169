/** TOML text and plain tables: the one place that parses and prints it. */
import { parse, stringify, TomlError } from 'smol-toml'
import { Fault } from '../../schemas/fault.ts'

export type Table = { readonly [key: string]: unknown }

/** @throws Fault `bad-settings` that names the file and the line. */
export function parseToml(text: string, file: string): Table {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Its first line is the reason; a drawing of the place follows.
    const reason = error.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '') ?? ''
    throw new Fault(
      'bad-settings',
      `Line ${error.line} of ${file} is not TOML: ${reason}.`,
      { file, line: error.line, column: error.column },
      error,
    )
  }
}

/** Keys that are undefined are left out. */
export const printToml = (table: Table): string => stringify(table)
