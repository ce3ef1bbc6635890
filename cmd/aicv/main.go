// Command aicv checks LLM-serving performance predictions against measurements.
package main

import (
	"os"

	"aicv/internal/cli"
)

func main() {
	os.Exit(cli.Run(cli.Config{Registrations: registrations()}, os.Args[1:],
		cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
