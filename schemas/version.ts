/** The version of this program, as `package.json` says it (a test compares the two): read by `--version` and `status`. */
export const version = '0.1.0'
