// Package diag shows messages about the user's files: for people with a snippet and a
// caret line under the exact characters, for programs as JSON.
package diag
