// Package benchtool is what drivers of benchmark clients of others have in common: the
// warm-up, the run's folder, an environment without credentials, the server's key, and
// what the tool says turned into progress. It knows no tool.
package benchtool
