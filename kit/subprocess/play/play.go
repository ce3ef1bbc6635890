// Package play is for tests in which the test binary plays a program that a provider
// runs. It is no part of aicv's binary.
package play

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// End ends the process as a badly behaved program would: "hang" never does, with a child
// that holds the output open; "flood" prints 1 GiB, in lines of 1 MiB that have the given
// end; "kill" dies of a signal; a number is the exit status. Anything else, and an empty
// text, returns.
func End(how, line string) {
	switch how {
	case "hang":
		child := exec.Command("sleep", "600") // must end, too
		child.Stdout = os.Stdout
		_ = child.Start()
		time.Sleep(time.Hour)
	case "flood":
		text := strings.Repeat("x", 1<<20) + line
		for range 1 << 10 {
			fmt.Print(text)
		}
	case "kill":
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		time.Sleep(time.Hour)
	default:
		if code, err := strconv.Atoi(how); err == nil {
			os.Exit(code)
		}
	}
}
