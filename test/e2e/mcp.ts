/**
 * An MCP server for tests, as a program: it has one tool, named as it is told.
 * Always holds: it answers what Codex asks of a server on standard input and output, and ends with its input.
 */
import { writeFileSync } from 'node:fs'

const program = `
const [name] = process.argv.slice(2)
const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name, version: '0' } }),
  'tools/list': () => ({ tools: [{ name, description: 'A tool of the test.', inputSchema: { type: 'object', properties: {} } }] }),
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const answer = answers[method]
  const said = answer ? { result: answer(params ?? {}) } : { error: { code: -32601, message: 'no such method' } }
  console.log(JSON.stringify({ jsonrpc: '2.0', id, ...said }))
})
`

/** Writes the program; the words of \`command\` and \`args\` that start it stand in a table of config.toml. */
export function writeMcpServer(file: string): void {
  writeFileSync(file, program)
}

export const mcpTable = (
  server: string,
  file: string,
  tool: string,
  env: Record<string, string> = {},
): string =>
  `[mcp_servers.${server}]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${JSON.stringify([file, tool])}\n` +
  (Object.keys(env).length === 0
    ? ''
    : `[mcp_servers.${server}.env]\n${Object.entries(env)
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
        .join('')}`)
